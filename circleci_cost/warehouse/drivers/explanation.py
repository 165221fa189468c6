"""Why the cost of a period differs from that of another one: the question as texts have it, and its answer.

Reading the costs is `compared_costs`' job, taking them apart `model.drivers`'; how an explanation is written as JSON is
in `explanation_json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, say_ranges
from circleci_cost.days import EARLIEST_USAGE, parse_day
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.lake.layout import Lake
from circleci_cost.model.calendar.special_days import special_days
from circleci_cost.model.drivers.baseline import four_weeks_before, previous
from circleci_cost.model.drivers.causes import likeliest_cause, root_causes
from circleci_cost.model.drivers.decomposition import contributors, decompose
from circleci_cost.model.drivers.seats import seats_apart
from circleci_cost.model.drivers.text import place_text, sentence
from circleci_cost.model.reporting.comparison import PREVIOUS, WEEKDAYS, parse_range
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.warehouse.drivers.compared_costs import Costs, Periods, read_costs
from circleci_cost.warehouse.drivers.examples import with_examples
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.asked import asked_dimensions, asked_filters, given, number, one_of
from circleci_cost.warehouse.reporting.report import published_tags

Row = Mapping[str, Any]

MOST_CHANGES = 1000
_LEVELS = HIERARCHY[1:]
_CAUSES = 3
_WEEK = timedelta(days=6)
_YEAR = timedelta(days=366)


@dataclass(frozen=True)
class AskedChange:
    """What was asked for, as far as it was said: names and filters as texts.

    `against` is `weekdays` (the same ones of the four weeks before), `previous` (as many days right before) or
    `FROM:TO`.
    """

    first: date | None = None
    last: date | None = None
    against: str = WEEKDAYS
    by: Sequence[str] = ()
    where: Sequence[str] = ()
    limit: int = 10

    @classmethod
    def of_texts(cls, texts: Mapping[str, Sequence[str]]) -> "AskedChange":
        """Read `from`, `to`, `against`, `by`, `where` and `limit`. Raises `UsageError`."""
        return cls(
            first=one_of(texts, "from", parse_day),
            last=one_of(texts, "to", parse_day),
            against=one_of(texts, "against", str) or WEEKDAYS,
            by=given(texts, "by"),
            where=given(texts, "where"),
            limit=one_of(texts, "limit", lambda text: number(text, "limit", MOST_CHANGES)) or cls.limit,
        )


@dataclass(frozen=True)
class Explanation:
    """The compared periods and costs, and the result: rows of `drivers.contributors`.

    `movers` are all groups that changed, `changes` the largest of them. Without any of `causes`, `likeliest` is the
    place that stands out most of the usual ups and downs, if any does.
    """

    periods: Periods
    costs: Costs
    data_through: date | None
    total: Row
    causes: pl.DataFrame
    changes: pl.DataFrame
    movers: pl.DataFrame
    likeliest: pl.DataFrame

    @property
    def further_groups(self) -> int:
        """How many groups changed less than those of `changes`."""
        return self.movers.height - self.changes.height

    @classmethod
    def of(cls, periods: Periods, costs: Costs, data_through: date | None, limit: int) -> "Explanation":
        """Take the change apart: in total, down the hierarchy, and by the dimensions of `periods`, seats apart."""
        before, after = seats_apart(costs.before), seats_apart(costs.after)
        jobs = decompose(before, after, list(HIERARCHY))
        groups = decompose(before, after, list(periods.by)) if periods.by else jobs
        movers = contributors(groups)
        total = decompose(costs.before, costs.after, []).to_dicts()[0]
        causes = root_causes(jobs, HIERARCHY, _CAUSES, costs.scatter)
        likeliest = likeliest_cause(jobs, HIERARCHY, costs.scatter) if causes.is_empty() else causes.clear()
        return cls(periods, costs, data_through, total, causes, movers.head(limit), movers, likeliest)

    def with_rows(self, *, causes: pl.DataFrame, changes: pl.DataFrame) -> "Explanation":
        """The same explanation with other rows, such as rows with examples."""
        return replace(self, causes=causes, changes=changes)

    @property
    def levels(self) -> Sequence[str]:
        """The dimensions that name a row of `changes`."""
        return self.periods.by or _LEVELS

    def shown_levels(self, levels: Sequence[str]) -> list[str]:
        """The levels worth showing: not the organization where there is only one."""
        is_single = self.costs.organizations == 1
        return [name for name in levels if not (is_single and name == "organization" and len(levels) > 1)]

    def place(self, cause: Row) -> str:
        """Where a root cause is, in words."""
        levels = self.shown_levels(_LEVELS) if cause["project"] is not None else _LEVELS
        return place_text(cause, levels if cause["organization"] is not None else HIERARCHY)

    @property
    def without_cause(self) -> str:
        """What is known where no cause can be named."""
        text = "No project, workflow or job stands out of the usual ups and downs."
        for row in self.likeliest.to_dicts():
            text += f" The most unusual, which chance may explain, is {self.place(row)}: {sentence(row)}"
        return text

    @property
    def left_out(self) -> Sequence[str]:
        """The unusual days of the four weeks, a sentence for each cost center."""
        return [
            f"Not compared with {say_ranges(ranges)} of {name}: unlike the same weekday of the other weeks."
            for name, ranges in self.costs.unusual.items()
        ]

    @property
    def against(self) -> str:
        """The period to compare with, in words."""
        against = self.periods.against
        return f"{against.first} to {against.last}" if against else "the same weekdays of the four weeks before"


def explained(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    asked: AskedChange,
    *,
    lake: Lake,
    settings: Settings,
    today: date,
) -> Explanation:
    """Explain a change, with example runs. In: a connection of the generation.

    Raises `UsageError` for what cannot be asked, and where no days can be compared; a `CircleciCostError` where days
    have to be named, or a tag has to be published first.
    """
    through = generation.manifest.data_through
    period = _days(asked.first, asked.last, through, today)
    special = special_days(four_weeks_before(period.first)[-1], period.last, settings.calendar)
    tags = published_tags(connection, generation)
    periods = Periods(
        period,
        _against(asked.against, period, today),
        asked_dimensions(asked.by, tags, settings),
        asked_filters(asked.where, tags, settings),
        frozenset(special.get_column("date").to_list()),
    )
    costs = read_costs(connection, periods, [center.name for center in settings.cost_centers])
    explanation = Explanation.of(periods, costs, through, asked.limit)
    return explanation.with_rows(
        causes=with_examples(connection, lake, explanation.causes, costs.last_days),
        changes=with_examples(connection, lake, explanation.changes, costs.last_days),
    )


def _days(first: date | None, last: date | None, through: date | None, today: date) -> DayRange:
    if through is None and (first is None or last is None):
        raise CircleciCostError("No day is complete for every cost center yet; name the first and the last day.")
    end = last or max(through or date.min, first or date.min)
    days = DayRange(first or max(end, date.min + _WEEK) - _WEEK, end)
    if days.last < days.first:
        raise UsageError(f"The first day, {days.first}, lies after the last one, {days.last}; exchange them.")
    if days.first > today:
        raise UsageError(f"{days.first} is yet to come; there can be no cost of it.")
    return require_possible(days, today)


def require_possible(days: DayRange, today: date) -> DayRange:
    """Return the days if usage is possible on them, else raise `UsageError`: a period also reads days around it."""
    latest = today + _YEAR
    if days.first < EARLIEST_USAGE or days.last > latest:
        raise UsageError(f"No cost is possible on all of {days}; name days from {EARLIEST_USAGE} to {latest}.")
    return days


def _against(text: str, period: DayRange, today: date) -> DayRange | None:
    """The period to compare with; None for the same weekdays."""
    if text == WEEKDAYS:
        return None
    if text == PREVIOUS:
        return previous(period)
    return require_possible(parse_range(text, "--against", (WEEKDAYS, PREVIOUS)), today)
