"""Removes the event logs of old runs of this project from a Dagster instance that keeps them in files.

Dagster's SQLite storage has a file for each run, 0.3 MB even where little happened, and never removes one. What is
queried across runs stays: the runs themselves, materializations and observations, partitions' statuses, results of
checks and backfills are in `runs.db` and `index.db`. `DagsterInstance.delete_run` would delete them, too.
"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from circleci_cost.defs.own_runs import is_own

KEPT_DAYS = 30
_AT_ONCE = 200


def remove_old_logs(instance: dg.DagsterInstance, now: datetime) -> int:
    """Remove the logs of this project's runs that ended more than 30 days ago; return how many.

    Runs of other code and runs that have not ended keep their logs. An instance without such files, such as one on
    PostgreSQL, is left alone.
    """
    path_of = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_of is None:
        return 0
    before = now - timedelta(days=KEPT_DAYS)
    logs = sorted(path for path in Path(path_of("index")).parent.glob("*.db") if _is_older(path, before))
    removed = 0
    for first in range(0, len(logs), _AT_ONCE):
        removed += _remove(instance, logs[first : first + _AT_ONCE], before)
    return removed


def _is_older(path: Path, before: datetime) -> bool:
    try:
        written = path.stat().st_mtime
    except FileNotFoundError:
        return False  # another process removes logs, too
    return path.stem != "index" and datetime.fromtimestamp(written, UTC) < before


def _remove(instance: dg.DagsterInstance, logs: Sequence[Path], before: datetime) -> int:
    records = instance.get_run_records(dg.RunsFilter(run_ids=[path.stem for path in logs]))
    old_runs = {
        record.dagster_run.run_id
        for record in records
        if record.dagster_run.is_finished
        and record.end_time is not None
        and record.end_time < before.timestamp()
        and is_own(record.dagster_run)
    }
    for path in logs:
        if path.stem in old_runs:
            for suffix in ("-wal", "-shm", ""):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            # The output of the steps.
            shutil.rmtree(Path(instance.storage_directory()) / path.stem / "compute_logs", ignore_errors=True)
    return len(old_runs)
