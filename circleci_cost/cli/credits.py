"""`credits`: shows how long the published credits last, as a table or JSON; a CI job can fail on it."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
import polars as pl

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import results, say, shown, write_json
from circleci_cost.cli.unusable_files import say_partial
from circleci_cost.clock import utc_today
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings
from circleci_cost.errors import PARTIAL_DATA
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.credits.findings import (
    missing_purchases,
    say_run_out,
    unknown_days,
    what_to_do,
    without_purchases,
)
from circleci_cost.model.credits.text import LOT_HEADER, TABLE_HEADER, cells, lot_cells
from circleci_cost.warehouse.credits.published_credits import (
    HOW_TO_ENTER,
    credits_json,
    days_of_unknown_usage,
    not_published,
    published_before_history,
    published_lots,
    published_outlook,
)
from circleci_cost.warehouse.publishing.generations import Generation, current_generation

if TYPE_CHECKING:
    from rich.table import Table

OVER = 5
_LIMIT = re.compile(r"runs_out_within=([1-9]\d{0,3})d")
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"USD per credit": 3, "worth": 2, "per day": 1}
_LESSER_OF_LOTS = {"invoice": 3, "bought on": 2, "paid": 1}
_NAMES = {"cost center", "lot"}
_WORDS = {"cost center", "run out (80 %)", "lot", "expires", "invoice", "bought on"}


class _RunsOutWithin(click.ParamType[timedelta]):
    name = "limit"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The days of `runs_out_within=30d`."""
        if isinstance(value, timedelta):
            return value
        match = _LIMIT.fullmatch(str(value))
        if match is None:
            self.fail("write it as runs_out_within=30d, with 1 to 9999 days.", param, ctx)
        return timedelta(days=int(match[1]))


@click.command()
@click.option("--lots", "with_lots", is_flag=True, help="Also show each lot: used, expired, left.")
@click.option("--json", "as_text", is_flag=True, help="Write JSON with every lot: exact decimals as strings.")
@click.option(
    "--fail-over",
    type=_RunsOutWithin(),
    metavar="runs_out_within=30d",
    help="End with exit code 5 when credits may run out within so many days from today.",
)
@invocation
@click.pass_context
def credits(
    context: click.Context, call: Invocation, *, with_lots: bool, as_text: bool, fail_over: timedelta | None
) -> None:
    """Show how long the credits last: balance, run-out, credits that expire unused, a top-up.

    Balances are exact and reach to the last day that is complete. Expected usage is the forecast, with the range that
    holds in 8 of 10 cases. What was bought is what the configuration says: CircleCI has no API for it.
    """
    settings = call.settings()
    usable = usable_credits(settings)
    generation = current_generation(open_lake(settings.data_dir))
    with generation.connect() as connection:
        outlook = published_outlook(connection, generation)
        lots = published_lots(connection) if outlook.height else pl.DataFrame()
        doubts = [*missing_purchases(outlook), *published_before_history(connection, lots)] if outlook.height else []
        unknown = list(unknown_days(days_of_unknown_usage(connection))) if outlook.height else []
    configured = [center.cost_center for center in usable.centers]
    if as_text:
        write_json(credits_json(generation, outlook, lots))
    elif outlook.height:
        _write(generation, outlook, [*doubts, *without_purchases(usable.without)], lots if with_lots else None)
    _say(settings, generation, outlook, configured)
    for sentence in unknown:
        say(f"Partial: {sentence}.")
    say_partial(usable.problems)
    say_edited(settings, generation)
    if fail_over:
        limit = utc_today(call.clock) + fail_over
        early = outlook.filter(pl.col("runs_out_earliest") <= limit)["cost_center"].to_list()
        if early:
            say(f"May run out by {limit}: {', '.join(map(shown, early))}")
            context.exit(OVER)
        # A CI job that asks is not told that all is well where nothing is known.
        told = outlook.filter(pl.col("credits_per_day").is_not_null())["cost_center"].to_list()
        if untold := sorted({*outlook["cost_center"], *configured} - set(told)):
            say(f"Partial: whether the credits of {', '.join(map(shown, untold))} run out by {limit} is not known.")
            context.exit(PARTIAL_DATA)
    if unknown:
        context.exit(PARTIAL_DATA)


def _say(settings: Settings, generation: Generation, outlook: pl.DataFrame, configured: list[str]) -> None:
    if not configured and outlook.is_empty():
        say(HOW_TO_ENTER.format(source=settings.described_source))
    if sentence := not_published(configured, outlook, generation):
        say(f"Note: {sentence}")


def _write(generation: Generation, outlook: pl.DataFrame, remarks: list[str], lots: pl.DataFrame | None) -> None:
    console = results()
    rows = [cells(row) for row in outlook.iter_rows(named=True)]
    console.print(_table(TABLE_HEADER, rows, _LESSER, console.width))
    for row in outlook.iter_rows(named=True):
        for sentence in _sentences(row):
            console.paragraph(shown(f"{row['cost_center']}: {sentence}."))
    for remark in remarks:
        console.paragraph(shown(f"{remark}."))
    if lots is not None:
        rows = [lot_cells(row) for row in lots.iter_rows(named=True)]
        console.print()
        console.print(_table(LOT_HEADER, rows, _LESSER_OF_LOTS, console.width))
    console.print(generation.manifest.through_sentence, style="dim")


def _sentences(row: Mapping[str, Any]) -> Iterator[str]:
    if row["credits_per_day"] is None:
        yield "no usage is known, so nothing is expected"
        return
    yield say_run_out(row)
    yield from what_to_do(row)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]], lesser: Mapping[str, int], width: int) -> "Table":
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [
        Column(name, right=name not in _WORDS, name=name in _NAMES, lesser=lesser.get(name, 0)) for name in header
    ]
    return fitted(columns, [[Text(shown(cell)) for cell in row] for row in rows], width)
