"""`budgets`: shows how the published budgets stand, as a tree or JSON; a CI job can fail on them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import results, say, shown, write_json
from circleci_cost.cli.unusable_files import say_partial
from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.budgets.status import Status
from circleci_cost.model.budgets.text import TABLE_HEADER, Row, cells
from circleci_cost.warehouse.budgets.budget_status import Periods
from circleci_cost.warehouse.budgets.published_budgets import budgets_json, budgets_tree, unmatched_values
from circleci_cost.warehouse.publishing.generations import Generation, current_generation

if TYPE_CHECKING:
    from rich.table import Table

OVER = 5
_STYLES = {Status.ON_TRACK: "green", Status.AT_RISK: "yellow", Status.OVER_BUDGET: "bold red"}
_ORDER = list(Status)
_RIGHT = TABLE_HEADER[2:8]
# Columns that a narrow terminal leaves out, the highest number first.
_LESSER = {"period gone": 4, "overrun on": 3, "used": 2, "overrun": 1}
_FOR_RANGES = 160


@click.command()
@click.option(
    "--period",
    type=click.Choice([period.value for period in Periods]),
    default=Periods.CURRENT.value,
    show_default=True,
    help="Which period of each budget: the running one, the last one that is over, or all.",
)
@click.option("--budget", "names", multiple=True, metavar="NAME", help="Only this budget; several: again.")
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@click.option(
    "--fail-over",
    type=click.Choice([Status.OVER_BUDGET.value, Status.AT_RISK.value]),
    help="End with exit code 5 when a budget that is shown is in this state or a worse one.",
)
@invocation
@click.pass_context
def budgets(
    context: click.Context,
    call: Invocation,
    *,
    period: str,
    names: tuple[str, ...],
    as_text: bool,
    fail_over: str | None,
) -> None:
    """Show how the budgets stand: spent, where the period will end, how likely that is too much.

    The forecast is the median, with the range that holds in 8 of 10 cases. Actuals are exact and reach to the last
    day that is complete. Children are shown below their parent and are part of it.
    """
    settings = call.settings()
    usable = usable_budgets(settings)
    usable_definitions = usable.budgets
    configured = [budget.name for budget in usable_definitions]
    generation = current_generation(open_lake(settings.data_dir))
    with generation.connect() as connection:
        rows = budgets_tree(connection, generation, Periods(period), configured, names)
    if as_text:
        write_json(budgets_json(generation, rows))
    elif not configured and not rows:
        say(
            f"There are no budgets; add one to {settings.described_source}: a section [[budgets]] with "
            'name = "engineering" and amount = 1500.'
        )
    else:
        _write_table(generation, rows)
    with generation.connect() as connection:
        for sentence in unmatched_values(connection, generation, usable_definitions):
            say(f"Note: {sentence}")
    say_partial(usable.problems)
    say_edited(settings, generation)
    if fail_over:
        limit = _ORDER.index(Status(fail_over))
        failed = [row["budget"] for _, row in rows if _ORDER.index(Status(row["status"])) >= limit]
        if failed:
            say(f"{_words(fail_over)} or worse: {', '.join(map(shown, dict.fromkeys(failed)))}")
            context.exit(OVER)


def _write_table(generation: Generation, rows: Sequence[tuple[int, Row]]) -> None:
    from rich.text import Text

    console = results()
    if not rows:
        console.print("No budget has such a period with an amount.")
        return
    console.print(budget_table(rows, console.width))
    for _, row in rows:
        if row["note"]:
            console.paragraph(f"{shown(row['budget'])}, {row['period']}: {row['note']}.", "yellow")
    if generation.manifest.data_through:
        console.print(Text(f"Data through {generation.manifest.data_through}.", style="dim"))


def budget_table(rows: Sequence[tuple[int, Row]], width: int) -> "Table":
    """The table of budgets, in the order of `tree`; a narrow terminal shows the most important columns."""
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    narrow = width < _FOR_RANGES
    columns = [
        Column(
            name.partition(" (")[0] if narrow else name,
            right=name in _RIGHT,
            name=name == TABLE_HEADER[0],
            lesser=_LESSER.get(name, 0),
        )
        for name in TABLE_HEADER
    ]
    texts = []
    for depth, row in rows:
        cut = [
            shown(cell).partition(" (")[0] if narrow and column else shown(cell)
            for column, cell in enumerate(cells(depth, row))
        ]
        texts.append([*map(Text, cut[:-1]), Text(cut[-1], style=_STYLES[Status(row["status"])])])
    return fitted(columns, texts, width)


def _words(status: str) -> str:
    return status.replace("_", " ").capitalize()
