"""The whole tree of a `sync` is killed; one more `sync` finishes, and no run is left behind.

It is killed while its first run is at work. With CIRCLECI_COST_LONG=1 it is killed at forty more moments, drawn evenly
over the time that an undisturbed `sync` takes, and two cost centers are synced instead of one.
"""

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.circleci.delivery import newest_day
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
    published_table,
    toml,
)
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import scenario

pytestmark = pytest.mark.timeout(900)

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
MOMENTS = 40
CENTERS = initech() | hooli() if LONG else initech()
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass
class Sync:
    """A simulator, and the time at which its clock stands: what an export says of young days depends on the hour."""

    base_url: str
    noon: datetime

    @property
    def first(self) -> date:
        """The first day of the history: a `sync` fetches four."""
        return self.noon.date() - timedelta(days=4)

    def fresh(self, folder: Path) -> Path:
        """A folder with a configuration and no data."""
        folder.mkdir()
        (folder / "circleci_cost.toml").write_text(toml(self.base_url, CENTERS, self.first))
        return folder


@pytest.fixture(scope="module")
def sync() -> Iterator[Sync]:
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    simulator = Simulator(scenario(), clock=ManualClock(noon), posts_per_hour=100_000, gets_per_minute=100_000)
    with SimulatorServer(simulator) as server:
        yield Sync(server.base_url, noon)


@pytest.fixture(scope="module")
def undisturbed(sync: Sync, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pl.DataFrame], float]:
    """What a `sync` that nobody kills comes to, and in how many seconds."""
    folder = sync.fresh(tmp_path_factory.mktemp("undisturbed") / "site")
    begun = time.monotonic()
    assert started(folder).wait(300) == 0, (folder / "log").read_text()
    return contents(Lake(folder / "data"), CENTERS), time.monotonic() - begun


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


@pytest.mark.skipif(not LONG, reason="two syncs for each moment; CIRCLECI_COST_LONG=1")
@pytest.mark.parametrize("seed", range(MOMENTS))
def test_killed_with_its_tree_and_finished_by_one_more_sync(
    sync: Sync, undisturbed: tuple[dict[str, pl.DataFrame], float], tmp_path: Path, seed: int
) -> None:
    tables, seconds = undisturbed
    folder = sync.fresh(tmp_path / "site")
    moment = random.Random(seed).uniform(0.0, seconds)
    process = started(folder)
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    kill_tree(process)
    assert started(folder).wait(300) == 0, (folder / "log").read_text()
    assert_equal_contents(contents(Lake(folder / "data"), CENTERS), tables)
    assert set(statuses(folder)) <= ENDED
    assert list(Lake(folder / "data").run_locks.iterdir()) == []


def test_f088_a_sync_after_the_host_died_ends_its_runs_and_says_so_once(sync: Sync, tmp_path: Path) -> None:
    folder = sync.fresh(tmp_path / "site")
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
    table = published_table(Lake(folder / "data"), "daily_costs")
    # The command has the machine's clock: before CircleCI may have the newest day, it does not ask for it.
    last = newest_day(datetime.now(UTC))
    assert found_costs(table.to_dicts()) == expected_costs(scenario(), CENTERS, sync.first, last, sync.noon)
    assert list(Lake(folder / "data").run_locks.iterdir()) == []
    if LONG:
        log.unlink()
        assert started(folder).wait(300) == 0
        assert "was dead" not in log.read_text()
