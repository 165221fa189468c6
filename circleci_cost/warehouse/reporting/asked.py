"""Makes questions of what was typed on a command line or stands in an address: texts in, a checked `Question` out.

Answering them is `report`'s job. Names are refused here, values of dimensions there, where the usage is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.days import parse_day
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.model.reporting.filters import Filter, parse_filters, split_filter
from circleci_cost.model.reporting.names import column_form, dimension
from circleci_cost.model.reporting.report import Granularity, Order, Question
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import suggestion_or_all

MOST_GROUPS = 100_000
# More digits than any number that may be asked for; Python refuses to read very long ones.
_DIGITS = 9
_Choice = TypeVar("_Choice", bound=StrEnum)
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Asked:
    """What was asked for, as far as it was said: names and filters as texts."""

    by: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    where: Sequence[str] = ()
    granularity: Granularity | None = None
    order: Order = Order.COST
    limit: int | None = None

    @classmethod
    def of_texts(cls, texts: Mapping[str, Sequence[str]]) -> "Asked":
        """Read `by`, `from`, `to`, `where`, `granularity`, `sort` and `limit`; an empty text is as good as none.

        Other names are the caller's. Raises `UsageError`.
        """
        return cls(
            by=given(texts, "by"),
            first=one_of(texts, "from", parse_day),
            last=one_of(texts, "to", parse_day),
            where=given(texts, "where"),
            granularity=one_of(texts, "granularity", lambda text: choice(Granularity, "granularity", text)),
            order=one_of(texts, "sort", lambda text: choice(Order, "sort", text)) or Order.COST,
            limit=one_of(texts, "limit", lambda text: number(text, "limit", MOST_GROUPS)),
        )


def asked_question(
    asked: Asked,
    settings: Settings,
    tags: Sequence[str],
    available: DayRange | None,
    yesterday: date,
    *,
    of_runs: bool = False,
) -> Question:
    """The question that was asked. In: the published tags, and the days with data. Raises `UsageError`.

    `of_runs`: whether dimensions that only single job runs tell may be asked for.

    For a tag that is configured and not published, a `CircleciCostError` says how to publish it.
    """
    by = asked_dimensions(asked.by, tags, settings, of_runs=of_runs)
    filters = asked_filters(asked.where, tags, settings, of_runs=of_runs)
    days = asked_days(asked.first, asked.last, available, yesterday)
    return Question(days.first, days.last, by, filters, asked.granularity, asked.limit, asked.order)


def asked_dimensions(
    by: Sequence[str], tags: Sequence[str], settings: Settings, *, of_runs: bool = False
) -> tuple[str, ...]:
    """The dimensions of texts such as `team,project`, each once. Raises as `asked_question`."""
    names = [name for text in by for name in text.split(",") if name.strip()]
    for name in names:
        _refuse_unpublished(name, tags, settings)
    return tuple(dict.fromkeys(dimension(name, tags, of_runs=of_runs) for name in names))


def asked_filters(
    where: Sequence[str], tags: Sequence[str], settings: Settings, *, of_runs: bool = False
) -> tuple[Filter, ...]:
    """The filters of texts such as `project=web-app`. Raises as `asked_question`."""
    for text in where:
        _refuse_unpublished(split_filter(text)[0], tags, settings)
    return parse_filters(where, tags, of_runs=of_runs)


def asked_days(first: date | None, last: date | None, available: DayRange | None, yesterday: date) -> DayRange:
    """The chosen days; by default the available ones, else yesterday. Raises `UsageError` for a wrong order."""
    days = DayRange(
        first or min(available.first if available else yesterday, last or yesterday),
        last or max(available.last if available else yesterday, first or date.min),
    )
    if days.last < days.first:
        raise UsageError(f"The first day, {days.first}, lies after the last one, {days.last}; exchange them.")
    return days


def _refuse_unpublished(name: str, tags: Sequence[str], settings: Settings) -> None:
    """Raise for a virtual tag that is configured but not published yet, and say how to publish it."""
    tag_name = column_form(name)
    for tag in settings.virtual_tags:
        if tag.name == tag_name and tag.name not in tags:
            raise CircleciCostError(
                f"The virtual tag {tag.name!r} is in no published costs yet; run `circleci-cost allocation apply`, "
                "which fetches nothing."
            )


def given(texts: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The texts of a parameter; an empty one is as good as none."""
    return [text for text in texts.get(name, ()) if text]


def one_of(texts: Mapping[str, Sequence[str]], name: str, read: Callable[[str], _Read]) -> _Read | None:
    """The value of a parameter that may be given once, or None. Raises `UsageError`."""
    found = given(texts, name)
    if len(found) > 1:
        raise UsageError(f"{name} is given {len(found)} times; give it once.")
    return read(found[0]) if found else None


def number(text: str, name: str, most: int) -> int:
    """Read a whole number from 1 on. Raises `UsageError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and 1 <= int(text) <= most):
        raise UsageError(f"{name} {quoted(text)} is no number from 1 to {most:,}.")
    return int(text)


def choice(choices: type[_Choice], name: str, text: str) -> _Choice:
    """The choice that a text names. Raises `UsageError` with those there are."""
    known = [each.value for each in choices]
    if text not in known:
        raise UsageError(f"There is no {name} {quoted(text)}; {suggestion_or_all(text, known)}")
    return choices(text)
