"""What the start page shows, read from its address: days, groups, filters, figure and form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.periods import PERIOD_PARAMETERS, asked_period
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.explorer.time_axis import fitting_granularity
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.model.reporting.report import Granularity, Order, Question
from circleci_cost.model.usage.dimensions import DIMENSIONS, RUN_DIMENSIONS
from circleci_cost.text.plain import quoted
from circleci_cost.warehouse.reporting.asked import asked_dimensions, asked_filters, choice

PATH = "/"
PARAMETERS = (
    *PERIOD_PARAMETERS,
    "by",
    "where",
    "granularity",
    "metric",
    "compare",
    "chart",
    "sort",
    "rows",
)
DEFAULT_GROUP = "project"
NO_GROUP = "none"
ALL_ROWS = "all"
_MOST_GROUPINGS = 2
_OF_CHARGE_TYPES = (Metric.COST, Metric.CREDITS)
_Choice = TypeVar("_Choice", bound=StrEnum)


class Form(StrEnum):
    """How the chart is drawn."""

    BARS = "bars"
    LINES = "lines"
    CUMULATIVE = "cumulative"


class Sort(StrEnum):
    """What the table is sorted by; amounts and changes in descending order."""

    VALUE = "value"
    PREVIOUS = "previous"
    CHANGE = "change"
    RUNS = "runs"
    COST_PER_RUN = "cost_per_run"
    NAME = "name"


@dataclass(frozen=True)
class State:
    """What was asked for, complete; `preset` is None for days that were named."""

    address: Address
    days: DayRange
    preset: str | None
    by: tuple[str, ...]
    filters: tuple[Filter, ...]
    granularity: Granularity
    metric: Metric
    compare: str
    form: Form
    sort: Sort
    shows_all_rows: bool

    def question(
        self,
        days: DayRange | None = None,
        by: tuple[str, ...] | None = None,
        granularity: Granularity | None = None,
        limit: int | None = None,
    ) -> Question:
        """A question with these filters; by default over these days and by these groups."""
        days = days or self.days
        groups = self.by if by is None else by
        return Question(days.first, days.last, groups, self.filters, granularity, limit, Order(self.metric))


def read_state(address: Address, snapshot: Snapshot) -> State:
    """The state that an address stands for. Raises `UsageError` for what it cannot be."""
    address.require_known(PARAMETERS)
    preset, days = asked_period(address, snapshot)
    by = _groups(address, snapshot)
    filters = asked_filters(address.many("where"), snapshot.tags, snapshot.settings, of_runs=True)
    metric = _choice(Metric, address, "metric", Metric.COST)
    if metric not in _OF_CHARGE_TYPES and Question(days.first, days.last, by, filters).splits_charge_types:
        raise UsageError(f"A job has several charge types: of one of them, {metric.words} cannot be told; show cost.")
    rows = address.one("rows")
    if rows not in {None, ALL_ROWS}:
        raise UsageError(f"rows={quoted(rows)} is unknown; leave it out, or write rows={ALL_ROWS}.")
    return State(
        address=address,
        days=days,
        preset=preset,
        by=by,
        filters=filters,
        granularity=_choice(Granularity, address, "granularity", fitting_granularity(days)),
        metric=metric,
        compare=address.one("compare") or "previous",
        form=_choice(Form, address, "chart", Form.BARS),
        sort=_choice(Sort, address, "sort", Sort.VALUE),
        shows_all_rows=rows == ALL_ROWS,
    )


def combinable(kept: Iterable[str], tags: Sequence[str]) -> list[str]:
    """The dimensions and virtual tags that others can be combined with: job runs do not tell virtual tags."""
    names = set(kept)
    of_runs = RUN_DIMENSIONS if names.isdisjoint(tags) else ()
    return [*DIMENSIONS, *of_runs, *(tags if names.isdisjoint(RUN_DIMENSIONS) else ())]


def _groups(address: Address, snapshot: Snapshot) -> tuple[str, ...]:
    asked = address.many("by") or [DEFAULT_GROUP]
    if asked == [NO_GROUP]:
        return ()
    by = asked_dimensions(asked, snapshot.tags, snapshot.settings, of_runs=True)
    if len(by) > _MOST_GROUPINGS:
        raise UsageError(
            f"The page groups by at most {_MOST_GROUPINGS} dimensions; `circleci-cost report --by` takes more."
        )
    return by


def _choice(choices: type[_Choice], address: Address, name: str, default: _Choice) -> _Choice:
    text = address.one(name)
    return default if text is None else choice(choices, name, text)
