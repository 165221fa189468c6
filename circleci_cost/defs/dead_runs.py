"""Ends the runs whose process is dead: after a crash they would stay STARTED and keep their slots for hours.

`living_runs` holds the lock that proves that a run lives; `notifications` notifies of failed runs.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from logging import Logger

import dagster as dg

from circleci_cost.clock import Clock, SystemClock
from circleci_cost.config.settings import Settings
from circleci_cost.defs.living_runs import MAX_RUNTIME_SECONDS
from circleci_cost.defs.notifications import tell_failure
from circleci_cost.defs.own_runs import is_own, of_command_line
from circleci_cost.defs.partitions import tagged_days, usage_partitions
from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.run_locks import (
    RunProcess,
    dagster_home,
    dead_run,
    locked_runs,
    remove_run_lock,
    run_lock_age,
)
from circleci_cost.lake.turns import turn
from circleci_cost.text.units import counted

# A living code server itself ends the run of a dead child, within half a second.
_CODE_SERVER_SECONDS = 2.0
_STARTING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)
_RUNNING = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


@dataclass(frozen=True)
class DeadRun:
    """A run that was ended because no process executed it any more; `sentence` says why."""

    run: dg.DagsterRun
    sentence: str


def end_dead_runs(instance: dg.DagsterInstance, settings: Settings, lake: Lake, clock: Clock) -> list[DeadRun]:
    """End every run of this data directory whose process is dead, notify of the failures, and return the ended runs.

    A run becomes failed, so that Dagster starts it again while retries are left, and the failure is notified; a run
    that was being canceled becomes canceled. Left alone are queued runs, runs of other code, and runs without a lock
    file here (just begun, or on another host) until they have taken longer than any run may. Raises `StorageError`.
    """
    with turn(lake.dead_runs_lock):
        suspected = [run_id for run_id in locked_runs(lake) if _is_dead(instance, lake, run_id)]
        if suspected:
            time.sleep(_CODE_SERVER_SECONDS)
        dead_runs = [
            *(dead for run_id in suspected if (dead := _end(instance, lake, run_id))),
            *_end_overdue(instance, lake),
        ]
    for dead in dead_runs:
        if dead.run.status is not dg.DagsterRunStatus.CANCELING:
            tell_failure(settings, lake, clock, dead.run, dead.sentence)
    return dead_runs


def log_dead_runs(instance: dg.DagsterInstance, settings: Settings, lake: Lake, clock: Clock, log: Logger) -> int:
    """End dead runs, log each and return how many; an error is logged as a warning, and the caller goes on."""
    try:
        dead_runs = end_dead_runs(instance, settings, lake, clock)
    except StorageError as error:
        log.warning(f"Dead runs could not be looked for. {error}")
        return 0
    for dead in dead_runs:
        log.warning(f"Ended run {run_title(dead.run, settings)}: {dead.sentence}")
    return len(dead_runs)


def run_title(run: dg.DagsterRun, settings: Settings) -> str:
    """The name of a run for people: its short id, its job and its days."""
    center_days = tagged_days(run.tags, usage_partitions(settings))
    days = f" of {center_days.cost_center}, {center_days.first} to {center_days.last}" if center_days else ""
    return f"{run.run_id[:8]} ({run.job_name}{days})"


def build_dead_runs_sensor(settings: Settings, lake: Lake, clock: Clock) -> dg.SensorDefinition:
    """The sensor `dead_runs`."""

    @dg.sensor(
        name="dead_runs",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Ends runs whose process was killed, so that they do not keep the queue waiting.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = log_dead_runs(context.instance, settings, lake, clock, context.log)
        return dg.SkipReason(
            f"Ended {counted(ended, 'run')} whose process was dead." if ended else "No dead run was found."
        )

    return dead_runs


def _is_dead(instance: dg.DagsterInstance, lake: Lake, run_id: str) -> bool:
    """Whether a run in progress has lost its process. Lock files of runs that have ended are removed."""
    with dead_run(lake, run_id) as process:
        if process is None:
            return False
        run = instance.get_run_by_id(run_id)
        if run is None:
            # Its process died before the run was recorded, or another instance has the record and judges it.
            if process.home == dagster_home() or run_lock_age(lake, run_id) > MAX_RUNTIME_SECONDS:
                remove_run_lock(lake, run_id)
            return False
        if run.is_finished:
            remove_run_lock(lake, run_id)
            return False
        return True


def _end(instance: dg.DagsterInstance, lake: Lake, run_id: str) -> DeadRun | None:
    with dead_run(lake, run_id) as process:
        run = instance.get_run_by_id(run_id)
        if process is None or run is None:
            return None
        dead = None if run.is_finished else _record(instance, run, _death(process, run))
        remove_run_lock(lake, run_id)
        return dead


def _end_overdue(instance: dg.DagsterInstance, lake: Lake) -> Iterator[DeadRun]:
    """End runs that never began, and runs without a lock here that take longer than any run may."""
    # Dagster's records carry the machine's time.
    now = SystemClock().now().timestamp()
    patience = instance.run_monitoring_start_timeout_seconds or MAX_RUNTIME_SECONDS
    locked = set(locked_runs(lake))
    for record in instance.get_run_records(dg.RunsFilter(statuses=[*_STARTING, *_RUNNING])):
        run = record.dagster_run
        if run.run_id in locked or not is_own(run):
            continue
        if run.status in _STARTING:
            if now - record.update_timestamp.replace(tzinfo=UTC).timestamp() > patience:
                yield _record(
                    instance,
                    run,
                    f"The run did not begin within {patience} seconds: nothing executes it any more. {_advice(run)}",
                )
        elif now - (record.start_time or now) > MAX_RUNTIME_SECONDS:
            yield _record(
                instance,
                run,
                f"The run began more than {MAX_RUNTIME_SECONDS // 3600} hours ago and no process on this machine "
                f"executes it: it was killed, or the machine went down. {_advice(run)}",
            )


def _record(instance: dg.DagsterInstance, run: dg.DagsterRun, sentence: str) -> DeadRun:
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, sentence)
    else:
        instance.report_run_failed(run, sentence)
    failed_run = instance.get_run_by_id(run.run_id) or run
    return DeadRun(run if run.status is dg.DagsterRunStatus.CANCELING else failed_run, sentence)


def _death(process: RunProcess, run: dg.DagsterRun) -> str:
    return (
        f"The process of this run died (process {process.pid} on {process.host}): it was killed, memory ran out, or "
        f"the machine went down. {_advice(run)}"
    )


def _advice(run: dg.DagsterRun) -> str:
    start = "What it had finished is kept"
    if run.status is dg.DagsterRunStatus.CANCELING:
        return f"{start}; it was being canceled."
    if of_command_line(run):
        return f"{start}; run the same command again, or leave its days to the next sync."
    return f"{start}; Dagster starts it again up to twice, and the next daily run fetches what is left."
