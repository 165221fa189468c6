"""`reprice`: computes costs again after a price change or an upgrade; nothing is fetched and nothing is parsed."""

from collections.abc import Sequence
from datetime import date

import click

from circleci_cost.assets import FOLLOWING
from circleci_cost.cli.infrastructure_refusals import saying_infrastructure
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.planned_runs import PlannedRun, WholeRun
from circleci_cost.cli.published_state import (
    days_without_costs,
    published,
    show_costs,
)
from circleci_cost.cli.runs import execute
from circleci_cost.cli.selection import chosen_centers, chosen_days
from circleci_cost.cli.streams import write_line
from circleci_cost.cli.unpriced import exit_partial_if_unpriced
from circleci_cost.clock import utc_yesterday
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.outdated_days import days_at_former_prices, days_of_earlier_versions


@click.command()
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day; default: only days out of date.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included.")
@click.option("--cost-center", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@invocation
def reprice(call: Invocation, first: date | None, last: date | None, cost_center: tuple[str, ...]) -> None:
    """Compute costs again at the prices that the configuration has now.

    Without days: exactly those whose price has changed since they were computed, and those that an earlier version
    of circleci_cost computed and that lack what this one knows. With days: all of them. Where credits are left
    without a price the exit code is 5.
    """
    settings = call.own_settings()
    centers = chosen_centers(settings, cost_center)
    lake = open_lake(settings.data_dir)
    days = chosen_days(settings, first, last, utc_yesterday(call.clock)) if first or last else None
    generation = published(lake)
    names = [center.name for center in centers]
    ranges = _chosen_ranges(lake, centers, days) if days else _out_of_date(settings, lake, centers, generation)
    runs = [
        PlannedRun("reprice", name, day_range.first, day_range.last)
        for name, day_ranges in ranges.items()
        for day_range in day_ranges
    ]
    if not runs and generation is not None and generation.is_of_earlier_version:
        execute(settings, [WholeRun("allocate", "publishing", FOLLOWING)], "Publishing")
        write_line("Published anew what an earlier version had published; no price has changed.")
        with saying_infrastructure(settings):
            exit_partial_if_unpriced(lake, names)
        return
    if not runs:
        write_line("Nothing to compute: every day is priced as the configuration says.")
        exit_partial_if_unpriced(lake, names, days)
        return
    for name, day_ranges in ranges.items():
        write_line(f"{name}: computing {say_ranges(day_ranges)} again")
    execute(settings, runs, "Pricing")
    show_costs(settings, lake, runs)
    with saying_infrastructure(settings):
        exit_partial_if_unpriced(lake, names, days)


def _chosen_ranges(lake: Lake, centers: Sequence[CostCenter], days: DayRange) -> dict[str, list[DayRange]]:
    """The chosen days, cut to those that have job runs."""
    ranges = {}
    for center in centers:
        with_job_runs = [day for day in lake.job_runs_days(center.name) if days.first <= day <= days.last]
        if with_job_runs:
            ranges[center.name] = [DayRange(with_job_runs[0], with_job_runs[-1])]
    return ranges


def _out_of_date(
    settings: Settings, lake: Lake, centers: Sequence[CostCenter], generation: Generation | None
) -> dict[str, list[DayRange]]:
    """The ranges at former prices, of earlier versions or never priced; before the first publication all days."""
    stale: dict[str, list[DayRange]] = {}
    unfilled: dict[str, list[DayRange]] = {}
    if generation:
        with generation.connect() as connection:
            stale = days_at_former_prices(connection, settings)
            unfilled = days_of_earlier_versions(connection, lake)
    ranges = {}
    for center in centers:
        unpublished = [
            day for day in days_without_costs(lake, generation, center.name) if day >= settings.history_start
        ]
        if generation is None:
            outdated = [DayRange(unpublished[0], unpublished[-1])] if unpublished else []
        else:
            computed = [*stale.get(center.name, []), *unfilled.get(center.name, [])]
            outdated = as_ranges(
                [
                    *unpublished,
                    *(day for day_range in computed for day in days_between(day_range.first, day_range.last)),
                ]
            )
        if outdated:
            ranges[center.name] = outdated
    return ranges
