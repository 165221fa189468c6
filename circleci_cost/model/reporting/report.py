"""A report's question and answer: days, groups, periods, exact amounts, and how they are written.

`warehouse.reporting.report` runs the question over the published tables; drawing the report is the command line's job.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from enum import StrEnum

from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, DIMENSIONS, RUN_DIMENSIONS
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.text.lists import some_of

CURRENCY = "USD"
REST = "(other)"
# What a row holds after its names.
AMOUNT_COLUMNS = ("cost", "credits", "runs", "run_seconds")

# Sums of DECIMAL(38,16): Python's own 28 digits would round them.
_EXACT = Context(prec=80)
# The number of cost centers that one sentence names.
_NAMED = 3


class Granularity(StrEnum):
    """The length of a period; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Order(StrEnum):
    """What groups are ranked by, and rows of one period ordered by; amounts in descending order.

    Groups without a value, such as a cost per run without runs or with credits that lack a price, come last.
    """

    COST = "cost"
    CREDITS = "credits"
    RUNS = "runs"
    MINUTES = "minutes"
    COST_PER_RUN = "cost_per_run"
    COST_PER_MINUTE = "cost_per_minute"
    NAME = "name"


@dataclass(frozen=True)
class Question:
    """The days, groups and filters asked for, and how many groups, the first of an order; the others become one."""

    first: date
    last: date
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    granularity: Granularity | None = None
    limit: int | None = None
    order: Order = Order.COST

    @property
    def tags(self) -> tuple[str, ...]:
        """The virtual tags that the question groups or filters by, without repeats."""
        return tuple(name for name in self.dimensions if name not in {*DIMENSIONS, *RUN_DIMENSIONS})

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What the question groups or filters by, without repeats."""
        return tuple(dict.fromkeys((*self.by, *(each.dimension for each in self.filters))))

    @property
    def of_runs(self) -> tuple[str, ...]:
        """The dimensions of it that only job runs tell."""
        return tuple(name for name in RUN_DIMENSIONS if name in self.dimensions)

    @property
    def splits_charge_types(self) -> bool:
        """Whether amounts are per charge type; a job has all of them, so jobs and runs cannot be counted."""
        return CHARGE_TYPE in self.dimensions


@dataclass(frozen=True)
class Amount:
    """Exact sums. `cost` is None where nothing of it has a price; counts are None for charge types."""

    cost: Decimal | None
    credits: Decimal
    unpriced_credits: Decimal
    jobs: int | None
    runs: int | None
    run_seconds: int | None


@dataclass(frozen=True)
class Row:
    """One group: the first day of its period, a value for each dimension of the question, its amount.

    `rest` is the sum of the groups beyond the limit; a real group may have the same name.
    """

    period: date | None
    values: tuple[str, ...]
    amount: Amount
    rest: bool = False


@dataclass(frozen=True)
class Report:
    """The answer, with days of the question by cost center: `missing` from all exports, and `unsettled`, not yet final.

    Of the unsettled days, `overdue` should be final by now. On `untold` days, job runs do not tell the question's
    dimensions of job runs. `groups` is the number of groups before any limit.
    """

    question: Question
    rows: tuple[Row, ...]
    total: Amount
    data_through: date | None
    missing: Mapping[str, Sequence[DayRange]]
    unsettled: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    overdue: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    untold: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    groups: int = 0


def add_up(amounts: Iterable[Amount], *, counted: bool) -> Amount:
    """Add amounts up exactly; without any, zero. `counted`: whether jobs, runs and seconds can be counted."""
    addends = list(amounts)
    priced = [amount.cost for amount in addends if amount.cost is not None]
    credits = add_exactly(amount.credits for amount in addends)
    unpriced = add_exactly(amount.unpriced_credits for amount in addends)
    return Amount(
        cost=add_exactly(priced) if priced or unpriced == 0 else None,
        credits=credits,
        unpriced_credits=unpriced,
        jobs=sum(amount.jobs or 0 for amount in addends) if counted else None,
        runs=sum(amount.runs or 0 for amount in addends) if counted else None,
        run_seconds=sum(amount.run_seconds or 0 for amount in addends) if counted else None,
    )


def add_exactly(values: Iterable[Decimal]) -> Decimal:
    """The exact sum, however many digits it has; without values, zero."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def period_text(first: date, granularity: Granularity | None) -> str:
    """A period as people read it: a month as `2026-10`, a week by its Monday. Programs get its first day."""
    return f"{first:%Y-%m}" if granularity is Granularity.MONTH else first.isoformat()


def as_json(report: Report) -> dict[str, object]:
    """The report in the form of `report --json`; decimals are strings, and a cost of null is unpriced."""
    question = report.question
    return {
        "from": question.first.isoformat(),
        "to": question.last.isoformat(),
        "by": list(question.by),
        "granularity": question.granularity,
        "currency": CURRENCY,
        "data_through": report.data_through.isoformat() if report.data_through else None,
        "unpriced_credits": credits_text(report.total.unpriced_credits),
        "not_final": [
            {"cost_center": name, "from": days.first.isoformat(), "to": days.last.isoformat()}
            for name, ranges in report.unsettled.items()
            for days in ranges
        ],
        "total": _json_amount(report.total),
        "rows": [
            {
                **({"period": row.period.isoformat()} if row.period else {}),
                **dict(zip(question.by, row.values, strict=True)),
                **_json_amount(row.amount),
            }
            for row in report.rows
        ],
    }


def _json_amount(amount: Amount) -> dict[str, object]:
    return dict(zip(AMOUNT_COLUMNS, _exact(amount), strict=True))


def _exact(amount: Amount) -> tuple[str | int | None, ...]:
    """The values of `AMOUNT_COLUMNS`."""
    return cost_text(amount.cost), credits_text(amount.credits), amount.runs, amount.run_seconds


def not_final_text(report: Report) -> str | None:
    """A sentence that names the days that CircleCI may still restate; None without such days."""
    centers: dict[str, list[str]] = {}
    for name, ranges in report.unsettled.items():
        young = set(_days(ranges)) - set(_days(report.overdue.get(name, ())))
        if young:
            centers.setdefault(say_ranges(as_ranges(young)), []).append(name)
    if not centers:
        return None
    named = "; ".join(f"{some_of(names, _NAMED)}: {days}" for days, names in centers.items())
    return f"Not final, CircleCI may still restate these days: {named}."


def _days(ranges: Iterable[DayRange]) -> list[date]:
    return [day for days in ranges for day in days_between(days.first, days.last)]


def as_table(report: Report) -> tuple[list[str], list[list[str | None]]]:
    """The report's header and rows as exact text, for CSV; None where there is no value."""
    question = report.question
    header = [*(["period"] if question.granularity else []), *question.by, *AMOUNT_COLUMNS]
    rows: list[list[str | None]] = [
        [
            *([row.period.isoformat()] if row.period else []),
            *row.values,
            *(None if value is None else str(value) for value in _exact(row.amount)),
        ]
        for row in report.rows
    ]
    return header, rows
