"""`correlate`: shows which infrastructure costs move with CI cost, as a table, sentences or JSON.

All figures were computed before publication: nothing is estimated here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import polars as pl

from circleci_cost.cli.infrastructure_refusals import last_reading, say_infrastructure
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import results, say, shown, write_json, write_line
from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.infrastructure_state import Refusal
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.correlation.text import FINDING_HEADER, finding_cells
from circleci_cost.warehouse.correlation.cost_correlations import CORRELATIONS, read_correlations
from circleci_cost.warehouse.correlation.nothing_to_compare import nothing_to_compare
from circleci_cost.warehouse.publishing.generations import Generation, current_generation

if TYPE_CHECKING:
    from rich.table import Table

_RIGHT = ("r", "q", "days")
_NAMES = FINDING_HEADER[:4]
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"days": 2, "q": 1}
_REMARK = "r compares changes from day to day, without rhythm, days off and growth. Moving together is no cause."


@click.command()
@click.option("--all", "every", is_flag=True, help="A sentence for every pair, also for those that chance would make.")
@click.option("--json", "as_text", is_flag=True, help="Write JSON; with --all every pair, else the findings.")
@invocation
def correlate(call: Invocation, *, every: bool, as_text: bool) -> None:
    """Show which infrastructure costs move with CI cost, and at which lag.

    Days are compared after the weekly rhythm, holidays, closures and growth were taken out, at lags of up to seven
    days. Of all findings at most one in ten is expected to be chance. Costs that move together need not depend on each
    other.
    """
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    pairs = _published(generation)
    refusals = last_reading(settings).refusals
    if as_text:
        _write_json(generation, pairs, refusals, every=every)
    elif pairs.is_empty():
        say(nothing_to_compare(generation, settings, refusals))
    elif every:
        for sentence in pairs["sentence"]:
            write_line(shown(sentence) + ".")
        _write_counts(generation, pairs)
    else:
        _write_findings(generation, pairs)
    say_infrastructure(settings)


def _published(generation: Generation) -> pl.DataFrame:
    if CORRELATIONS not in generation.manifest.rows:
        raise CircleciCostError(f"No correlations are published yet; {generation.how_to_publish}.")
    with generation.connect() as connection:
        return read_correlations(connection)


def _write_findings(generation: Generation, pairs: pl.DataFrame) -> None:
    findings = pairs.filter("significant")
    console = results()
    if findings.height:
        console.print(correlation_table(findings, console.width))
        console.print(_REMARK, style="dim")
    elif pairs["p_value"].count():
        write_line("No infrastructure cost moves with CI cost in a way that is distinguishable from chance.")
    else:
        write_line("No pair has enough days to be compared; `circleci-cost correlate --all` says what each one lacks.")
    _write_counts(generation, pairs)


def _write_counts(generation: Generation, pairs: pl.DataFrame) -> None:
    tested = pairs["p_value"].count()
    text = f"{tested:,} of {pairs.height:,} pairs were compared, {pairs['significant'].sum():,} of them move together."
    if generation.manifest.data_through:
        text += f" Data through {generation.manifest.data_through}."
    results().print(text, style="dim")


def correlation_table(findings: pl.DataFrame, width: int) -> "Table":
    """The table of `findings`, which are rows of `correlation.SCHEMA`."""
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [
        Column(name, right=name in _RIGHT, name=name in _NAMES, lesser=_LESSER.get(name, 0)) for name in FINDING_HEADER
    ]
    return fitted(columns, [[Text(shown(cell)) for cell in row] for row in finding_cells(findings)], width)


def _write_json(generation: Generation, pairs: pl.DataFrame, refusals: Sequence[Refusal], *, every: bool) -> None:
    answer = {
        **generation.manifest.as_of,
        "pairs_compared": pairs["p_value"].count(),
        "pairs_not_compared": pairs["p_value"].null_count(),
        "infrastructure_refused": [{"source": refusal.source, "reason": refusal.sentence} for refusal in refusals],
        "pairs": (pairs if every else pairs.filter("significant")).to_dicts(),
    }
    write_json(answer)
