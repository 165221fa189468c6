"""Runs whose process was killed are ended, once and for a reason; what lives, and what is not ours, is left alone."""

import os
import shutil
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from circleci_cost.defs import dead_runs
from circleci_cost.defs.dead_runs import DeadRun, end_dead_runs
from circleci_cost.defs.notifications import tell_failure
from circleci_cost.defs.own_runs import LAUNCHED_BY
from circleci_cost.defs.partitions import range_tags
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.run_locks import RunLock, lock_run, locked_runs
from circleci_cost.notify.outbox import Outbox, outbox_path
from circleci_cost_tests.pipeline.harness import COSTS, Site, running
from circleci_cost_tests.pipeline.processes import ended, start
from circleci_cost_tests.pipeline.scenarios import YESTERDAY

FIRST = date(2024, 3, 8)
DAYS = range_tags("initech", FIRST, YESTERDAY)
STARTED, CANCELING = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING
ENDED_AS = {STARTED: dg.DagsterRunStatus.FAILURE, CANCELING: dg.DagsterRunStatus.CANCELED}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(dead_runs, "_CODE_SERVER_SECONDS", 0.0)
    with running(tmp_path) as site:
        yield site


def recorded(site: Site, status: dg.DagsterRunStatus = STARTED, tags: dict[str, str] | None = None) -> str:
    """A run of the job `refresh` that nothing executes; its id."""
    run = site.instance.create_run_for_job(
        site.definitions.resolve_job_def("refresh"), tags=DAYS if tags is None else tags
    )
    events = [dg.DagsterEventType.RUN_START]
    if status is CANCELING:
        events.append(dg.DagsterEventType.RUN_CANCELING)
    for event in events if status in ENDED_AS else ():
        site.instance.report_dagster_event(dg.DagsterEvent(event.value, run.job_name), run_id=run.run_id)
    return run.run_id


def locked(lake: Lake, run_id: str) -> RunLock:
    """Take a run's lock on a disk."""
    lock = lock_run(lake, run_id)
    assert isinstance(lock, RunLock)
    return lock


def hold(data: Path, run_id: str, held: str) -> None:
    """Hold a run's lock for ever, in a process of its own."""
    lock = locked(Lake(data), run_id)
    Path(held).touch()
    while lock.path.exists():
        time.sleep(0.05)


@contextmanager
def executing(site: Site, run_id: str) -> Iterator[BaseProcess]:
    """A process that holds the lock of a run."""
    held = site.folder / f"held {run_id}"
    process = start(hold, site.lake.root, run_id, str(held))
    until = time.monotonic() + 60
    while not held.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        yield process
    finally:
        process.kill()
        process.join()


def end(site: Site) -> list[DeadRun]:
    return end_dead_runs(site.instance, site.settings, site.lake, site.clock)


def status(site: Site, run_id: str) -> dg.DagsterRunStatus:
    run = site.instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.mark.parametrize("before", [STARTED, CANCELING])
def test_f088_a_run_whose_process_was_killed_is_ended_once_and_a_living_one_is_not(
    site: Site, before: dg.DagsterRunStatus
) -> None:
    killed, living = recorded(site, before), recorded(site, before)
    with executing(site, killed) as process, executing(site, living):
        assert end(site) == []
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        assert ended(process) == -signal.SIGKILL
        (dead,) = end(site)
        assert dead.run.run_id == killed
        assert f"process {process.pid} on {socket.gethostname()}" in dead.sentence
        assert "What it had finished is kept" in dead.sentence
        assert status(site, killed) is ENDED_AS[before]
        assert status(site, living) is before
        assert end(site) == []
        assert locked_runs(site.lake) == [living]


def test_runs_without_a_lock_file_here_are_left_alone(site: Site, tmp_path: Path) -> None:
    """One that has just begun, another host's, and one of other code."""
    begun, foreign = recorded(site), recorded(site, tags={})
    copied = recorded(site, tags=DAYS | {LAUNCHED_BY: "circleci-cost"})
    lock = locked(Lake(tmp_path / "elsewhere"), copied)
    site.lake.run_locks.mkdir(parents=True)
    shutil.copy(lock.path, site.lake.run_locks)
    lock.file.close()
    assert end(site) == []
    assert [status(site, run_id) for run_id in (begun, foreign, copied)] == [STARTED] * 3


