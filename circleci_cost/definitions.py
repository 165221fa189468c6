"""The code location: everything that Dagster loads, built from the settings.

`build_definitions` builds fresh definitions from any settings and resources; `workspace.yaml` loads `defs`. The assets,
checks, jobs and sensors themselves are in the package `defs`.
"""

import logging
import warnings
from typing import Any

import dagster as dg

from circleci_cost.clock import Clock, SystemClock
from circleci_cost.config.settings import Settings, load_settings
from circleci_cost.defs.allocation import build_allocation_asset
from circleci_cost.defs.anomalies import build_anomaly_assets
from circleci_cost.defs.automation import build_costs_sensor, build_schedule, build_sensor
from circleci_cost.defs.budgets import build_budget_assets
from circleci_cost.defs.checks import build_checks
from circleci_cost.defs.classes import build_classes_asset
from circleci_cost.defs.correlations import build_correlations_asset
from circleci_cost.defs.cost_center_days import build_cost_center_days
from circleci_cost.defs.costs import build_cost_asset, build_pricing_asset
from circleci_cost.defs.credits import build_credit_assets
from circleci_cost.defs.dead_runs import build_dead_runs_sensor
from circleci_cost.defs.event_batches import ask_for_batches
from circleci_cost.defs.executors import configured_executor
from circleci_cost.defs.focus import build_focus_asset
from circleci_cost.defs.held_files import hold_files
from circleci_cost.defs.infrastructure import build_infrastructure_asset
from circleci_cost.defs.ingest import build_ingest_assets
from circleci_cost.defs.jobs import build_jobs
from circleci_cost.defs.living_runs import build_executor
from circleci_cost.defs.notifications import build_notification_asset, build_notification_sensors
from circleci_cost.defs.ownership import owned, owned_spec
from circleci_cost.defs.partitions import usage_partitions
from circleci_cost.defs.publishing import build_published_asset
from circleci_cost.defs.resources import UsageSource, warehouse_resource
from circleci_cost.defs.waste import build_waste_asset
from circleci_cost.lake.layout import Lake, open_lake

# Dagster's warnings about two decisions here: backfill policies are "beta", and `refresh` holds assets of two policies
# (it runs over at most 31 days at once; backfills run the assets or the other jobs).
_EXPECTED_WARNINGS = (
    "Parameter `backfill_policy` of function `asset` is currently in beta",
    "Asset job refresh materializes assets with varying BackfillPolicies",
)


def build_definitions(
    settings: Settings,
    *,
    clock: Clock | None = None,
    standing_checks: bool = True,
    executor: dg.ExecutorDefinition | None = None,
    **resources: Any,
) -> dg.Definitions:
    """Build the code location. `resources` replace those of the same name: lake, clock, source, warehouse.

    Without `standing_checks` a run makes its assets, and leaves the checks over all days to a later run. `executor`
    takes the place of that of `[dagster]`. A run holds its lock with any; with one process per step it takes 22 s
    instead of 0.6 s.

    Raises `StorageError` where the data directory cannot be used, `ConfigurationError` for an executor that is not
    installed.
    """
    clock = clock or SystemClock()
    lake: Lake = resources.get("lake") or open_lake(settings.data_dir)
    given = {
        "lake": lake,
        "clock": clock,
        "source": UsageSource(settings, clock),
        "warehouse": warehouse_resource(lake, [center.name for center in settings.cost_centers], settings.actors),
        **resources,
    }
    with warnings.catch_warnings():
        for message in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        definitions = _definitions(
            settings,
            lake,
            clock,
            given,
            build_executor(lake, executor or configured_executor(settings.dagster)),
            standing_checks=standing_checks,
        )
        # Jobs are resolved here and not later, so that their warnings are caught too.
        dg.Definitions.validate_loadable(definitions)
    return definitions


def _definitions(
    settings: Settings,
    lake: Lake,
    clock: Clock,
    resources: dict[str, Any],
    executor: dg.ExecutorDefinition,
    *,
    standing_checks: bool,
) -> dg.Definitions:
    partitions = usage_partitions(settings)
    derived = [
        build_allocation_asset(settings),
        *build_budget_assets(settings),
        *build_credit_assets(settings),
        *build_anomaly_assets(settings),
        build_correlations_asset(settings),
        build_classes_asset(settings),
        build_waste_asset(settings),
    ]
    assets = [
        *build_ingest_assets(settings, partitions),
        build_pricing_asset(settings),
        build_cost_asset(settings, partitions),
        build_infrastructure_asset(settings.infrastructure, settings.resolve),
        *(asset.definition for asset in derived),
        build_published_asset(settings, derived),
        build_focus_asset(settings),
    ]
    checks = build_checks(settings, partitions)
    jobs = build_jobs(checks)
    check_keys = [key for asset in (*assets, *checks) for key in asset.check_keys]
    return dg.Definitions(
        assets=[
            *owned(settings, [*assets, build_notification_asset(settings, check_keys)]),
            owned_spec(settings, build_cost_center_days(settings)),
        ],
        asset_checks=checks if standing_checks else [],
        jobs=[job for name, job in jobs.items() if standing_checks or name != "check"],
        schedules=[build_schedule(settings, lake, clock, jobs["refresh"])],
        sensors=[
            build_sensor(),
            build_costs_sensor(settings, partitions, lake, jobs["reprice"]),
            build_dead_runs_sensor(settings, lake, clock),
            *build_notification_sensors(settings, lake, clock, jobs["notify"]),
        ],
        executor=executor,
        resources=resources,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the settings that `load_settings` finds; built when Dagster loads it, not on import.

    Without a configuration or a demo, Dagster's UI and log show the `ConfigurationError`.
    """
    hold_files()
    ask_for_batches()
    settings = load_settings()
    if settings.is_demo:
        logging.getLogger("dagster").warning(
            "No circleci_cost.toml here: using the built-in demo (simulated data); `circleci-cost init` writes one."
        )
    return build_definitions(settings)
