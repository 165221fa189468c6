"""A process that executes Dagster runs, one after the other, and sends their events to its parent.

Started by `worker_pool` through `dagster_process`. Lines of JSON on stdin say where to work, then lane by lane what to
run, then that nothing is left; events go as lines of JSON to the given file descriptor. If stdin closes before that,
the current run is interrupted and no other begins.
"""

import functools
import json
import os
import queue
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from circleci_cost.assets import USAGE_EXPORTS
from circleci_cost.circleci import SILENT
from circleci_cost.cli.instance import instance_errors
from circleci_cost.cli.preparation import start_preparing
from circleci_cost.cli.worker_events import ForwardedProgress, ForwardingSource, Parent, listener
from circleci_cost.clock import SystemClock
from circleci_cost.config.settings import Settings, demo_settings, read_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.dead_runs import end_dead_runs, run_title
from circleci_cost.defs.event_batches import open_batched_instance
from circleci_cost.defs.failed_runs import Failed, failure_in
from circleci_cost.defs.held_files import Durability, hold_files
from circleci_cost.defs.housekeeping import tidy_daily
from circleci_cost.defs.notifications import tell_failure
from circleci_cost.defs.own_runs import COMMAND_LINE, LAUNCHED_BY
from circleci_cost.defs.partitions import range_tags
from circleci_cost.defs.shared_statements import share_statements
from circleci_cost.errors import CircleciCostError, StorageError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.run_locks import lock_run
from circleci_cost.lake.turns import turn

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# The daemon has no code location to retry such a run from, and would log that for each; with 0 it does not try.
_TAGS = {LAUNCHED_BY: COMMAND_LINE, "dagster/max_retries": "0"}


def main() -> None:
    """Execute the orders on stdin."""
    line = sys.stdin.readline()
    if not line:
        # The parent died before its first line.
        sys.exit(130)
    request = json.loads(line)
    parent = Parent(os.fdopen(request["events"], "w", encoding="utf-8"))
    stop = Stop()
    threading.Thread(target=stop.wait_for_parent, daemon=True).start()
    try:
        settings = read_settings(Path(request["config"])) if request["config"] else _demo(request["demo_data"])
        # A run that a power cut ends is dead anyway; of a demo the whole record can be made again.
        record = hold_files(Durability.NONE if request["disposable"] else Durability.EACH_RUN)
        share_statements()
        source = ForwardingSource(settings, parent=parent)
        # A worker executes the steps itself, whatever `[dagster]` says of the runs of Dagster's daemon.
        build = functools.partial(build_definitions, settings, source=source, executor=dg.in_process_executor)
        checks = request["standing_checks"]
        definitions = {checks: build(standing_checks=checks)}
        with instance_errors(), _instance() as instance:
            stop.instance = instance
            place = Place(settings, instance, parent)
            parent.tell("ready")
            if request["keep_house"]:
                place.end_dead_runs()
                place.tidy()
            while (order := stop.orders.get()) is not None:
                if "prepare" in order:
                    place.prepare(order["lane"], order["prepare"])
                    continue
                checks = order["standing_checks"]
                if checks not in definitions:
                    definitions[checks] = build(standing_checks=checks)
                for number, run in enumerate(order["runs"]):
                    stop.run_id = run["run_id"]
                    succeeded = not stop.requested.is_set() and _execute(place, definitions[checks], number, run)
                    record.write_back()
                    if not succeeded:
                        break
                parent.tell("idle")
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        sys.exit(130)
    except CircleciCostError as error:
        # An error of no run in particular, such as a full disk below the instance.
        parent.tell("refused", sentence=str(error), exit_code=error.exit_code)


class Stop:
    """The orders from stdin, then None. If stdin ends without `finish`, the parent asks to stop or is dead."""

    def __init__(self) -> None:
        self.orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.requested = threading.Event()
        self.instance: dg.DagsterInstance | None = None
        self.run_id = ""

    def wait_for_parent(self) -> None:
        """Read orders in a thread of its own; interrupt the current run if stdin ends without `finish`."""
        for line in sys.stdin:
            order = json.loads(line)
            if order.get("finish"):
                self.orders.put(None)
                return
            self.orders.put(order)
        self.requested.set()
        self.orders.put(None)
        run = self.instance.get_run_by_id(self.run_id) if self.instance else None
        if run is not None and self.instance is not None and not run.is_finished:
            # Without this Dagster would take the interrupt for a failure.
            self.instance.report_run_canceling(run)
        os.kill(os.getpid(), signal.SIGINT)


