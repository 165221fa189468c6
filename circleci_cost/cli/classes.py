"""`classes`: shows which resource class each job should have, and what that saves, as a table, sentences or JSON.

All figures were computed before publication: nothing is estimated here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import polars as pl

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import results, shown, write_json
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency.advice_listing import TABLE_HEADER, as_json, cells, chosen
from circleci_cost.text.amounts import dollars
from circleci_cost.text.suggestions import did_you_mean
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, WINDOW_DAYS, read_advice
from circleci_cost.warehouse.publishing.generations import Generation, current_generation

if TYPE_CHECKING:
    from rich.table import Table

_RIGHT = ("min", "pays below", "saves a month")
_NAMES = ("job", "risk")
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"risk": 3, "range": 2, "min": 1}


@click.command()
@click.option("--job", "jobs", multiple=True, metavar="NAME", help="All candidates of this job; several: again.")
@click.option("--all", "every", is_flag=True, help="All candidates of all jobs, with the reason of each.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, metavar="N", help="The N largest savings."
)
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
def classes(call: Invocation, *, jobs: tuple[str, ...], every: bool, limit: int, as_text: bool) -> None:
    """Show which resource class each job should have, and what that saves.

    From the runs of the last 28 days. A class that costs r times as much a minute pays if the job becomes more than r
    times faster; a cheaper one saves if the job becomes less than 1/r times slower. "move" saves even if the job slows
    down as far as its use of CPU allows, "try" likely saves. Too little RAM or too few samples: nothing is advised.
    """
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    advice = _published(generation)
    _refuse_unknown(jobs, advice)
    rows = chosen(advice, jobs, every=every)
    if as_text:
        _write_json(generation, rows)
    else:
        _write_table(generation, advice, rows.head(limit), reasons=bool(jobs) or every, further=rows.height - limit)
    say_edited(settings, generation)


def _published(generation: Generation) -> pl.DataFrame:
    if ADVICE not in generation.manifest.rows:
        raise CircleciCostError(f"No advice is published yet; {generation.how_to_publish}.")
    with generation.connect() as connection:
        return read_advice(connection)


def _refuse_unknown(jobs: Sequence[str], advice: pl.DataFrame) -> None:
    known = advice["job"].drop_nulls().unique().sort().to_list()
    for job in jobs:
        if job not in known:
            hint = did_you_mean(job, known) or "`circleci-cost report --by job` lists the jobs."
            raise UsageError(f"No job {job!r} with compute credits ran in the last {WINDOW_DAYS} days; {hint}")


def _write_table(
    generation: Generation, advice: pl.DataFrame, rows: pl.DataFrame, *, reasons: bool, further: int
) -> None:
    console = results()
    if rows.is_empty():
        console.print("No job would likely save by another resource class.")
    else:
        console.print(advice_table(rows, console.width))
    if reasons:
        for row in rows.iter_rows(named=True):
            where = f"{row['project']} / {row['job']}, {row['resource_class']} to {row['candidate'] or 'any other'}"
            console.paragraph(shown(f"{where}: {row['advice']}, {row['reason']}."))
    if further > 0:
        console.print(f"{counted(further, 'row')} more; --limit shows more of them.", style="dim")
    for sentence in _totals(generation, advice):
        console.paragraph(sentence, "dim")


def _totals(generation: Generation, advice: pl.DataFrame) -> list[str]:
    best = advice.filter("best")
    places = ["cost_center", "project_id", "job"]
    unjudged = advice.group_by(places).agg(pl.col("reason").str.starts_with("too few samples").any()).filter("reason")
    sentences = []
    if best["saving_usd"].count():
        sums = best.select("saving_usd", "saving_low_usd", "saving_high_usd").sum().row(0)
        likely, low, high = map(dollars, sums)
        sentences.append(f"Together they likely save {likely} a month, between {low} and {high}.")
    if unjudged.height:
        names = f"{counted(unjudged.height, 'job')} {verb(unjudged.height, 'has', 'have')}"
        sentences.append(f"{names} too few samples of CPU and RAM for advice; --all says how few.")
    if generation.manifest.data_through:
        sentences.append(f"Runs of the last {WINDOW_DAYS} days, data through {generation.manifest.data_through}.")
    return sentences


def advice_table(rows: pl.DataFrame, width: int) -> "Table":
    """The table of advice; a narrow terminal shows the most important columns."""
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [
        Column(name, right=name in _RIGHT, name=name in _NAMES, lesser=_LESSER.get(name, 0)) for name in TABLE_HEADER
    ]
    return fitted(columns, [[Text(shown(cell)) for cell in cells(row)] for row in rows.iter_rows(named=True)], width)


def _write_json(generation: Generation, rows: pl.DataFrame) -> None:
    through = generation.manifest.data_through
    answer = {
        "data_through": through.isoformat() if through else None,
        "published_at": generation.manifest.published_at.isoformat(),
        "currency": "USD",
        "window_days": WINDOW_DAYS,
        "advice": [as_json(row) for row in rows.iter_rows(named=True)],
    }
    write_json(answer)
