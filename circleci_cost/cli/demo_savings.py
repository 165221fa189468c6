"""The part of the demo's summary about paying less: credits, an invoice with a rest, waste, classes and a change.

The figures of usage and cost are `demo_summary`'s.
"""

import duckdb
import polars as pl

from circleci_cost.cli.class_advice_output import advice_table
from circleci_cost.cli.class_changes_output import changes_table
from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.streams import shown
from circleci_cost.cli.waste import waste_table
from circleci_cost.day_ranges import DayRange
from circleci_cost.model.credits.findings import say_run_out
from circleci_cost.model.credits.text import say_unexplained
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.model.efficiency.waste import CAUSE, CAUSES
from circleci_cost.warehouse.credits.published_credits import published_outlook
from circleci_cost.warehouse.credits.reconciliation import read_reconciliation
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, read_advice
from circleci_cost.warehouse.efficiency.class_changes import CHANGES, read_changes
from circleci_cost.warehouse.efficiency.waste import WASTE
from circleci_cost.warehouse.efficiency.waste_report import waste_report
from circleci_cost.warehouse.publishing.generations import Generation

_ADVICE, _CHANGES = 2, 1


def show_savings(
    console: PlainConsole, connection: duckdb.DuckDBPyConnection, generation: Generation, days: DayRange
) -> None:
    """Show what is published of them; what an earlier version has not published is left out."""
    tables = generation.manifest.rows
    report = waste_report(connection, days, (CAUSE,), ()) if WASTE in tables else None
    if report and report.rows:
        console.print(waste_table(report, len(CAUSES), console.width))
        console.print()
    advice = advice_listing.chosen(read_advice(connection), [], every=False) if ADVICE in tables else pl.DataFrame()
    if advice.height:
        console.print(advice_table(advice.head(_ADVICE), console.width))
        console.print()
    changes = change_listing.chosen(read_changes(connection), []) if CHANGES in tables else pl.DataFrame()
    if changes.height:
        console.print(changes_table(changes.head(_CHANGES), console.width))
        console.print()
    for row in published_outlook(connection, generation).drop_nulls("credits_per_day").iter_rows(named=True):
        console.paragraph(shown(f"{row['cost_center']}: {say_run_out(row)}."))
    rest = (pl.col("cause") == "unexplained") & (pl.col("amount_usd") != 0)
    for row in read_reconciliation(connection, generation).filter(rest).iter_rows(named=True):
        console.paragraph(shown(f"{say_unexplained(row)}."))
