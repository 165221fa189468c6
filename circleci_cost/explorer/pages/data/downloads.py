"""The tables of the page as CSV: all rows, numbers to the last digit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from circleci_cost.explorer.pages.data.open_days import open_days
from circleci_cost.explorer.pages.data.prices import price_rows
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.amounts import credits_text
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.reporting.freshness import RESTATEMENT_COLUMNS, freshness, restatements

Cell = str | int | bool | Decimal | date | datetime | None


def _lines(header: Sequence[str], rows: Iterator[Sequence[Cell]]) -> Iterator[str]:
    yield csv_line(header)
    for row in rows:
        texts = {place for place, cell in enumerate(row) if isinstance(cell, str)}
        yield csv_line([_text(cell) for cell in row], texts)


def _text(cell: Cell) -> str | None:
    if isinstance(cell, Decimal):
        return credits_text(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell.isoformat() if isinstance(cell, date) else None if cell is None else str(cell)


def _freshness(snapshot: Snapshot) -> Iterator[str]:
    names = (
        *("cost_center", "is_configured", "first_day", "complete_through", "settled_through", "exported_at"),
        *("days", "jobs", "runs", "credits"),
    )
    centers = freshness(snapshot.connection, snapshot.cost_centers)
    return _lines(names, ([getattr(each, name) for name in names] for each in centers))


def _open_days(snapshot: Snapshot) -> Iterator[str]:
    return _lines(
        ("cost_center", "from", "to", "days", "state", "command"),
        (
            (each.cost_center, each.days.first, each.days.last, each.days.days, each.state, each.command)
            for each in open_days(snapshot).ranges
        ),
    )


def _prices(snapshot: Snapshot) -> Iterator[str]:
    return _lines(
        ("cost_center", "price_per_credit", "from", "until", "days"),
        ((each.cost_center, each.price, each.first, each.until, each.days) for each in price_rows(snapshot)),
    )


def _restatements(snapshot: Snapshot) -> Iterator[str]:
    return _lines(RESTATEMENT_COLUMNS, iter(restatements(snapshot.connection).rows()))


TABLES: Mapping[str, Callable[[Snapshot], Iterator[str]]] = {
    "freshness.csv": _freshness,
    "days.csv": _open_days,
    "prices.csv": _prices,
    "restatements.csv": _restatements,
}
