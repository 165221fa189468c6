"""`backfill`: fetches the history that is not there, in runs of one export job each, and prices it at the end."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import click

from circleci_cost.circleci import plan_windows
from circleci_cost.circleci.due import due_days
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.published_state import days_without_costs, published, say_out_of_reach, show_costs, yesterday
from circleci_cost.cli.runs import PlannedRun, execute
from circleci_cost.cli.selection import chosen_centers, chosen_days, require_tokens
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.model.pricing import DayRange
from circleci_cost.settings import Settings


@click.command()
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day; default: history_start.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included; default: yesterday.")
@click.option("--cost-center", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--refetch", is_flag=True, help="Ask CircleCI again even for days whose export is settled.")
@invocation
def backfill(
    call: Invocation, first: date | None, last: date | None, cost_center: tuple[str, ...], refetch: bool
) -> None:
    """Fetch the days of the history that are not there yet, then price and publish them.

    One export job holds 31 days at most, and CircleCI allows ten of them an hour and organization: a year takes
    more than an hour. Safe to interrupt: what is there is not fetched again.
    """
    settings = call.settings()
    centers = chosen_centers(settings, cost_center)
    days = chosen_days(settings, first, last)
    require_tokens(settings, centers)
    lake = open_lake(settings.data_dir)
    now = datetime.now(UTC)
    generation = published(lake)
    runs: list[PlannedRun] = []
    for center in centers:
        wanted = days_between(days.first, days.last) if refetch else _needed(settings, lake, center.name, days)
        plan = plan_windows(wanted, now)
        say_out_of_reach(center.name, plan.out_of_reach)
        runs += [
            PlannedRun("ingest", center.name, window.first_day, window.last_day, refetch=refetch)
            for window in plan.windows
        ]
        waiting = [day for day in days_without_costs(lake, generation, center.name) if day >= settings.history_start]
        fetched = [day for window in plan.windows for day in days_between(window.first_day, window.last_day)]
        touched = sorted({*waiting, *fetched})
        if touched:
            runs.append(PlannedRun("reprice", center.name, touched[0], touched[-1]))
    if not runs:
        click.echo("Nothing to fetch: every day that CircleCI can serve is there.")
        return
    execute(settings, runs, f"Fetching {_count(runs)}")
    show_costs(settings, lake, runs)


def _needed(settings: Settings, lake: Lake, cost_center: str, days: DayRange) -> list[date]:
    """The days without job runs, and those whose export was taken while CircleCI could still restate them.

    The last days are left to `sync`, which fetches them each time, unless they are missing.
    """
    there = set(lake.job_runs_days(cost_center))
    wanted: Iterable[date] = days_between(days.first, days.last)
    settled_before = yesterday() - timedelta(days=settings.restatement_days)
    older = [day for day in wanted if day in there and day < settled_before]
    complete = [export for export in landed_exports(lake, cost_center) if export.manifest.complete]
    unsettled = due_days(
        [day for day in older if any(export.manifest.covers(day) for export in complete)],
        complete,
        settings.restatement_days,
    )
    return sorted({*(day for day in wanted if day not in there), *unsettled})


def _count(runs: list[PlannedRun]) -> str:
    exports = sum(run.job == "ingest" for run in runs)
    return f"{exports} export{'' if exports == 1 else 's'} of at most 31 days"
