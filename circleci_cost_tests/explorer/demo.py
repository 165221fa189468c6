"""The finished demo that the explorer's tests read: what the command `demo` makes, at one fixed moment.

`python -m circleci_cost_tests.explorer.demo FOLDER` makes it, in a process of its own: Dagster stays out of the tests'
processes. How a session of tests shares one belongs to the fixtures.
"""

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import dagster as dg

from circleci_cost.assets import INFRASTRUCTURE_COSTS
from circleci_cost.circleci import land_files
from circleci_cost.circleci.progress import SILENT
from circleci_cost.clock import ManualClock, utc_yesterday
from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.config.settings import Settings, demo_settings
from circleci_cost.days import days_between
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.costs import RATES_AHEAD
from circleci_cost.defs.resources import UsageSource, Warehouse, warehouse_resource
from circleci_cost.history.ingestion import fetch_days
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.simulator import begin_demo, demo_scenario, write_export_files
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.publishing.publish import publish
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.warehouse_tables import open_tables

# As the command does: the last days come through the simulated API, so that the newest of them are not final.
_FETCHED_DAYS = 62


def make_demo(folder: Path) -> None:
    """Make the demo in `folder`; it is to be used with a clock that shows `NOW`.

    Almost all of it without Dagster, whose records of 800 partitions take twice the time of the work itself.
    """
    # Synced two days before, too, so that the days which were not final then are restated.
    clock = ManualClock(NOW - timedelta(days=2))
    begin_demo(folder / DATA_DIRECTORY, NOW.date())
    settings = demo_settings(folder / DATA_DIRECTORY, clock)
    lake = open_lake(settings.data_dir)
    _sync(settings, lake, clock, import_until=NOW.date() - timedelta(days=_FETCHED_DAYS + 1))
    clock.advance(timedelta(days=2))
    _sync(settings, lake, clock)
    _read_infrastructure(settings, clock)
    store = _warehouse(settings, lake).store
    for _ in Derivation(settings, lake).bring_up_to_date(store):
        pass
    with store.reading() as opened:
        publish(opened, lake, read_restatements(lake, _names(settings)), NOW)


def _sync(settings: Settings, lake: Lake, clock: ManualClock, import_until: date | None = None) -> None:
    """Bring and price what is missing or was not final: first by files up to a day, then by the API."""
    yesterday = utc_yesterday(clock)
    for center in settings.cost_centers:
        first = settings.history_start
        if import_until:
            _import(lake, center, days_between(first, import_until), clock)
            days = days_between(first, yesterday)
            fetched = days_between(import_until + timedelta(days=1), yesterday)
        else:
            days = fetched = days_between(yesterday - timedelta(days=settings.restatement_days + 2), yesterday)
        _fetch(settings, lake, center, fetched, clock)
        ingest_days(lake, center.name, center.organizations, days, ingested_at=clock.now())
        _price(settings, lake, center, days, clock)


def _names(settings: Settings) -> list[str]:
    return [center.name for center in settings.cost_centers]


def _warehouse(settings: Settings, lake: Lake) -> Warehouse:
    return warehouse_resource(lake, _names(settings))


def _read_infrastructure(settings: Settings, clock: ManualClock) -> None:
    """Run the asset, which alone does all of it."""
    definitions = build_definitions(settings, clock=clock, standing_checks=False)
    with dg.DagsterInstance.ephemeral() as instance:
        definitions.resolve_job_def("allocate").execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            asset_selection=[dg.AssetKey(INFRASTRUCTURE_COSTS.name)],
        )


def _import(lake: Lake, center: CostCenter, days: Sequence[date], clock: ManualClock) -> None:
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


def _fetch(settings: Settings, lake: Lake, center: CostCenter, days: Sequence[date], clock: ManualClock) -> None:
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


def _price(settings: Settings, lake: Lake, center: CostCenter, days: Sequence[date], clock: ManualClock) -> None:
    with open_tables(lake) as connection:
        write_prices(connection, settings.price_periods, settings.history_start, NOW.date() + RATES_AHEAD)
        write_daily_costs(
            connection,
            lake,
            center.name,
            days,
            clock.now(),
            history_start=settings.history_start,
            restatement_days=settings.restatement_days,
            organizations=center.organizations,
        )


if __name__ == "__main__":
    make_demo(Path(sys.argv[1]))
