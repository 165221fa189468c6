"""`backfill`: fetches the missing history, in runs of one export job each, and prices it at the end."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import click

from circleci_cost.circleci import awaited_sentence, plan_windows, windows_of
from circleci_cost.cli.infrastructure_refusals import saying_infrastructure
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.planned_runs import PlannedRun, fetches
from circleci_cost.cli.published_state import days_without_costs, published, say_out_of_reach, show_costs
from circleci_cost.cli.runs import execute
from circleci_cost.cli.selection import chosen_centers, chosen_days, require_tokens
from circleci_cost.cli.streams import say, write_line
from circleci_cost.cli.unpriced import exit_partial_if_unpriced
from circleci_cost.clock import utc_yesterday
from circleci_cost.config.settings import Settings
from circleci_cost.days import days_between
from circleci_cost.history.coverage import is_due, open_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.text.units import counted


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
    more than an hour. Safe to interrupt: what is there is not fetched again. Where credits are left without a price
    the exit code is 5.
    """
    settings = call.own_settings()
    centers = chosen_centers(settings, cost_center)
    days = chosen_days(settings, first, last, utc_yesterday(call.clock))
    require_tokens(settings, centers)
    lake = open_lake(settings.data_dir)
    now = call.clock.now()
    awaited = awaited_sentence(now, days.first) if days.last == utc_yesterday(call.clock) else None
    generation = published(lake)
    runs: list[PlannedRun] = []
    for center in centers:
        chosen = days_between(days.first, days.last)
        days_with_job_runs = set(lake.job_runs_days(center.name))
        to_fetch = chosen if refetch else [day for day in chosen if day not in days_with_job_runs]
        plan = plan_windows(to_fetch, now)
        say_out_of_reach(center.name, plan.out_of_reach)
        windows = plan.windows if refetch else windows_of(_days_to_fetch(settings, lake, center.name, chosen, now))
        runs += [
            PlannedRun("ingest", center.name, window.first_day, window.last_day, refetch=refetch) for window in windows
        ]
        unpublished = [
            day for day in days_without_costs(lake, generation, center.name) if day >= settings.history_start
        ]
        fetched = [day for window in windows for day in days_between(window.first_day, window.last_day)]
        to_price = sorted({*unpublished, *fetched})
        if to_price:
            runs.append(PlannedRun("reprice", center.name, to_price[0], to_price[-1]))
    if not runs:
        write_line("Nothing to fetch: every day that CircleCI can serve is there.")
        if awaited:
            say(awaited)
        exit_partial_if_unpriced(lake, [center.name for center in centers], days)
        return
    execute(settings, runs, f"Fetching {_exports_text(runs, settings)}" if any(map(fetches, runs)) else "Pricing")
    show_costs(settings, lake, runs)
    if awaited:
        say(awaited)
    with saying_infrastructure(settings):
        exit_partial_if_unpriced(lake, [run.cost_center for run in runs], days)


def _days_to_fetch(settings: Settings, lake: Lake, cost_center: str, days: Sequence[date], now: datetime) -> list[date]:
    """The days to fetch. Days that CircleCI may still restate are left to `sync`, unless they are missing."""
    days_with_job_runs = set(lake.job_runs_days(cost_center))
    not_final = open_days(settings, lake, cost_center, days, now)
    return [
        day for day in not_final if day not in days_with_job_runs or is_due(day, now.date(), settings.restatement_days)
    ]


def _exports_text(runs: Sequence[PlannedRun], settings: Settings) -> str:
    """The number of exports to fetch, and how long CircleCI's quota makes that take."""
    exports = [run.cost_center for run in runs if run.job == "ingest"]
    text = f"{counted(len(exports), 'export')} of at most 31 days"
    centers = len(set(exports))
    if centers > 1:
        text += f" for {centers} cost centers"
    by_organization = Counter(settings.cost_center(name).organization_id for name in exports)
    quota = settings.api.posts_per_hour
    hours = max(((count - 1) // quota for count in by_organization.values()), default=0)
    if hours and not settings.is_demo:
        text += f"; CircleCI allows {quota} an hour and organization, so this takes more than {_hours(hours)}"
    return text


def _hours(count: int) -> str:
    return "an hour" if count == 1 else counted(count, "hour")
