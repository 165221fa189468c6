"""Writes changes of resource class to stdout: a table, and the list of those to revert.

The verdicts were published before.
"""

from typing import TYPE_CHECKING

import polars as pl

from circleci_cost.cli.streams import results, shown
from circleci_cost.model.efficiency.change_listing import (
    TABLE_HEADER,
    cells,
    is_to_revert,
    revert_sentence,
)
from circleci_cost.text.units import counted
from circleci_cost.warehouse.publishing.generations import Generation

if TYPE_CHECKING:
    from rich.table import Table

_RIGHT = ("time", "cost a run", "saves a month")
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"range": 4, "success": 3, "since": 2, "time": 1}
_STYLES = {"revert": "bold red", "keep": "green"}
_REMARK = (
    "Time and cost are those of a run that succeeded, weekdays and trend taken out; ranges hold in 95 of 100 cases."
)


def write_changes_table(generation: Generation, rows: pl.DataFrame, limit: int) -> None:
    """Write the changes and, as sentences, those to revert."""
    console = results()
    if rows.is_empty():
        console.print("No job changed its resource class for good.")
    else:
        console.print(changes_table(rows.head(limit), console.width))
        console.paragraph(_REMARK, "dim")
    if rows.height > limit:
        console.print(f"{counted(rows.height - limit, 'change')} more; --limit shows more of them.", style="dim")
    for row in rows.filter(is_to_revert()).iter_rows(named=True):
        console.paragraph(shown(revert_sentence(row)))
    console.print(generation.manifest.through_sentence, style="dim")


def changes_table(rows: pl.DataFrame, width: int) -> "Table":
    """The table of changes; a narrow terminal shows the most important columns."""
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [
        Column(name, right=name in _RIGHT, name=name == "job", lesser=_LESSER.get(name, 0)) for name in TABLE_HEADER
    ]
    texts = []
    for row in rows.iter_rows(named=True):
        *others, verdict = map(shown, cells(row))
        texts.append([*map(Text, others), Text(verdict, style=_STYLES.get(row["verdict"], ""))])
    return fitted(columns, texts, width)
