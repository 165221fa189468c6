"""`demo`: the whole pipeline on simulated data, as real Dagster runs, and a summary of what it made."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click

from circleci_cost import simulator
from circleci_cost.assets import DAILY_COSTS, JOB_RUNS, PRICING_PERIODS, USAGE_EXPORTS
from circleci_cost.circleci import land_files
from circleci_cost.cli.demo_summary import show_summary
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.listening import LOOPBACK
from circleci_cost.cli.planned_runs import PlannedRun
from circleci_cost.cli.published_state import days_without_costs, published
from circleci_cost.cli.runs import execute
from circleci_cost.cli.serve import PORT, serve_until_stopped
from circleci_cost.cli.streams import say
from circleci_cost.clock import Clock
from circleci_cost.config.settings import demo_settings
from circleci_cost.explorer.access import Access
from circleci_cost.history.coverage import missing_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.definition import CostCenter

# After so long the days of an export no longer change.
_EXPORTED_AFTER = timedelta(days=14)
# Two export jobs' worth goes through the API; Dagster's bookkeeping for 13 months of exports alone takes half a minute.
_FETCHED_DAYS = 62
_READ = (JOB_RUNS.name, DAILY_COSTS.name)


@click.command()
@click.option("--serve", "serves", is_flag=True, help="Then serve the cost explorer on this machine, until Ctrl-C.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The explorer's port; 0: a free one."
)
@invocation
def demo(call: Invocation, *, serves: bool, port: int) -> None:
    """Run the whole pipeline on simulated data: 13 months of two cost centers, fetched, priced and published.

    The last two months come through the simulated API, the eleven before them from usage export files.
    The data go to ./demo-data, the runs into the Dagster instance at DAGSTER_HOME, else ./.dagster_home. A second
    demo takes up where the first one ended; remove both folders to begin anew.
    """
    settings = demo_settings(clock=call.clock)
    say(f"Simulated usage of two cost centers, kept in {settings.data_dir}.")
    lake = open_lake(settings.data_dir)
    now = call.clock.now()
    day = simulator.begin_demo(settings.data_dir, now.date())
    runs: list[PlannedRun] = []
    for center in settings.cost_centers:
        missing = missing_days(settings, lake, center.name, now)
        days = sorted({*missing.out_of_reach, *missing.fetchable})
        fetched = [past for past in days if (day - past).days <= _FETCHED_DAYS]
        imported = days[: len(days) - len(fetched)]
        if imported:
            _import_history(lake, center, simulator.demo_scenario(day), imported, call.clock)
        runs += _runs(center.name, imported, fetched)
        if not days and (unpublished := days_without_costs(lake, published(lake), center.name)):
            # An earlier demo was cut off before it had published them.
            runs.append(PlannedRun("reprice", center.name, unpublished[0], unpublished[-1]))
    if runs:
        execute(settings, runs, f"13 months of {len(settings.cost_centers)} cost centers: fetch, read, price, publish")
    show_summary(settings, lake)
    if serves:
        serve_until_stopped(settings, call.clock, LOOPBACK, port, Access())


def _runs(cost_center: str, imported: Sequence[date], fetched: Sequence[date]) -> list[PlannedRun]:
    """Two runs over the imported days and one over the days to fetch; the last one publishes.

    In pieces, one cost center is read while the other one is priced.
    """
    half = (len(imported) + 1) // 2
    pieces: list[tuple[Sequence[date], tuple[str, ...]]] = [
        (piece, _READ) for piece in (imported[:half], imported[half:]) if piece
    ]
    pieces += [(fetched, (USAGE_EXPORTS.name, *_READ))] if fetched else []
    runs = []
    for index, (piece, assets) in enumerate(pieces):
        first = (PRICING_PERIODS.name,) if index == 0 else ()
        runs.append(PlannedRun("refresh", cost_center, piece[0], piece[-1], (*first, *assets)))
    return runs


def _import_history(
    lake: Lake, center: CostCenter, scenario: simulator.Scenario, days: Sequence[date], clock: Clock
) -> None:
    """Import the older days, as from files that somebody has kept."""
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
            clock=clock,
        )
