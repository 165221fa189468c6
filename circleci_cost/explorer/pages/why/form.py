"""The form above the answer: the days, what they are compared with, the groups, the filters, and common questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from circleci_cost.days import months_later
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.why.asked import DAYS, MOST_ROWS
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import PREVIOUS, WEEKDAYS
from circleci_cost.model.reporting.filters import in_words, parse_filters
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, DIMENSIONS
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.warehouse.drivers.explanation import Explanation

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Option:
    """A value of a menu."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True)
class Chip:
    """A filter: its text, and the page without it."""

    text: str
    without: Address


@dataclass(frozen=True)
class Preset:
    """A common question: its text and its page."""

    text: str
    address: Address
    is_chosen: bool


@dataclass(frozen=True)
class Form:
    """What the form shows; texts as the address has them where the question could not be answered."""

    first: str
    last: str
    against: Sequence[Option]
    against_first: str
    against_last: str
    by: Sequence[Option]
    limit: str
    most: int
    where: Sequence[str]
    chips: Sequence[Chip]
    presets: Sequence[Preset]


def form_of(address: Address, snapshot: Snapshot, explanation: Explanation | None) -> Form:
    """The form of an address, with the days that were chosen for what it leaves open."""
    first, last = _first(address, "from"), _first(address, "to")
    if explanation is not None:
        period = explanation.periods.period
        first, last = f"{period.first}", f"{period.last}"
    return Form(
        first,
        last,
        _against(address),
        *_days_of(address),
        _by(address, snapshot),
        _first(address, "limit"),
        MOST_ROWS,
        address.many("where"),
        _chips(address, snapshot),
        _presets(address, snapshot, (first, last)),
    )


def _first(address: Address, name: str) -> str:
    return next(iter(address.many(name)), "")


def _days_of(address: Address) -> tuple[str, str]:
    """The days to compare with, where the address names them."""
    first, _, last = _first(address, "against").partition(":")
    return (first, last) if last else ("", "")


def _against(address: Address) -> Sequence[Option]:
    chosen = _first(address, "against") or WEEKDAYS
    texts = {WEEKDAYS: "the same weekdays of the four weeks before", PREVIOUS: "as many days right before"}
    options = [Option(value, text, value == chosen) for value, text in texts.items()]
    return [*options, Option(DAYS, "these days:", chosen not in texts)]


def _by(address: Address, snapshot: Snapshot) -> Sequence[Option]:
    chosen = ",".join(address.many("by"))
    names = [name for name in DIMENSIONS if name not in {"job", CHARGE_TYPE}]
    options = [Option(name, dimension_name(name), name == chosen) for name in (*names, *snapshot.tags)]
    if chosen and not any(each.is_chosen for each in options):
        options.append(Option(chosen, chosen, is_chosen=True))
    return [Option("", "jobs", not chosen), *options]


def _chips(address: Address, snapshot: Snapshot) -> Sequence[Chip]:
    texts = address.many("where")
    return [
        Chip(_words(text, snapshot), address.changed(where=[*texts[:place], *texts[place + 1 :]]))
        for place, text in enumerate(texts)
    ]


def _words(text: str, snapshot: Snapshot) -> str:
    try:
        return ", ".join(in_words(parse_filters([text], snapshot.tags)))
    except UsageError:
        # The page says what is wrong with it.
        return text


def _presets(address: Address, snapshot: Snapshot, shown: tuple[str, str]) -> Sequence[Preset]:
    last = snapshot.generation.manifest.data_through
    if last is None:
        return []
    month = last.replace(day=1)
    former_month = months_later(month, -1)
    so_far = _range(former_month, min(months_later(last, -1), month - _ONE_DAY))
    month_before = _range(months_later(month, -2), former_month - _ONE_DAY)
    questions = [
        ("Last 7 days, usual weekdays", (last - timedelta(days=6), last), None),
        *((f"Last {count} days", (last - timedelta(days=count - 1), last), PREVIOUS) for count in (7, 30, 90)),
        ("This month", (month, last), so_far),
        ("Last month", (former_month, month - _ONE_DAY), month_before),
    ]
    return [_preset(address, shown, *question) for question in questions]


def _range(first: date, last: date) -> str:
    return f"{first}:{last}"


def _preset(
    address: Address, shown: tuple[str, str], text: str, days: tuple[date, date], against: str | None
) -> Preset:
    first, last = (f"{day}" for day in days)
    asked = address.changed(from_=first, to=last, against=against)
    chosen_against = (_first(address, "against") or WEEKDAYS) == (against or WEEKDAYS)
    is_chosen = chosen_against and shown == (first, last)
    return Preset(text, asked, is_chosen)