def _demo(data_dir: str) -> Settings:
    return demo_settings(Path(data_dir))


def _instance() -> dg.DagsterInstance:
    """Open the instance; one process at a time, since two that find it empty would both make its tables."""
    with turn(Path(os.environ["DAGSTER_HOME"]) / ".opening"):
        return open_batched_instance()


@dataclass(frozen=True)
class Place:
    """Where runs are executed, and the parent that gets their events."""

    settings: Settings
    instance: dg.DagsterInstance
    parent: Parent

    @property
    def lake(self) -> Lake:
        """The data directory."""
        return open_lake(self.settings.data_dir)

    def prepare(self, lane: str, run: dict[str, Any]) -> None:
        """Have a lane's first exports prepared while other lanes are at work, and tell the parent when that is done."""
        thread = start_preparing(self.settings, self.lake, run, ForwardedProgress(SILENT, self.parent, lane=lane))

        def tell() -> None:
            thread.join()
            self.parent.tell("prepared", lane=lane)

        threading.Thread(target=tell, daemon=True).start()

    def end_dead_runs(self) -> None:
        """End the runs whose process died, and tell the parent."""
        try:
            dead_runs = end_dead_runs(self.instance, self.settings, self.lake, SystemClock())
        except StorageError as error:
            self.parent.tell("remark", text=f"Dead runs could not be looked for. {error}")
            return
        for dead in dead_runs:
            status = dead.run.status.value.lower()
            text = (
                f"Run {run_title(dead.run, self.settings)} was dead and is recorded as {status}; "
                "what it had finished is kept, and a sync makes the rest."
            )
            self.parent.tell("remark", text=text)

    def tell_failure(self, run_id: str, sentence: str) -> None:
        """Notify of a failure. A running daemon may do so as well: the outbox takes the message once."""
        run = self.instance.get_run_by_id(run_id)
        if run is not None and run.is_failure:
            tell_failure(self.settings, self.lake, SystemClock(), run, sentence)

    def tidy(self) -> None:
        """Do the day's housekeeping; where it cannot be done, the next command does it."""
        try:
            removed = tidy_daily(self.lake, self.instance, SystemClock())
        except StorageError as error:
            removed = f"Housekeeping was left to the next run: {error}"
        if removed:
            self.parent.tell("remark", text=removed)


def _execute(place: Place, definitions: dg.Definitions, number: int, run: dict[str, Any]) -> bool:
    parent, instance = place.parent, place.instance
    parent.tell("run", number=number)
    instance.add_event_listener(run["run_id"], listener(parent))
    config: dict[str, Any] = dict(_QUIET)
    if run["refetch"]:
        config["ops"] = {USAGE_EXPORTS.name: {"config": {"refetch": True}}}
    lock = lock_run(place.lake, run["run_id"])
    result = definitions.resolve_job_def(run["job"]).execute_in_process(
        instance=instance,
        run_id=run["run_id"],
        tags={**_partition_tags(run["partitions"]), **_TAGS},
        # From this selection the sensor `automation` sees what the run makes together.
        asset_selection=[dg.AssetKey(name) for name in run["assets"]],
        raise_on_error=False,
        run_config=config,
    )
    # Not after an interrupt: the file then shows that the process of the unfinished run is dead.
    lock.release()
    recorded_run = instance.get_run_by_id(run["run_id"])
    if result.success:
        failed = None
    elif recorded_run is not None and recorded_run.status is dg.DagsterRunStatus.CANCELED:
        failed = Failed("The run was canceled.", 1, None)
    else:
        failed = failure_in(result.all_events) or Failed("The run was canceled.", 1, None)
    if failed is not None:
        place.tell_failure(run["run_id"], failed.sentence)
    parent.tell(
        "ended",
        number=number,
        **({"sentence": failed.sentence, "exit_code": failed.exit_code, "stack": failed.stack} if failed else {}),
    )
    return failed is None


def _partition_tags(partitions: dict[str, str] | None) -> dict[str, str]:
    if partitions is None:
        return {}
    return range_tags(
        partitions["cost_center"], date.fromisoformat(partitions["first"]), date.fromisoformat(partitions["last"])
    )


if __name__ == "__main__":
    main()
