"""`demo`: the whole pipeline on simulated data, as real Dagster runs, and a summary of what it made."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click

from circleci_cost import simulator
from circleci_cost.circleci import land_files
from circleci_cost.cli.demo_summary import show_summary
from circleci_cost.cli.runs import PlannedRun, execute
from circleci_cost.cli.streams import say
from circleci_cost.clock import SystemClock
from circleci_cost.coverage import missing_days
from circleci_cost.demo import anchor, remember_anchor
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.settings import CostCenter, demo_settings

# By then nothing of these days changes any more.
_EXPORTED_AFTER = timedelta(days=14)
_RUN_DAYS = 132


@click.command()
def demo() -> None:
    """Run the whole pipeline on simulated data: 13 months of two cost centers, fetched, priced and published.

    The data go to ./demo-data, the runs into the Dagster instance at DAGSTER_HOME, else ./.dagster_home. A second
    demo takes up where the first one ended; remove both folders to begin anew.
    """
    settings = demo_settings()
    say(f"Simulated usage of two cost centers, kept in {settings.data_dir}.")
    lake = open_lake(settings.data_dir)
    now = datetime.now(UTC)
    day = anchor(settings.data_dir, now.date())
    remember_anchor(settings.data_dir, day)
    runs: list[PlannedRun] = []
    for center in settings.cost_centers:
        missing = missing_days(settings, lake, center.name, now)
        if missing.out_of_reach:
            _import_history(lake, center, simulator.demo_scenario(day), missing.out_of_reach)
        runs += _runs(center.name, sorted({*missing.out_of_reach, *missing.fetchable}))
    if runs:
        execute(settings, runs, f"13 months of {len(settings.cost_centers)} cost centers: fetch, read, price, publish")
    show_summary(settings, lake)


def _runs(cost_center: str, days: Sequence[date]) -> list[PlannedRun]:
    """Runs of some months each: while one cost center reads, the other one fetches.

    Prices are spread by the first run; the last one publishes.
    """
    pieces = [days[start : start + _RUN_DAYS] for start in range(0, len(days), _RUN_DAYS)]
    runs = []
    for index, piece in enumerate(pieces):
        assets = ["usage_exports", "job_runs", "daily_costs"]
        assets += ["pricing_periods"] if index == 0 else []
        assets += ["published"] if index == len(pieces) - 1 else []
        runs.append(PlannedRun("refresh", cost_center, piece[0], piece[-1], tuple(assets)))
    return runs


def _import_history(lake: Lake, center: CostCenter, scenario: simulator.Scenario, days: Sequence[date]) -> None:
    """Land the days that CircleCI's API no longer serves, as files that somebody had kept."""
    first, last = days[0], days[-1]
    with tempfile.TemporaryDirectory(prefix="circleci-cost-demo-") as folder:
        files = simulator.write_export_files(
            Path(folder),
            scenario,
            center.organizations,
            first,
            last,
            as_of=datetime.combine(last, time(12), UTC) + _EXPORTED_AFTER,
        )
        land_files(
            lake,
            center.name,
            files,
            first,
            last,
            organization_id=center.organization_id,
            shared_organization_ids=center.shared_organization_ids,
            clock=SystemClock(),
        )
