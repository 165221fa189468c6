"""From CircleCI's API to job runs in a store, killed in the middle: the same as on a disk in the end."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from circleci_cost.clock import SystemClock
from circleci_cost.lake.days import read_day
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.lake.stores.leases import LEASE_SECONDS
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.simulator import Simulator, SimulatorServer
from circleci_cost_tests.lake.stores.sync_process import CENTER, sync
from circleci_cost_tests.pipeline.scenarios import scenario
from circleci_cost_tests.s3_server import AWAY, S3Server

# What CircleCI draws anew for each export, and times of processing.
_DRAWN = ("export_id", "ingested_at")


def _rows(lake: Lake) -> pl.DataFrame:
    days = (read_day(lake, CENTER, day) for day in lake.job_runs_days(CENTER))
    frames = [day.rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).drop(_DRAWN) for day in days if day]
    return pl.concat(frames)


def test_f085_a_sync_killed_between_two_days_is_completed_by_the_next_one_as_on_a_disk(
    s3: S3Server, tmp_path: Path
) -> None:
    last = datetime.now(UTC).date() - timedelta(days=2)
    first = last - timedelta(days=2)
    remote, local = Lake(StorePath(f"s3://{s3.new_bucket()}/lake")), Lake(tmp_path / "data")
    simulator = Simulator(scenario(12.0), clock=SystemClock(), gets_per_minute=1000)
    with SimulatorServer(simulator) as server:
        sync(str(local.root), server.base_url, first, last)
        command = [sys.executable, "-m", "circleci_cost_tests.lake.stores.sync_process", str(remote.root)]
        with subprocess.Popen([*command, server.base_url, str(first), str(last)]) as process:
            written: list[str] = []

            def kill_at_the_second_day(method: str, path: str) -> tuple[str, bytes] | None:
                if method == "PUT" and path.endswith("data.parquet"):
                    written.append(path)
                    if len(written) == 2:
                        os.kill(process.pid, signal.SIGKILL)
                        return AWAY
                return None

            s3.before = kill_at_the_second_day
            assert process.wait(120) == -signal.SIGKILL
        # Several days are written at once: the first of them may be the only one, or none of them there.
        assert len(remote.job_runs_days(CENTER)) < 3
        s3.before, s3.ahead = None, timedelta(seconds=LEASE_SECONDS + 5)
        sync(str(remote.root), server.base_url, first, last)
    assert _rows(remote).height > 0
    assert _rows(remote).equals(_rows(local))
    (landed,), (expected,) = landed_exports(remote, CENTER), landed_exports(local, CENTER)
    assert [part.sha256 for part in landed.manifest.parts] == [part.sha256 for part in expected.manifest.parts]
    # One job for each directory: the second run fetched nothing again.
    assert len(list(simulator.jobs)) == 2
