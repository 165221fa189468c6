"""A process is killed with SIGKILL at the worst moments; a fresh one finishes its work."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from circleci_cost.circleci import Window
from circleci_cost.clock import SystemClock
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.lake.stores.leases import LEASE_SECONDS
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.simulator import (
    ACME_ID,
    Fault,
    FolderOrganization,
    FolderSource,
    Simulator,
    SimulatorServer,
)
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.circleci.harness import TOKEN, csv_part, gz
from circleci_cost_tests.s3_server import S3Server
from circleci_cost_tests.simulator_faults import connection_actions as broken

ROOT = Path(__file__).parents[2]


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    """A simulator on the real clock: the processes that are killed have no other."""
    folder = tmp_path / "served"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.csv.gz").write_bytes(gz(csv_part(number, rows=4000)))
    source = FolderSource(folder, [FolderOrganization(ACME_ID, "acme", "gh/acme")])
    return Simulator(source, clock=SystemClock(), gets_per_minute=1000)


@contextmanager
def fetching(lake: Lake, server: SimulatorServer, window: Window) -> Iterator["subprocess.Popen[bytes]"]:
    script = "circleci_cost_tests.circleci.fetch_process"
    command = [sys.executable, "-m", script, str(lake.root), server.base_url, ACME_ID, TOKEN]
    with subprocess.Popen([*command, str(window.first_day), str(window.last_day)], cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def kill_and_finish(
    simulator: Simulator,
    data: Path,
    route: str,
    action: Action | None,
    ready: Callable[[Lake], bool],
    *,
    killed: Callable[[], object] = lambda: None,
) -> Lake:
    """Kill a fetch once `ready`, then let a fresh process finish; return the lake."""
    lake = open_lake(data / "lake")
    yesterday: date = datetime.now(UTC).date() - timedelta(days=1)
    window = Window(yesterday, yesterday)
    if action is not None:
        simulator.faults.add(Fault(route, action, times=None))
    with SimulatorServer(simulator) as server:
        with fetching(lake, server, window) as process:
            until(lambda: process.poll() is not None or ready(lake))
            process.send_signal(signal.SIGKILL)
            assert process.wait(60) == -signal.SIGKILL
        killed()
        assert landed_exports(lake, "acme") == []
        simulator.faults.clear()
        with fetching(lake, server, window) as process:
            assert process.wait(60) == 0
    (landed,) = landed_exports(lake, "acme")
    assert [part.sha256 for part in landed.manifest.parts] == _served(simulator)
    assert {path.name for path in landed.directory.iterdir()} == {
        "manifest.json",
        *(part.name for part in landed.manifest.parts),
    }
    assert not list((lake.state / "export_jobs").glob("*/*.json"))
    assert landed.manifest.export_id == [job.id for job in simulator.jobs][-1]
    return lake


def _served(simulator: Simulator) -> list[str]:
    assert isinstance(simulator.source, FolderSource)
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in simulator.source.path.iterdir())


def _noted(lake: Lake) -> bool:
    """Whether the note names a job; a temporary file beside it is not the note yet."""
    notes = (lake.state / "export_jobs" / "acme").glob("2*.json")
    return any(json.loads(path.read_text())["usage_export_job_id"] for path in notes)


def test_f080_killed_while_the_answer_to_the_post_is_on_its_way(simulator: Simulator, tmp_path: Path) -> None:
    kill_and_finish(simulator, tmp_path, "create", broken.Hang(), lambda lake: len(simulator.log.of("create")) == 1)
    # The id of the first job is lost with the answer: one controlled second request.
    assert len(list(simulator.jobs)) == 2


def test_f080_killed_right_after_the_post_was_answered(simulator: Simulator, tmp_path: Path) -> None:
    kill_and_finish(simulator, tmp_path, "poll", broken.Hang(), _noted)
    assert len(list(simulator.jobs)) == 1


def test_f081_killed_while_polling(simulator: Simulator, tmp_path: Path) -> None:
    simulator.jobs.polls = 12
    kill_and_finish(simulator, tmp_path, "poll", None, lambda lake: len(simulator.log.of("poll")) >= 4)
    assert (len(list(simulator.jobs)), len(simulator.log.of("create"))) == (1, 1)


def test_f082_killed_in_mid_download(simulator: Simulator, tmp_path: Path) -> None:
    def half_there(lake: Lake) -> bool:
        return any(path.stat().st_size > 1000 for path in lake.root.glob("exports/acme/*/.tmp-*"))

    kill_and_finish(simulator, tmp_path, "download", broken.Drip(interval=60, size=20_000), half_there)
    assert (len(list(simulator.jobs)), len(simulator.log.of("create"))) == (1, 1)


def test_f082_killed_in_mid_download_with_the_data_directory_in_a_store(simulator: Simulator, s3: S3Server) -> None:
    def downloading(_: Lake) -> bool:
        return len(simulator.log.of("download")) > 0

    def lease_ends() -> None:
        s3.ahead = timedelta(seconds=LEASE_SECONDS + 5)

    data = StorePath(f"s3://{s3.new_bucket()}")
    kill_and_finish(simulator, data, "download", broken.Hang(), downloading, killed=lease_ends)
    assert (len(list(simulator.jobs)), len(simulator.log.of("create"))) == (1, 1)
    # The killed process had put nothing into the store but its note and what it shares with others.
    assert [str(path.relative_to(data)) for path in data.metas() if "exports" not in path.parts] == [
        "lake/format.json",
        "lake/state/quota.sqlite",
    ]
