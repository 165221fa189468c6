"""When an asset is made again automatically: after its dependencies, or after an edited file.

`automation` builds the sensor that acts on these conditions.
"""

from datetime import date
from typing import Any

import dagster as dg

from circleci_cost.assets import DAILY_COSTS, JOB_RUNS
from circleci_cost.defs.declared import asset_key
from circleci_cost.defs.partitions import partition_days

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# How many of the newest backfills to look at, and the statuses of those still at work.
_RECENT, _AT_WORK = 100, {"REQUESTED", "CANCELING", "FAILING"}


def follows_dependencies() -> dg.AutomationCondition[Any]:
    """The condition of an asset with a dependency that was made later than itself; none may be in progress.

    An asset is requested together with a dependency that is requested now. After a failed run it waits for the next
    change.
    """
    fresh = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated())
    # Dagster compares the times of events between two ticks, but only where neither side is combined by `|`.
    outdated = fresh.since(dg.AutomationCondition.newly_updated())
    unasked = fresh.since(dg.AutomationCondition.newly_requested())
    chained = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
    return (
        ((outdated & unasked) | chained)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def checks_dependencies() -> dg.AutomationCondition[Any]:
    """The condition of a check whose dependency was made, unless a run has executed the check since."""
    return (
        dg.AutomationCondition.any_deps_updated().since(_requested_or_updated()) & ~dg.AutomationCondition.in_progress()
    )


def checks_every_day() -> dg.AutomationCondition[Any]:
    """The condition of a check that runs daily, even when no run succeeds: at noon, after the daily run."""
    return dg.AutomationCondition.cron_tick_passed("0 12 * * *") & ~dg.AutomationCondition.in_progress()


def follows_configuration() -> dg.AutomationCondition[Any]:
    """The condition of an asset whose code version, a hash of its part of the configuration, has changed."""
    return dg.AutomationCondition.code_version_changed().since(_requested_or_updated())


def _requested_or_updated() -> dg.AutomationCondition[Any]:
    return dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()


def at_work(instance: dg.DagsterInstance) -> bool:
    """Whether a run or a backfill that makes job runs or daily costs is queued or in progress."""
    partitioned = {asset_key(JOB_RUNS), asset_key(DAILY_COSTS)}
    # Newest first; Dagster's filter of statuses is private.
    backfills = [backfill for backfill in instance.get_backfills(limit=_RECENT) if backfill.status.value in _AT_WORK]
    if any(partitioned.intersection(backfill.asset_selection or ()) for backfill in backfills):
        return True
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    # A run without a selection runs its whole job.
    return any(not run.asset_selection or partitioned.intersection(run.asset_selection) for run in runs)


def days_behind(instance: dg.DagsterInstance, partitions: dg.MultiPartitionsDefinition) -> dict[str, tuple[date, ...]]:
    """The days, by cost center, whose job runs were made later than their daily costs."""
    materialization = dg.DagsterEventType.ASSET_MATERIALIZATION
    read = instance.get_latest_storage_id_by_partition(asset_key(JOB_RUNS), materialization)
    costed = instance.get_latest_storage_id_by_partition(asset_key(DAILY_COSTS), materialization)
    keys = [key for key, at in read.items() if at > costed.get(key, -1) and partitions.has_partition_key(key)]
    return (
        {center_days.cost_center: center_days.days for center_days in partition_days(keys, partitions)} if keys else {}
    )
