"""The code location: everything that Dagster loads, built from the settings.

`build_definitions` makes fresh definitions from any settings and resources; `defs` is what `workspace.yaml`
loads.
"""

import warnings
from typing import Any

import dagster as dg

from circleci_cost.clock import Clock, SystemClock
from circleci_cost.defs.automation import build_jobs, build_schedule, build_sensor
from circleci_cost.defs.checks import build_checks
from circleci_cost.defs.costs import build_cost_assets, build_pricing_asset
from circleci_cost.defs.ingest import build_ingest_assets
from circleci_cost.defs.resources import UsageSource, warehouse_resource
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.partitions import usage_partitions
from circleci_cost.settings import Settings, load_settings


def build_definitions(settings: Settings, *, clock: Clock | None = None, **resources: Any) -> dg.Definitions:
    """Build the code location. `resources` replace those of the same name: lake, clock, source, warehouse.

    Raises `StorageError` where the data directory cannot be used.
    """
    clock = clock or SystemClock()
    lake: Lake = resources.get("lake") or open_lake(settings.data_dir)
    partitions = usage_partitions(settings)
    with warnings.catch_warnings():
        # A job with both ingest and costs warns that policies differ; only single runs are made of it.
        warnings.filterwarnings("ignore", message="Found multiple backfill policies")
        jobs = build_jobs(partitions)
    return dg.Definitions(
        assets=[
            *build_ingest_assets(settings, partitions),
            build_pricing_asset(settings),
            *build_cost_assets(settings, partitions),
        ],
        asset_checks=build_checks(settings, partitions),
        jobs=jobs,
        schedules=[build_schedule(settings, lake, clock, jobs[-1])],
        sensors=[build_sensor()],
        executor=dg.in_process_executor,
        resources={
            "lake": lake,
            "clock": clock,
            "source": UsageSource(settings, clock),
            "warehouse": warehouse_resource(lake),
            **resources,
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the settings that `load_settings` finds; built when Dagster loads it, not on import."""
    return build_definitions(load_settings())
