"""Reports over daily costs in memory, and how rows are ranked, told once more in Python as the oracle."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from circleci_cost.model.reporting.report import REST, Amount, Order, Question, Report, Row, add_up
from circleci_cost.warehouse.publishing.generations import Generation, GenerationManifest
from circleci_cost.warehouse.reporting.report import answer

_LAST_DECIMALS = 10**16


def ask(connection: duckdb.DuckDBPyConnection, question: Question) -> Report:
    """The answer to a question."""
    return answer(connection, generation(), question, ["acme"], None)


def generation(through: date | None = None) -> Generation:
    """A generation that is complete through a day; nothing else of it counts."""
    manifest = GenerationManifest(
        generation="20260101T000000Z-00000000",
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
        data_from=None,
        data_through=through,
        rows={},
        credits=Decimal(0),
        unpriced_credits=Decimal(0),
        cost_usd=Decimal(0),
    )
    return Generation(Path(), manifest)


def arranged(rows: Iterable[Row], question: Question, order: Order, limit: int | None) -> tuple[Row, ...]:
    """Order all rows by period and `order`; add the groups beyond the `limit` largest up to one row per period."""
    kept = list(rows)
    if limit is not None and question.by:
        kept = _limited(kept, question, order, limit)
    return tuple(sorted(kept, key=lambda row: (row.period or date.min, row.rest, *_key(row, order))))


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
        Row(period, rest, add_up(amounts, counted=counted), rest=True) for period, amounts in others.items()
    ]


def _key(row: Row, order: Order) -> tuple[bool, Decimal, Decimal, tuple[str, ...]]:
    amount = row.amount
    cost = amount.cost if amount.cost is not None else Decimal(0)
    first = {
        Order.COST: cost,
        Order.CREDITS: amount.credits,
        Order.RUNS: Decimal(amount.runs or 0),
        Order.MINUTES: None if amount.run_seconds is None else Decimal(amount.run_seconds),
        Order.COST_PER_RUN: _ratio(amount, amount.runs),
        Order.COST_PER_MINUTE: _ratio(amount, amount.run_seconds),
        Order.NAME: Decimal(0),
    }[order]
    second = Decimal(0) if order is Order.NAME else amount.credits
    return first is None, -(first or Decimal(0)), -second, row.values


def _ratio(amount: Amount, count: int | None) -> Decimal | None:
    if amount.cost is None or amount.unpriced_credits or not count:
        return None
    return Decimal(int(amount.cost * _LAST_DECIMALS) // count)