def test_what_never_began_or_takes_longer_than_any_run_may_is_ended_where_it_is_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = DAYS | {LAUNCHED_BY: "circleci-cost"}, DAYS
    waiting, lost = recorded(site, dg.DagsterRunStatus.NOT_STARTED, ours), recorded(site, tags=ours)
    foreign = recorded(site, tags=other)
    monkeypatch.setattr(dead_runs, "MAX_RUNTIME_SECONDS", -1)
    monkeypatch.setattr(
        type(site.instance), "run_monitoring_start_timeout_seconds", property(lambda _: -1), raising=True
    )
    sentences = {dead.run.run_id: dead.sentence for dead in end(site)}
    assert sentences.keys() == {waiting, lost}
    assert "did not begin within" in sentences[waiting]
    assert "no process on this machine executes it" in sentences[lost]
    assert status(site, foreign) is STARTED


def test_a_dead_run_is_notified_once_whoever_ends_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/hook"
    monkeypatch.setenv("HOOK_URL", address)
    site.sections = '[[notifications.channels]]\nname = "hook"\ntype = "webhook"\nurl_env = "HOOK_URL"\n'
    run_id = recorded(site)
    locked(site.lake, run_id).file.close()
    (dead,) = end(site)
    # The sensor `failed_syncs` tells of it, too, with the sentence that the run's end carries.
    tell_failure(site.settings, site.lake, site.clock, dead.run, dead.sentence)
    (message,) = Outbox(outbox_path(site.lake), site.clock).undelivered()
    assert (message.event, message.subject) == ("sync_failed", "initech")


def test_f087_a_run_that_was_ended_while_it_was_at_work_writes_and_publishes_nothing(site: Site) -> None:
    """As the button of the UI ends it, or a daemon after the longest time: its process lives on."""
    site.materialize(COSTS, "initech", FIRST, YESTERDAY)
    before = (site.lake.published / "current.json").read_bytes()
    for step, refetch in (("published", False), ("daily_costs", True), ("job_runs", True)):
        run_id = str(uuid.uuid4())
        site.instance.add_event_listener(run_id, _canceler(site.instance, run_id, step))
        files = site.job_run_files()
        job = site.definitions.resolve_job_def("refresh")
        result = job.execute_in_process(
            instance=site.instance,
            run_id=run_id,
            tags=DAYS,
            asset_selection=[dg.AssetKey(name) for name in COSTS],
            run_config={"ops": {"usage_exports": {"config": {"refetch": refetch}}}},
            raise_on_error=False,
        )
        assert not result.success
        assert status(site, run_id) is dg.DagsterRunStatus.CANCELED
        events = result.get_asset_materialization_events()
        written = {event.asset_key.to_user_string() for event in events if event.asset_key}
        assert step not in written
        assert (site.lake.published / "current.json").read_bytes() == before
        if step == "job_runs":
            assert site.job_run_files() == files


def _canceler(instance: dg.DagsterInstance, run_id: str, step: str) -> Any:
    def listen(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.event_type_value == "STEP_START" and event.step_key == step:
            run = instance.get_run_by_id(run_id)
            assert run is not None
            instance.report_run_canceled(run)

    return listen


def test_the_lock_of_a_run_that_another_dagster_home_records_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that home knows whether the run has ended."""
    monkeypatch.setenv("DAGSTER_HOME", "/elsewhere")
    locked(site.lake, "of another home").file.close()
    monkeypatch.setenv("DAGSTER_HOME", "/here")
    locked(site.lake, "never recorded").file.close()
    assert end_dead_runs(site.instance, site.settings, site.lake, site.clock) == []
    assert locked_runs(site.lake) == ["of another home"]
