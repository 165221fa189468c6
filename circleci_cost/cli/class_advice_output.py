"""Writes advice on resource classes to stdout: a table with what to do next, or a job with all its candidates.

What is advised was published before.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.streams import results, shown
from circleci_cost.model.efficiency.advice_listing import TABLE_HEADER, cells, together
from circleci_cost.text.lists import some_of
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.efficiency.class_advice import WINDOW_DAYS
from circleci_cost.warehouse.publishing.generations import Generation

if TYPE_CHECKING:
    from rich.table import Table

_RIGHT = ("min a run", "pays below (min)", "saves a month")
# Columns that a narrow terminal leaves out, the highest number first; a narrow "risk" would be high.
_LESSER = {"risk": 3, "range": 2, "min a run": 1}
# What all candidates of a job have in common stands in the line above its table.
_COMMON = ("job", "class", "min a run", "risk")
_JOB = ["cost_center", "project_id", "job", "executor", "resource_class"]
_NAMED = 3


def write_advice_table(generation: Generation, advice: pl.DataFrame, rows: pl.DataFrame, limit: int) -> None:
    """Write `rows` of the `advice`, a line each, and what all of it comes to."""
    console = results()
    if rows.is_empty():
        console.print("No job would likely save by another resource class.")
    else:
        console.print(advice_table(rows.head(limit), console.width))
    _write_further(console, rows.height - limit)
    for sentence in _totals(advice):
        console.paragraph(shown(sentence))
    for sentence in (*_next(rows), *_source(generation)):
        console.paragraph(shown(sentence), "dim")


def write_candidates(generation: Generation, rows: pl.DataFrame, limit: int) -> None:
    """Write each job of `rows` with its candidates and the reason of each."""
    console = results()
    if rows.is_empty():
        console.print(f"No job has had compute credits in {WINDOW_DAYS} days.")
        return
    ordered = pl.concat(rows.partition_by(_JOB, maintain_order=True)).head(limit)
    for job in ordered.partition_by(_JOB, maintain_order=True):
        first = job.row(0, named=True)
        console.paragraph(shown(_title(first)), "bold")
        lines = [dict(zip(TABLE_HEADER, cells(row), strict=True)) for row in job.iter_rows(named=True)]
        own = [name for name in TABLE_HEADER if name not in _COMMON]
        console.print(_table(own, [[line[name] for name in own] for line in lines], console.width))
        for row in job.iter_rows(named=True):
            console.paragraph(shown(f"{row['candidate'] or 'any other'}: {row['advice']}, {row['reason']}."))
        console.print()
    _write_further(console, rows.height - limit)
    for sentence in _source(generation):
        console.paragraph(sentence, "dim")


def _title(row: Mapping[str, Any]) -> str:
    place, resource_class, _, minutes, *_, risk = cells(row)
    return f"{place}: {resource_class}, {minutes} min a run" + (f"; risk: {risk}" if row["risk"] else "")


def _write_further(console: PlainConsole, further: int) -> None:
    if further > 0:
        console.print(f"{counted(further, 'row')} more; --limit N shows more of them.", style="dim")


def _totals(advice: pl.DataFrame) -> Iterator[str]:
    best = advice.filter("best")
    if best["saving_usd"].count() > 1:
        yield f"Together they {together(best)}"
    unjudged = (
        advice.group_by("cost_center", "project_id", "job", maintain_order=True)
        .agg(pl.col("project").first(), pl.col("reason").str.starts_with("too few samples").any())
        .filter("reason")
    )
    if unjudged.height:
        names = [f"{project} / {job}" for project, job in unjudged.select("project", "job").iter_rows()]
        yield (
            f"{counted(unjudged.height, 'job')} {verb(unjudged.height, 'has', 'have')} too few samples of CPU and RAM "
            f"for advice ({some_of(names, _NAMED)}); --job NAME says how few."
        )


def _next(rows: pl.DataFrame) -> Iterator[str]:
    """How to go on with the largest saving: why, what it does to the month, and the line to change."""
    row = next(rows.drop_nulls(["project", "job"]).iter_rows(named=True), None)
    if row is None:
        return
    job, project = shlex.quote(row["job"]), shlex.quote(row["project"])
    yield f"Why, and every other class: `circleci-cost classes --project {project} --job {job}`"
    yield f"The line to change, as a patch: `circleci-cost classes --project {project} --config .circleci/config.yml`"


def _source(generation: Generation) -> Iterator[str]:
    if generation.manifest.data_through:
        yield f"Runs of the last {WINDOW_DAYS} days, data through {generation.manifest.data_through}."


def advice_table(rows: pl.DataFrame, width: int) -> "Table":
    """The table of advice; a narrow terminal shows the most important columns."""
    return _table(TABLE_HEADER, [cells(row) for row in rows.iter_rows(named=True)], width)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> "Table":
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [Column(name, right=name in _RIGHT, name=name == "job", lesser=_LESSER.get(name, 0)) for name in header]
    return fitted(columns, [[Text(shown(cell)) for cell in row] for row in rows], width)
