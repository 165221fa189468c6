"""What the page shows of each cost center: balance, run-out, lots, and the invoices; with what is amiss about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from circleci_cost.config.credit_purchases import UsableCredits, usable_credits
from circleci_cost.explorer.charts import Chart
from circleci_cost.explorer.pages.credits.balance_chart import balance_chart, shown_days
from circleci_cost.explorer.pages.credits.balance_table import MonthEnd, month_ends
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.credits.findings import (
    missing_purchases,
    unknown_days,
    what_to_do,
    without_purchases,
)
from circleci_cost.model.credits.text import (
    LOT_HEADER,
    PART_HEADER,
    TABLE_HEADER,
    cells,
    invoice_title,
    lot_cells,
    part_cells,
    run_out,
    unexplained_hint,
)
from circleci_cost.text.amounts import dollars
from circleci_cost.text.sentences import sentence_case
from circleci_cost.warehouse.credits.published_credits import (
    days_of_unknown_usage,
    not_published,
    published_before_history,
    published_course,
    published_lots,
    published_outlook,
)
from circleci_cost.warehouse.credits.reconciliation import read_reconciliation


@dataclass(frozen=True)
class Center:
    """A cost center with purchases: its figures by name, the chart (None without usage) and what it shows, its lots."""

    name: str
    figures: Mapping[str, str]
    run_out: str
    run_out_range: str
    sentences: Sequence[str]
    chart: Chart | None
    months: Sequence[MonthEnd]
    lots: Sequence[Sequence[str]]


@dataclass(frozen=True)
class InvoicePart:
    """The title and the amount of the invoices of a period, and the parts that lead to them."""

    title: str
    amount: str
    parts: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Shown:
    """The page; headers are those of the tables."""

    centers: Sequence[Center]
    invoices: Sequence[InvoicePart]
    unexplained_hint: str
    without: str
    notes: Sequence[str]
    is_configured: bool
    source: str
    lot_header: Sequence[str] = LOT_HEADER
    part_header: Sequence[str] = PART_HEADER


def outlook(snapshot: Snapshot) -> Shown:
    """What is published of all cost centers."""
    usable = usable_credits(snapshot.settings)
    states = published_outlook(snapshot.connection, snapshot.generation)
    lots = published_lots(snapshot.connection) if states.height else pl.DataFrame(schema={"cost_center": pl.String})
    rows = read_reconciliation(snapshot.connection, snapshot.generation)
    return Shown(
        centers=[_center(snapshot, row, lots) for row in states.iter_rows(named=True)],
        invoices=[
            InvoicePart(
                invoice_title(period.row(0, named=True)),
                dollars(period.item(0, "invoice_usd")),
                [part_cells(row) for row in period.iter_rows(named=True)],
            )
            for period in rows.partition_by("cost_center", "period_start", "period_end", maintain_order=True)
        ],
        unexplained_hint=unexplained_hint(rows),
        without="".join(f"{sentence}." for sentence in without_purchases(usable.without)),
        notes=list(_notes(snapshot, usable, states, lots)),
        is_configured=bool(usable.centers or usable.invoiced),
        source=snapshot.settings.described_source,
    )


def _center(snapshot: Snapshot, row: Mapping[str, Any], lots: pl.DataFrame) -> Center:
    name = row["cost_center"]
    has_course = row["credits_per_day"] is not None
    day, _, between = run_out(row).partition(" (")
    past, to_come = published_course(snapshot.connection, name)
    shown = shown_days(row, to_come)
    return Center(
        name=name,
        figures=dict(zip(TABLE_HEADER, cells(row), strict=True)),
        run_out=day,
        run_out_range=between.removesuffix(")"),
        sentences=[f"{sentence_case(sentence)}." for sentence in what_to_do(row)]
        if has_course
        else ["No usage is known, so nothing is expected."],
        chart=balance_chart(row, past, shown) if has_course else None,
        months=month_ends(past, shown),
        lots=[lot_cells(lot) for lot in lots.filter(cost_center=name).iter_rows(named=True)],
    )


def _notes(snapshot: Snapshot, usable: UsableCredits, states: pl.DataFrame, lots: pl.DataFrame) -> Iterator[str]:
    names = [center.cost_center for center in usable.centers]
    if sentence := not_published(names, states, snapshot.generation):
        yield sentence
    doubts = published_before_history(snapshot.connection, lots) if states.height else ()
    for sentence in (*missing_purchases(states), *doubts):
        yield f"{sentence}."
    if states.height:
        yield from (f"{sentence}." for sentence in unknown_days(days_of_unknown_usage(snapshot.connection)))
    yield from map(str, usable.problems)
