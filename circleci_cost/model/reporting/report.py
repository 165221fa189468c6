"""A report's question and answer: dimensions, filters, periods, exact amounts, and how they are written.

`warehouse.reporting.report` runs the question over the published tables; drawing the report is the command line's job.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Context, Decimal
from enum import StrEnum

from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.errors import ConfigurationError, UsageError
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, DIMENSIONS
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.text.lists import some_of
from circleci_cost.text.plain import quoted, same_name
from circleci_cost.text.suggestions import did_you_mean, suggestion_or_all

CURRENCY = "USD"
REST = "(other)"
# What a row holds after its names.
AMOUNT_COLUMNS = ("cost", "credits", "runs")

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
    """What the rows of one period are ordered by; amounts in descending order."""

    COST = "cost"
    CREDITS = "credits"
    RUNS = "runs"
    NAME = "name"


@dataclass(frozen=True)
class Question:
    """The days, groups and filters asked for. Values of one dimension are alternatives; all dimensions must hold."""

    first: date
    last: date
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    granularity: Granularity | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The virtual tags that the question groups or filters by, without repeats."""
        named = (*self.by, *(name for name, _ in self.where))
        return tuple(dict.fromkeys(name for name in named if name not in DIMENSIONS))

    @property
    def splits_charge_types(self) -> bool:
        """Whether amounts are per charge type; a job has all of them, so jobs and runs cannot be counted."""
        return CHARGE_TYPE in self.by or any(dimension == CHARGE_TYPE for dimension, _ in self.where)


@dataclass(frozen=True)
class Amount:
    """Exact sums. `cost` is None where nothing of it has a price; counts are None for charge types."""

    cost: Decimal | None
    credits: Decimal
    unpriced_credits: Decimal
    jobs: int | None
    runs: int | None


@dataclass(frozen=True)
class Row:
    """One group: the first day of its period, a value for each dimension of the question, its amount."""

    period: date | None
    values: tuple[str, ...]
    amount: Amount


@dataclass(frozen=True)
class Report:
    """The answer, with days of the question by cost center: `missing` from all exports, and `unsettled`, not yet final.

    Of the unsettled days, `overdue` should be final by now.
    """

    question: Question
    rows: tuple[Row, ...]
    total: Amount
    data_through: date | None
    missing: Mapping[str, Sequence[DayRange]]
    unsettled: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    overdue: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)


def dimension(name: str, tags: Sequence[str] = ()) -> str:
    """Return the proper name of a dimension or virtual tag. Raises `UsageError` with the nearest names."""
    wanted = name.strip().lower().replace("-", "_")
    known = (*DIMENSIONS, *tags)
    if wanted in known:
        return wanted
    near = did_you_mean(wanted, known, 3)
    hint = f"{near} There are" if near else "there are"
    raise UsageError(f"There is no dimension {quoted(name)}; {hint}: {', '.join(known)}.")


def tag_named(name: str, tags: Sequence[str]) -> str:
    """Return the proper name of a virtual tag. Raises `UsageError` with the nearest names."""
    wanted = name.strip().lower().replace("-", "_")
    if wanted in tags:
        return wanted
    hint = suggestion_or_all(wanted, tags, 3)
    raise UsageError(f"There is no virtual tag {quoted(name)}; {hint}")


def known_value(name: str, value: str, known: Iterable[str]) -> str:
    """Return the proper form of a dimension's value. Raises `UsageError` with the nearest values.

    An organization or cost center is named by the configuration, so an unknown one raises `ConfigurationError`, as
    everywhere.
    """
    values = {same_name(known_name): known_name for known_name in known}
    if same_name(value) in values:
        return values[same_name(value)]
    hint = did_you_mean(same_name(value), sorted(values), 3)
    hint = hint or f"`circleci-cost report --by {name}` shows all that there are."
    error = ConfigurationError if name in {"organization", "cost_center"} else UsageError
    raise error(f"No usage has the {dimension_name(name)} {quoted(value)}; {hint}")


def add_up(amounts: Iterable[Amount], *, counted: bool) -> Amount:
    """Add amounts up exactly; without any, zero. `counted` says whether jobs and runs can be counted."""
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
    )


def arrange(rows: Iterable[Row], question: Question, order: Order, limit: int | None) -> tuple[Row, ...]:
    """Order rows by period and `order`; add the groups beyond the `limit` largest up to one row per period.

    The total of the rows stays the same.
    """
    kept = list(rows)
    if limit is not None and question.by:
        kept = _limited(kept, question, order, limit)
    rest = (REST,) * len(question.by)
    return tuple(sorted(kept, key=lambda row: (row.period or date.min, row.values == rest, *_key(row, order))))


def _limited(rows: Sequence[Row], question: Question, order: Order, limit: int) -> list[Row]:
    counted = not question.splits_charge_types
    groups: dict[tuple[str, ...], list[Amount]] = {}
    for row in rows:
        groups.setdefault(row.values, []).append(row.amount)
    ranked = sorted(
        (Row(None, values, add_up(amounts, counted=counted)) for values, amounts in groups.items()),
        key=lambda row: _key(row, order),
    )
    kept = {row.values for row in ranked[:limit]}
    others: dict[date | None, list[Amount]] = {}
    for row in rows:
        if row.values not in kept:
            others.setdefault(row.period, []).append(row.amount)
    rest = (REST,) * len(question.by)
    return [row for row in rows if row.values in kept] + [
        Row(period, rest, add_up(amounts, counted=counted)) for period, amounts in others.items()
    ]


def _key(row: Row, order: Order) -> tuple[Decimal, Decimal, tuple[str, ...]]:
    amount = row.amount
    cost = amount.cost if amount.cost is not None else Decimal(0)
    first = {
        Order.COST: cost,
        Order.CREDITS: amount.credits,
        Order.RUNS: Decimal(amount.runs or 0),
        Order.NAME: Decimal(0),
    }[order]
    second = Decimal(0) if order is Order.NAME else amount.credits
    return -first, -second, row.values


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
    return {"cost": cost_text(amount.cost), "credits": credits_text(amount.credits), "runs": amount.runs}


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
            cost_text(row.amount.cost),
            credits_text(row.amount.credits),
            None if row.amount.runs is None else str(row.amount.runs),
        ]
        for row in report.rows
    ]
    return header, rows


def with_rows(report: Report, rows: tuple[Row, ...]) -> Report:
    """The same report with other rows, such as the same ones in another order."""
    return replace(report, rows=rows)
