"""`classes`: which resource class each job should have, and what became of changes of class.

All figures were computed before publication: nothing is estimated here. How they are written is in
`class_advice_output` and `class_changes_output`.
"""

from collections.abc import Sequence

import click
import polars as pl

from circleci_cost.cli.class_advice_output import write_advice_json, write_advice_table
from circleci_cost.cli.class_changes_output import write_changes_json, write_changes_table
from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.text.suggestions import did_you_mean
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, WINDOW_DAYS, read_advice
from circleci_cost.warehouse.efficiency.class_changes import CHANGES, read_changes
from circleci_cost.warehouse.publishing.generations import Generation, current_generation


@click.command()
@click.option("--job", "jobs", multiple=True, metavar="NAME", help="All candidates of this job; several: again.")
@click.option("--changes", is_flag=True, help="What became of changes of class: minutes, cost, keep or revert.")
@click.option("--all", "every", is_flag=True, help="All candidates of all jobs, with the reason of each.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, metavar="N", help="The N largest savings."
)
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
def classes(call: Invocation, *, jobs: tuple[str, ...], changes: bool, every: bool, limit: int, as_text: bool) -> None:
    """Show which resource class each job should have, and what that saves.

    From the runs of the last 28 days. A class that costs r times as much a minute pays if the job becomes more than r
    times faster; a cheaper one saves if the job becomes less than 1/r times slower. "move" saves even if the job slows
    down as far as its use of CPU allows, "try" likely saves. Too little RAM or too few samples: nothing is advised.

    With --changes: what the runs before and after each change of class in the history prove. Those to revert are first.
    """
    if changes and every:
        raise UsageError("--changes shows all changes as it is; leave out --all.")
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    if changes:
        _show_changes(generation, jobs, limit, as_text=as_text)
    else:
        _show_advice(generation, jobs, limit, every=every, as_text=as_text)
    say_edited(settings, generation)


def _show_advice(generation: Generation, jobs: Sequence[str], limit: int, *, every: bool, as_text: bool) -> None:
    _require(generation, ADVICE)
    with generation.connect() as connection:
        advice = read_advice(connection)
    _refuse_unknown(jobs, advice, f"with compute credits ran in the last {WINDOW_DAYS} days")
    rows = advice_listing.chosen(advice, jobs, every=every)
    if as_text:
        write_advice_json(generation, rows)
    else:
        write_advice_table(generation, advice, rows, reasons=bool(jobs) or every, limit=limit)


def _show_changes(generation: Generation, jobs: Sequence[str], limit: int, *, as_text: bool) -> None:
    _require(generation, CHANGES)
    with generation.connect() as connection:
        changes = read_changes(connection)
    _refuse_unknown(jobs, changes, "changed its resource class for good")
    rows = change_listing.chosen(changes, jobs)
    if as_text:
        write_changes_json(generation, rows)
    else:
        write_changes_table(generation, rows, limit)


def _require(generation: Generation, table: str) -> None:
    if table not in generation.manifest.rows:
        raise CircleciCostError(f"No advice on classes is published yet; {generation.how_to_publish}.")


def _refuse_unknown(jobs: Sequence[str], rows: pl.DataFrame, what: str) -> None:
    known = rows["job"].drop_nulls().unique().sort().to_list()
    for job in jobs:
        if job not in known:
            hint = did_you_mean(job, known) or "`circleci-cost report --by job` lists the jobs."
            raise UsageError(f"No job {job!r} {what}; {hint}")
