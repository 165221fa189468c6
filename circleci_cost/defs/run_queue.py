"""Dagster's queue of runs, which names the cost center of each: `dagster.yaml` limits how many runs one may have.

What is limited, and how, is in `dagster.yaml`; the locks of `lake` stay beneath, for runs that no queue has seen.
"""

from collections.abc import Mapping

import dagster as dg

from circleci_cost.defs.own_runs import is_own
from circleci_cost.defs.partitions import COST_CENTER_TAG, PARTITION_TAGS


class CostCenterQueue(dg.QueuedRunCoordinator):
    """The queue of Dagster's daemon. It tags runs of one cost center that others launched: the UI, or a backfill."""

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Tag a run with its cost center, and queue it."""
        run = context.dagster_run
        name = queued_cost_center(run.tags)
        if name is not None and is_own(run):
            # Dagster's guide to custom coordinators adds tags in this way.
            self._instance.add_run_tags(run.run_id, {COST_CENTER_TAG: name})
        return super().submit_run(context)


def queued_cost_center(tags: Mapping[str, str]) -> str | None:
    """The cost center of the partitions that a run's tags name, where it is one and not named yet."""
    if COST_CENTER_TAG in tags:
        return None
    # Keys read `acme|2026-11-21`; the configuration, which could take them apart, may be out of this process's reach.
    names = {key.rpartition("|")[0] for tag in PARTITION_TAGS if (key := tags.get(tag))}
    return names.pop() if len(names) == 1 and "" not in names else None
