"""Writes advice on resource classes to stdout: a table with sentences.

What is advised was published before.
"""

from typing import TYPE_CHECKING

import polars as pl

from circleci_cost.cli.streams import results, shown
from circleci_cost.model.efficiency.advice_listing import TABLE_HEADER, cells, together
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.efficiency.class_advice import WINDOW_DAYS
from circleci_cost.warehouse.publishing.generations import Generation

if TYPE_CHECKING:
    from rich.table import Table

_RIGHT = ("min", "pays below", "saves a month")
_NAMES = ("job", "risk")
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"risk": 3, "range": 2, "min": 1}


def write_advice_table(
    generation: Generation, advice: pl.DataFrame, rows: pl.DataFrame, *, reasons: bool, limit: int
) -> None:
    """Write `rows` of the `advice`, with the reason of each where wanted, and what all of it comes to."""
    console = results()
    further = rows.height - limit
    rows = rows.head(limit)
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
        sentences.append(f"Together they {together(best)}")
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
