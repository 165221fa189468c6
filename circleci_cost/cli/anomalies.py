"""`anomalies`: shows the detected incidents, one of them with its reasons, or all as JSON.

`warehouse.anomalies.cost_anomalies` detects them before publication; this reads a published generation.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import results, say, shown, write_json, write_line
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.incidents.listing import LISTED_DAYS, Listing, incident_named
from circleci_cost.model.incidents.text import TABLE_HEADER, cells, sentences
from circleci_cost.model.usage.display_names import driver_name
from circleci_cost.text.amounts import signed
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.incidents.incidents import (
    IncidentReason,
    incident_json,
    incidents_json,
    read_incidents,
    read_reason,
    require_incidents,
)
from circleci_cost.warehouse.publishing.generations import Generation, current_generation

if TYPE_CHECKING:
    from rich.table import Table

_STYLES = {"open": "bold red", "new_normal": "yellow"}
_RIGHT = ("impact", "per month")
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"per month": 2, "status": 1}
_FOR_SHARES = 150
_EFFECTS = 10


@click.command()
@click.option(
    "--since", type=DAY, metavar="DAY", help=f"Only those that lasted until then; default: {LISTED_DAYS} days ago."
)
@click.option("--all", "every", is_flag=True, help="All that there are, also expected and ignored ones.")
@click.option("--incident", "incident", metavar="ID", help="One incident, with its drivers and links to example runs.")
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
def anomalies(call: Invocation, *, since: date | None, every: bool, incident: str | None, as_text: bool) -> None:
    """Show what changed: incidents, one per cause, at the level that explains it best.

    The impact is against what the same weekdays were expected to cost before it began. Open ones go on; the new normal
    is a change that has lasted for a week. `circleci-cost explain` compares any two periods.
    """
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    require_incidents(generation)
    with generation.connect() as connection:
        rows = read_incidents(connection).to_dicts()
        if incident is not None:
            row = incident_named(rows, incident)
            reason = read_reason(connection, row["incident_id"], _EFFECTS)
            if as_text:
                write_json(incident_json(row, reason))
            else:
                _write_one(row, reason)
            return
    chosen = Listing(since, every).chosen(rows)
    if as_text:
        write_json(incidents_json(generation, chosen))
    else:
        _write_table(generation, chosen, hidden=len(rows) - len(chosen))


def _write_table(generation: Generation, rows: Sequence[dict[str, Any]], *, hidden: int) -> None:

    console = results()
    if rows:
        console.print(incident_table(rows, console.width))
    else:
        console.print("No incidents.")
    through = generation.manifest.data_through
    left_out = ""
    if hidden:
        left_out = f" {counted(hidden, 'older or settled one')} {verb(hidden, 'is', 'are')} left out; "
        left_out += f"--all shows {verb(hidden, 'it', 'them')}."
    if through:
        console.paragraph(f"Data through {through}.{left_out}", "dim")


def incident_table(rows: Sequence[dict[str, Any]], width: int) -> "Table":
    """The table of incidents; a narrow terminal shows the most important columns."""
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [
        Column(name, right=name in _RIGHT, name=name == "where", lesser=_LESSER.get(name, 0)) for name in TABLE_HEADER
    ]
    table_rows = []
    for row in rows:
        texts = dict(zip(TABLE_HEADER, map(shown, cells(row)), strict=True))
        if width < _FOR_SHARES:
            texts["impact"] = texts["impact"].partition(" (")[0]
            texts["since"] = texts["since"].partition(" ")[0]
        style = _STYLES.get(row["status"], "")
        table_rows.append([Text(texts[name], style=style if name == "status" else "") for name in TABLE_HEADER])
    return fitted(columns, table_rows, width)


def _write_one(row: dict[str, Any], reason: IncidentReason) -> None:

    console = results()
    console.print(incident_table([row], console.width))
    console.print()
    for sentence in [*sentences(row, reason.sentence), *reason.services]:
        console.paragraph(shown(sentence))
    if reason.effects:
        console.print()
        console.print(_effect_table(reason, console.width))
    for url in reason.example_urls:
        write_line(shown(url))
    if row["reason"]:
        say(f"Decided: {shown(row['status'])} ({shown(row['reason'])}).")


def _effect_table(reason: IncidentReason, width: int) -> "Table":
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [Column("where", name=True), Column("driver", name=True), Column("effect", right=True)]
    effects = [
        [Text(shown(where)), Text(driver_name(driver)), Text(signed(usd))] for where, driver, usd in reason.effects
    ]
    return fitted(columns, effects, width)
