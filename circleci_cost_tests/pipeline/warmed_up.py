"""What the fork server does once, so that no process that it forks does it again: Dagster imports and compiles at work.

Imported by the fork server alone. It leaves no thread and no connection, which a forked process could not use.
"""

import atexit
import gc
import threading

import dagster as dg


@dg.asset
def something() -> None:
    """An asset with a check, as ours have."""


@dg.asset_check(asset=something)
def fine() -> dg.AssetCheckResult:
    """Its check."""
    return dg.AssetCheckResult(passed=True)


with dg.DagsterInstance.ephemeral() as instance:
    dg.materialize(
        [something, fine],
        instance=instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
assert threading.active_count() == 1, threading.enumerate()
# All of this stays: no forked process searches it for garbage, which would also copy it.
gc.collect()
gc.freeze()
atexit.register(gc.unfreeze)
