"""`budgets`: shows how the published budgets stand, as a tree or JSON; a CI job can fail on them."""

import difflib
import json
from collections.abc import Sequence

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import results, say, shown
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.budget_definitions import all_budgets
from circleci_cost.model.budget_text import TABLE_HEADER, Row, as_json, cells, tree
from circleci_cost.model.budgets import Status
from circleci_cost.warehouse.budgets import Periods, read_budget_status
from circleci_cost.warehouse.generations import Generation, current_generation

OVER = 5
_TABLE = "budget_status"
_STYLES = {Status.ON_TRACK: "green", Status.AT_RISK: "yellow", Status.OVER_BUDGET: "bold red"}
_ORDER = list(Status)
_RIGHT = TABLE_HEADER[2:8]


@click.command()
@click.option(
    "--period",
    type=click.Choice([each.value for each in Periods]),
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
    configured = [budget.name for budget in all_budgets(settings)]
    generation = current_generation(open_lake(settings.data_dir))
    rows = _published(generation, Periods(period), configured, names)
    if as_text:
        _write_json(generation, rows)
    elif not configured and not rows:
        say(
            f"There are no budgets; add one to {settings.described_source}: a section [[budgets]] with "
            'name = "engineering" and amount = 1500.'
        )
    else:
        _write_table(generation, rows)
    if fail_over:
        limit = _ORDER.index(Status(fail_over))
        failed = [row["budget"] for _, row in rows if _ORDER.index(Status(row["status"])) >= limit]
        if failed:
            say(f"{_words(fail_over)} or worse: {', '.join(map(shown, dict.fromkeys(failed)))}")
            context.exit(OVER)


def _published(
    generation: Generation, periods: Periods, configured: Sequence[str], names: Sequence[str]
) -> list[tuple[int, Row]]:
    """The rows with their depth. Raises where budgets are configured and their state is not published yet."""
    if _TABLE not in generation.manifest.rows:
        found, known = None, set()
    else:
        with generation.connect() as connection:
            found = read_budget_status(connection, periods)
            known = set(read_budget_status(connection, Periods.ALL).get_column("budget").to_list())
    _refuse_unknown(names, [*configured, *sorted(known)])
    absent = [name for name in names or configured if name not in known]
    if absent:
        raise CircleciCostError(
            f"No state of {', '.join(map(repr, absent))} is published yet; run `circleci-cost sync`, or materialize "
            "cost_forecast, budget_status and published in the Dagster UI."
        )
    if found is None:
        return []
    return list(tree(found.filter(found.get_column("budget").is_in(list(names) or list(known)))))


def _refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(dict.fromkeys(known)) or 'none'}."
            raise UsageError(f"There is no budget {name!r}; {hint}")


def _write_json(generation: Generation, rows: Sequence[tuple[int, Row]]) -> None:
    through = generation.manifest.data_through
    answer = {
        "data_through": through.isoformat() if through else None,
        "published_at": generation.manifest.published_at.isoformat(),
        "budgets": as_json(row for _, row in rows),
    }
    click.echo((json.dumps(answer, ensure_ascii=False, indent=2) + "\n").encode(), nl=False)


def _write_table(generation: Generation, rows: Sequence[tuple[int, Row]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = results()
    if not rows:
        console.print("No budget has such a period with an amount.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in TABLE_HEADER:
        right = name in _RIGHT
        table.add_column(name, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for depth, row in rows:
        *others, status = (shown(cell) for cell in cells(depth, row))
        table.add_row(*map(Text, others), Text(status, style=_STYLES[Status(row["status"])]))
    console.print(table)
    for _, row in rows:
        if row["note"]:
            console.print(Text(f"{shown(row['budget'])}, {row['period']}: {row['note']}.", style="yellow"))
    if generation.manifest.data_through:
        console.print(Text(f"Data through {generation.manifest.data_through}.", style="dim"))


def _words(status: str) -> str:
    return status.replace("_", " ").capitalize()
