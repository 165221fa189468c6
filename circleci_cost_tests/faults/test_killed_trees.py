"""The whole tree of a `sync` is killed at random moments; one more `sync` finishes, and no run is left behind.

The moments are drawn evenly over the time that an undisturbed `sync` takes. With CIRCLECI_COST_LONG=1 they are forty.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.lake.layout import Lake
from circleci_cost.simulator import Simulator, SimulatorServer
from circleci_cost_tests.faults.process_tree import kill_tree
from circleci_cost_tests.pipeline.harness import (
    TOKEN,
    TOKEN_VARIABLE,
    assert_equal_contents,
    contents,
    hooli,
    initech,
    toml,
)
from circleci_cost_tests.pipeline.scenarios import scenario

pytestmark = pytest.mark.timeout(900)

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
MOMENTS = 40 if LONG else 1
CENTERS = initech() | hooli()
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass
class Undisturbed:
    """A folder with a configuration, and what a `sync` that nobody kills makes of it in how many seconds."""

    folder: Path
    tables: dict[str, pl.DataFrame]
    seconds: float

    def fresh(self, folder: Path) -> Path:
        """Another folder with the same configuration and no data."""
        folder.mkdir()
        shutil.copy(self.folder / "circleci_cost.toml", folder)
        return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder = tmp_path_factory.mktemp("undisturbed")
    # Its clock stands still: what an export says of the last days depends on the hour.
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    simulator = Simulator(scenario(), clock=ManualClock(noon), posts_per_hour=100_000, gets_per_minute=100_000)
    with SimulatorServer(simulator) as server:
        history_start = noon.date() - timedelta(days=5)
        (folder / "circleci_cost.toml").write_text(toml(server.base_url, CENTERS, history_start))
        begun = time.monotonic()
        ended = started(folder)
        assert ended.wait(300) == 0, (folder / "log").read_text()
        yield Undisturbed(folder, contents(Lake(folder / "data"), CENTERS), time.monotonic() - begun)


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """A `sync` in a session of its own; what it writes is in the folder's `log`."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "circleci_cost.cli", "sync"],
            cwd=folder,
            env=os.environ | {TOKEN_VARIABLE: TOKEN},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def statuses(folder: Path) -> list[str]:
    """How the folder's runs stand, the oldest first."""
    with sqlite3.connect(folder / ".dagster_home" / "history" / "runs.db") as runs:
        return [status for (status,) in runs.execute("SELECT status FROM runs ORDER BY id")]


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_killed_with_its_tree_and_finished_by_one_more_sync(
    undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    folder = undisturbed.fresh(tmp_path / "site")
    moment = random.Random(seed).uniform(0.0, undisturbed.seconds)
    process = started(folder)
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    kill_tree(process)
    assert started(folder).wait(300) == 0, (folder / "log").read_text()
    assert_equal_contents(contents(Lake(folder / "data"), CENTERS), undisturbed.tables)
    assert set(statuses(folder)) <= ENDED
    assert list(Lake(folder / "data").run_locks.iterdir()) == []


def test_f088_a_sync_after_the_host_died_ends_its_runs_and_says_so_once(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    folder = undisturbed.fresh(tmp_path / "site")
    if not LONG:
        # Each cost center is a run in a process of its own, and a dead one is told as any other.
        configuration = folder / "circleci_cost.toml"
        configuration.write_text(configuration.read_text().partition('[[cost_centers]]\nname = "hooli"')[0])
    process = started(folder)
    until = time.monotonic() + 200
    # The lock is there before the run is recorded.
    while not (list(Lake(folder / "data").run_locks.glob("*")) and "STARTED" in statuses(folder)):
        assert time.monotonic() < until
        time.sleep(0.05)
    kill_tree(process)
    begun = statuses(folder)
    assert begun and not ENDED & set(begun)
    log = folder / "log"
    log.unlink()
    assert started(folder).wait(300) == 0, log.read_text()
    assert statuses(folder)[: len(begun)] == ["FAILURE"] * len(begun)
    remarks = [line for line in log.read_text().splitlines() if "was dead and is recorded as failure" in line]
    assert len(remarks) == len(begun)
    assert all("(refresh of " in line and "what it had finished is kept" in line for line in remarks)
    log.unlink()
    assert started(folder).wait(300) == 0
    assert "was dead" not in log.read_text()
