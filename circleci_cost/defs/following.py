"""When an asset is made again by itself: after what it is made from, or after an edited file.

The sensor that acts on these conditions is `automation`'s.
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
# A backfill among this many newest ones may still be at work, with one of these statuses.
_RECENT, _AT_WORK = 100, {"REQUESTED", "CANCELING", "FAILING"}


def follows_dependencies() -> dg.AutomationCondition[Any]:
    """Once what it depends on has been made later than itself, and is no longer being made.

    What depends on what is requested now is requested with it. After a failed run it waits for the next change.
    """
    fresh = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated())
    # Of events between two ticks Dagster compares the times, but only where neither side is put together by `|`.
    outdated = fresh.since(dg.AutomationCondition.newly_updated())
    unasked = fresh.since(dg.AutomationCondition.newly_requested())
    chained = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
    return (
        ((outdated & unasked) | chained)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def checks_dependencies() -> dg.AutomationCondition[Any]:
    """For a check: once what it depends on has been made, unless a run with it in has checked that since."""
    return dg.AutomationCondition.any_deps_updated().since(_made()) & ~dg.AutomationCondition.in_progress()


def checks_every_day() -> dg.AutomationCondition[Any]:
    """For a check that has to be made although nothing runs, or what runs fails: at noon, after the daily run."""
    return dg.AutomationCondition.cron_tick_passed("0 12 * * *") & ~dg.AutomationCondition.in_progress()


def follows_configuration() -> dg.AutomationCondition[Any]:
    """Once its part of the configuration, which is its code version, has changed."""
    return dg.AutomationCondition.code_version_changed().since(_made())


def _made() -> dg.AutomationCondition[Any]:
    return dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()


def at_work(instance: dg.DagsterInstance) -> bool:
    """Whether a run or a backfill that makes job runs or daily costs is waiting or under way."""
    partitioned = {asset_key(JOB_RUNS), asset_key(DAILY_COSTS)}
    # Newest first; Dagster's filter of statuses is private.
    backfills = [each for each in instance.get_backfills(limit=_RECENT) if each.status.value in _AT_WORK]
    if any(partitioned.intersection(each.asset_selection or ()) for each in backfills):
        return True
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    # A run without a selection is of a whole job.
    return any(not run.asset_selection or partitioned.intersection(run.asset_selection) for run in runs)


def days_behind(instance: dg.DagsterInstance, partitions: dg.MultiPartitionsDefinition) -> dict[str, tuple[date, ...]]:
    """The days, by cost center, whose job runs were made later than their daily costs."""
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    read = instance.get_latest_storage_id_by_partition(asset_key(JOB_RUNS), made)
    costed = instance.get_latest_storage_id_by_partition(asset_key(DAILY_COSTS), made)
    keys = [key for key, at in read.items() if at > costed.get(key, -1) and partitions.has_partition_key(key)]
    return {each.cost_center: each.days for each in partition_days(keys, partitions)} if keys else {}
