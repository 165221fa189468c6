"""`classes`: which resource class each job should have, and what became of changes of class.

All figures were computed before publication: nothing is estimated here. How they are written is in
`class_advice_output` and `class_changes_output`.
"""

from collections.abc import Sequence
from pathlib import Path

import click
import polars as pl

from circleci_cost.cli.class_advice_output import write_advice_table, write_candidates
from circleci_cost.cli.class_changes_output import write_changes_table
from circleci_cost.cli.class_patch import wanted_moves, write_patch
from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import write_json
from circleci_cost.errors import PARTIAL_DATA, CircleciCostError, UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.text.suggestions import did_you_mean
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, WINDOW_DAYS, advice_json, read_advice
from circleci_cost.warehouse.efficiency.class_changes import CHANGES, changes_json, read_changes
from circleci_cost.warehouse.publishing.generations import current_generation


@click.command()
@click.option("--job", "jobs", multiple=True, metavar="NAME", help="All candidates of this job; several: again.")
@click.option("--project", "projects", multiple=True, metavar="NAME", help="Only jobs of this project; several: again.")
@click.option("--changes", is_flag=True, help="What became of changes of class: minutes, cost, keep or revert.")
@click.option("--all", "every", is_flag=True, help="All candidates of all jobs, with the reason of each.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="The N largest savings; with --job and --all so many rows.",
)
@click.option(
    "--config",
    "circleci_config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what would change in this .circleci/config.yml as a unified diff; nothing is applied.",
)
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
@click.pass_context
def classes(
    context: click.Context,
    call: Invocation,
    *,
    jobs: tuple[str, ...],
    projects: tuple[str, ...],
    changes: bool,
    every: bool,
    limit: int,
    circleci_config: Path | None,
    as_text: bool,
) -> None:
    """Show which resource class each job should have, and what that saves.

    From the runs of the last 28 days. A class that costs r times as much a minute pays if the job becomes more than r
    times faster; a cheaper one saves if the job becomes less than 1/r times slower. "move" saves even if the job slows
    down as far as its use of CPU allows, "try" likely saves. Too little RAM or too few samples: nothing is advised.

    With --changes: what the runs before and after each change of class in the history prove. Those to revert are first.

    With --config: the moves that likely save (with --changes, the changes to revert) as a patch of that file. A class
    that comes from an executor, an anchor, a parameter or an orb is named; with such ones the exit code is 5.
    """
    if changes and every:
        raise UsageError("--changes shows all changes as it is; leave out --all.")
    if circleci_config and (as_text or every):
        raise UsageError("--config writes a diff; leave out --json and --all.")
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    table = CHANGES if changes else ADVICE
    if table not in generation.manifest.rows:
        raise CircleciCostError(f"No advice on classes is published yet; {generation.how_to_publish}.")
    with generation.connect() as connection:
        published = (read_changes if changes else read_advice)(connection)
    found = _of_projects(projects, published)
    asked = "changed its resource class for good" if changes else f"has had compute credits in {WINDOW_DAYS} days"
    _refuse_unknown("job", jobs, found, asked)
    say_edited(settings, generation)
    if circleci_config:
        if write_patch(circleci_config, wanted_moves(found, jobs, to_revert=changes)):
            context.exit(PARTIAL_DATA)
    elif changes:
        rows = change_listing.chosen(found, jobs)
        if as_text:
            write_json(changes_json(generation, rows))
        else:
            write_changes_table(generation, rows, limit)
    else:
        rows = advice_listing.chosen(found, jobs, every=every)
        if as_text:
            write_json(advice_json(generation, rows))
        elif jobs or every:
            write_candidates(generation, rows, limit)
        else:
            write_advice_table(generation, found, rows, limit)


def _of_projects(projects: Sequence[str], rows: pl.DataFrame) -> pl.DataFrame:
    _refuse_unknown("project", projects, rows, "has such a job")
    return rows.filter(pl.col("project").is_in(projects)) if projects else rows


def _refuse_unknown(column: str, names: Sequence[str], rows: pl.DataFrame, what: str) -> None:
    known = rows[column].drop_nulls().unique().sort().to_list()
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"`circleci-cost report --by {column}` lists the {column}s."
            raise UsageError(f"No {column} {name!r} {what}; {hint}")
