"""`sync`: what the daily schedule does, now."""

import click

from circleci_cost.circleci import awaited_sentence
from circleci_cost.cli.infrastructure_refusals import saying_infrastructure
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.planned_runs import PlannedRun
from circleci_cost.cli.published_state import say_earlier_versions, show_costs
from circleci_cost.cli.runs import execute
from circleci_cost.cli.selection import chosen_centers, require_tokens
from circleci_cost.cli.streams import say, write_line
from circleci_cost.cli.unpriced import exit_partial_if_unpriced
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.history.coverage import daily_windows, missing_days
from circleci_cost.lake.layout import open_lake
from circleci_cost.text.units import counted, verb


@click.command()
@click.option("--cost-center", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@invocation
def sync(call: Invocation, cost_center: tuple[str, ...]) -> None:
    """Fetch, price and publish the last days of every cost center, and days that were missed.

    CircleCI restates its last days, so each day is fetched until an export of it is final; days that an outage left
    out or left unfinished are caught up on. A day is asked for from 08:00 UTC of the next one on, when CircleCI begins
    to bring it. Safe to interrupt and to run beside the schedule of `dagster dev`.
    Where credits are left without a price the exit code is 5.
    """
    settings = call.own_settings()
    centers = chosen_centers(settings, cost_center)
    require_tokens(settings, centers)
    lake = open_lake(settings.data_dir)
    now = call.clock.now()
    runs = []
    for center in centers:
        runs += [
            PlannedRun("refresh", center.name, window.first_day, window.last_day)
            for window in daily_windows(settings, lake, center.name, now)
        ]
    awaited = awaited_sentence(now, settings.history_start)
    if not runs:
        reason = awaited or f"history_start is {settings.history_start}, and no day since then is over."
        write_line(f"Nothing to fetch yet: {reason}")
        return
    execute(settings, runs, "Fetching the last days")
    show_costs(settings, lake, runs)
    if awaited:
        say(awaited)
    say_earlier_versions(lake)
    for center in centers:
        missing = missing_days(settings, lake, center.name, now)
        if missing.fetchable:
            say(
                f"{center.name}: {counted(len(missing.fetchable), 'day')} of the history "
                f"{verb(len(missing.fetchable), 'is', 'are')} not there yet "
                f"({say_ranges(as_ranges(missing.fetchable))}); run `circleci-cost backfill`."
            )
    days = DayRange(min(run.first for run in runs), max(run.last for run in runs))
    with saying_infrastructure(settings):
        exit_partial_if_unpriced(lake, [run.cost_center for run in runs], days)
