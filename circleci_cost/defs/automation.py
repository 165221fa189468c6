"""The daily schedule and the automation sensors: what runs when, over which partitions.

`jobs` says which assets a job makes, `following` when an asset has to be made again.
"""

from collections.abc import Iterator

import dagster as dg

from circleci_cost.assets import COSTED, DAILY_COSTS, FOLLOWING, INGESTED, JOB_RUNS, PRICING_PERIODS
from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import as_ranges
from circleci_cost.defs.dead_runs import log_dead_runs
from circleci_cost.defs.declared import asset_key
from circleci_cost.defs.following import at_work, days_behind
from circleci_cost.defs.housekeeping import tidy_daily
from circleci_cost.defs.jobs import TAGS, AssetJob
from circleci_cost.defs.partitions import range_tags
from circleci_cost.errors import StorageError
from circleci_cost.history.coverage import daily_windows, first_windows
from circleci_cost.lake.layout import Lake


def build_schedule(settings: Settings, lake: Lake, clock: Clock, refresh: AssetJob) -> dg.ScheduleDefinition:
    """The daily schedule: runs per cost center over its days that are not final, after CircleCI's own refresh."""
    hour, minute = settings.daily_at.split(":")

    @dg.schedule(
        name="daily_refresh",
        job=refresh,
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED if settings.is_demo else dg.DefaultScheduleStatus.RUNNING,
        description=(
            f"Daily at {settings.daily_at} UTC: the days of every cost center that are not final yet: the last "
            f"{settings.restatement_days}, which CircleCI may have restated, and days that an outage left out or "
            "unfinished."
        ),
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        log_dead_runs(context.instance, settings, lake, clock, context.log)
        at = context.scheduled_execution_time
        try:
            removed = tidy_daily(lake, context.instance, clock)
        except StorageError as error:
            removed = f"Housekeeping was left to tomorrow: {error}"
        if removed:
            context.log.info(removed)
        for center in settings.cost_centers:
            try:
                windows = daily_windows(settings, lake, center.name, clock.now())
            except StorageError as error:
                # The run will fail with the same sentence; the other cost centers still get their runs.
                context.log.warning(f"{center.name}: {error}")
                windows = first_windows(settings, clock.now())
            for window in windows:
                yield dg.RunRequest(
                    run_key=f"{center.name}-{at:%Y-%m-%d}-{window.first_day}",
                    tags=range_tags(center.name, window.first_day, window.last_day),
                    # The sensor makes the other assets, once for all cost centers.
                    asset_selection=[dg.AssetKey(name) for name in (*INGESTED, *COSTED)],
                )

    return daily_refresh


def build_sensor() -> dg.AutomationConditionSensorDefinition:
    """The sensor that makes and publishes what an edited price, rule or budget or a backfill has outdated.

    It also runs the checks for days that a new price makes stale and, every day, for gaps.
    """
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.assets(PRICING_PERIODS.name, *FOLLOWING)
        | dg.AssetSelection.checks_for_assets(DAILY_COSTS.name, JOB_RUNS.name),
        default_status=dg.DefaultSensorStatus.RUNNING,
        run_tags=TAGS,
        minimum_interval_seconds=30,
    )


def build_costs_sensor(
    settings: Settings, partitions: dg.MultiPartitionsDefinition, lake: Lake, reprice: AssetJob
) -> dg.SensorDefinition:
    """The sensor that makes `daily_costs` follow a backfill of `usage_exports` and `job_runs` alone.

    It asks for one run per range of days; an automation condition would ask for one per day.
    """

    @dg.sensor(
        name="costs_follow",
        job=reprice,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Computes the daily costs of days whose job runs were made without them, such as by a backfill of "
            "usage_exports and job_runs alone, once no run or backfill is at work on them."
        ),
    )
    def costs_follow(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        instance = context.instance
        newest = instance.get_latest_materialization_event(asset_key(JOB_RUNS))
        newest_event = f"{newest.run_id} {newest.timestamp}" if newest else ""
        if newest_event == context.cursor:
            yield dg.SkipReason("No job runs were made since the last look.")
            return
        if at_work(instance):
            yield dg.SkipReason("Job runs or daily costs are being made: their costs follow when that is over.")
            return
        behind = days_behind(instance, partitions)
        configured = {center.name for center in settings.cost_centers}
        for name, days in behind.items():
            if name not in configured:
                continue
            # Days whose job runs could not be read cannot have costs.
            days_with_job_runs = set(lake.job_runs_days(name))
            for run_days in as_ranges([day for day in days if day in days_with_job_runs]):
                yield dg.RunRequest(
                    run_key=f"{name}-{run_days.first}-{run_days.last}-{newest_event}",
                    tags=range_tags(name, run_days.first, run_days.last),
                    asset_selection=[asset_key(DAILY_COSTS)],
                )
        context.update_cursor(newest_event)

    return costs_follow
