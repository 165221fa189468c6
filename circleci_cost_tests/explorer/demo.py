"""The finished demo that the explorer's tests read: what the command `demo` makes, at one fixed moment.

`python -m circleci_cost_tests.explorer.demo FOLDER` makes it, in a process of its own: Dagster stays out of the tests'
processes. How a session of tests shares one belongs to the fixtures.
"""

import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import dagster as dg

from circleci_cost.assets import FOLLOWING
from circleci_cost.circleci import land_files
from circleci_cost.circleci.progress import SILENT
from circleci_cost.clock import ManualClock
from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.config.settings import Settings, demo_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.costs import RATES_AHEAD
from circleci_cost.defs.resources import UsageSource, warehouse_resource
from circleci_cost.history.coverage import missing_days
from circleci_cost.history.ingestion import fetch_days
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.simulator import begin_demo, demo_scenario, write_export_files
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost_tests.explorer.moment import NOW

# As the command does: the last days come through the simulated API, so that the newest of them are not final.
_FETCHED_DAYS = 62


def make_demo(folder: Path) -> None:
    """Make the demo in `folder`; it is to be used with a clock that shows `NOW`.

    Days are read and priced without Dagster, whose records of 800 partitions would take twice the time of the work
    itself; what follows the daily costs is made by the job that makes it in production.
    """
    clock = ManualClock(NOW)
    settings = demo_settings(folder / DATA_DIRECTORY, clock)
    lake = open_lake(settings.data_dir)
    day = begin_demo(settings.data_dir, NOW.date())
    for center in settings.cost_centers:
        missing = missing_days(settings, lake, center.name, NOW)
        days = sorted({*missing.out_of_reach, *missing.fetchable})
        imported = [past for past in days if (day - past).days > _FETCHED_DAYS]
        _import(lake, center, imported, clock)
        _fetch(settings, lake, center, days[len(imported) :], clock)
        ingest_days(lake, center.name, center.organizations, days, ingested_at=NOW)
        _price(settings, lake, center, days)
    definitions = build_definitions(settings, clock=clock, standing_checks=False)
    with dg.DagsterInstance.ephemeral() as instance:
        definitions.resolve_job_def("allocate").execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            asset_selection=[dg.AssetKey(name) for name in FOLLOWING],
        )


def _import(lake: Lake, center: CostCenter, days: list[date], clock: ManualClock) -> None:
    first, last = days[0], days[-1]
    as_of = datetime.combine(last, time(12), UTC) + timedelta(days=14)
    with tempfile.TemporaryDirectory() as folder:
        files = write_export_files(
            Path(folder), demo_scenario(NOW.date()), center.organizations, first, last, as_of=as_of
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


def _fetch(settings: Settings, lake: Lake, center: CostCenter, days: list[date], clock: ManualClock) -> None:
    with UsageSource(settings, clock).exports(center.name, lake, SILENT) as exports:
        fetch_days(
            exports,
            lake,
            center.name,
            days,
            clock,
            restatement_days=settings.restatement_days,
            organizations=center.organizations,
        )


def _price(settings: Settings, lake: Lake, center: CostCenter, days: list[date]) -> None:
    names = [each.name for each in settings.cost_centers]
    with warehouse_resource(lake, names).get_connection() as connection:
        write_prices(connection, settings.price_periods, settings.history_start, NOW.date() + RATES_AHEAD)
        write_daily_costs(
            connection,
            lake,
            center.name,
            days,
            NOW,
            history_start=settings.history_start,
            restatement_days=settings.restatement_days,
            organizations=center.organizations,
        )


if __name__ == "__main__":
    make_demo(Path(sys.argv[1]))
