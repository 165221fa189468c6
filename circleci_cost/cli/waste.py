"""`waste`: shows what was wasted, by cause, job or period, as a table or JSON.

The amounts were computed before publication; `warehouse.efficiency.waste_report` adds them up.
"""

from datetime import date
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import results, say, shown, write_json
from circleci_cost.clock import utc_yesterday
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency.waste import CAUSE, CAUSE_NAMES, CAUSES
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.text.amounts import dollars, percent, whole_number
from circleci_cost.text.units import counted, duration
from circleci_cost.warehouse.efficiency.waste_report import (
    WasteReport,
    require_waste,
    waste_filters,
    waste_groups,
    waste_json,
    waste_report,
)
from circleci_cost.warehouse.publishing.generations import Generation, current_generation
from circleci_cost.warehouse.reporting.asked import MOST_GROUPS, asked_days
from circleci_cost.warehouse.reporting.report import days_with_data

if TYPE_CHECKING:
    from rich.table import Table

_FIGURES = ("waste", "of its cost", "runs", "run time", "credits")
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"credits": 3, "run time": 2, "runs": 1}
_ROWS = 30


@click.command()
@click.option("--by", multiple=True, metavar="NAME", help="Group by it; several: again, or with commas.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day; default: the first there is.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included; default: the last there is.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Only this value; != and ~ as in report.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_GROUPS),
    metavar="N",
    help=f"Only the first N groups; default: {_ROWS}, and all with --json.",
)
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
def waste(
    call: Invocation,
    *,
    by: tuple[str, ...],
    first: date | None,
    last: date | None,
    where: tuple[str, ...],
    limit: int | None,
    as_text: bool,
) -> None:
    """Show what was wasted: re-runs, canceled, timed-out and failed runs, bots, users without a seat, idle caching.

    Names to group by: cause, cost_center, organization, project, workflow, job, day, week, month. Each run has one
    cause, the first that applies, so that sums never exceed the cost. Waste is what could have been saved at most:
    a failed test that found a fault was worth its money.
    """
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    require_waste(generation)
    names = waste_groups(by)
    with generation.connect() as connection:
        days = asked_days(first, last, days_with_data(connection), utc_yesterday(call.clock))
        filters = waste_filters(connection, where)
        report = waste_report(connection, days, names, filters, limit if as_text else None)
    if as_text:
        write_json(waste_json(report, generation))
    else:
        _write_table(report, limit or _ROWS, generation)
    say_edited(settings, generation)


def _write_table(report: WasteReport, limit: int, generation: Generation) -> None:
    console = results()
    total = report.total
    if total is None:
        say(f"Nothing was wasted from {report.days.first} to {report.days.last}, as far as costs are published.")
        return
    console.print(waste_table(report, limit, console.width))
    if len(report.rows) > limit:
        console.print(f"{counted(len(report.rows) - limit, 'group')} more; --limit N shows more of them.", style="dim")
    share = "" if total.share is None else f", {percent(total.share, 1)} of {dollars(total.whole_cost)}"
    console.print(f"Waste from {report.days.first} to {report.days.last}: {dollars(total.cost)}{share}.")
    if total.unpriced_credits:
        console.print(f"{whole_number(total.unpriced_credits)} of its credits have no price.", style="yellow")
    if CAUSE in report.by:
        found = {row.names[report.by.index(CAUSE)] for row in report.rows[:limit]}
        for cause in CAUSES:
            if cause.name in found:
                console.paragraph(f"{cause.shown} (cause={cause.name}): {cause.meaning}.", "dim")
    if report.by == (CAUSE,):
        console.paragraph("See also --by job,cause and --by month; `circleci-cost help waste`: what to do.", "dim")
    console.print(generation.manifest.through_sentence, style="dim")


def waste_table(report: WasteReport, limit: int, width: int) -> "Table":
    """The first rows of a report; a narrow terminal shows the most important columns."""
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    columns = [
        # A cause is a word or two, which are not worth a second line.
        *(Column(dimension_name(name), name=name != CAUSE) for name in report.by),
        *(Column(name, right=True, lesser=_LESSER.get(name, 0)) for name in _FIGURES),
    ]
    rows = [
        [
            *(
                Text(CAUSE_NAMES.get(value, value) if name == CAUSE else shown(value))
                for name, value in zip(report.by, row.names, strict=True)
            ),
            Text(dollars(row.cost)),
            Text("–" if row.share is None else percent(row.share, 1)),
            Text(f"{row.runs:,}"),
            Text(duration(row.run_seconds)),
            Text(whole_number(row.credits)),
        ]
        for row in report.rows[:limit]
    ]
    return fitted(columns, rows, width)
