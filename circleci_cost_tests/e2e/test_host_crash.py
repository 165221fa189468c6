"""The host dies with a deployment's four runs in progress and others queued; after a restart the queue goes on."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from circleci_cost.clock import SystemClock
from circleci_cost.defs.partitions import range_tags
from circleci_cost.simulator import Fault, Simulator, SimulatorServer
from circleci_cost_tests.e2e.deployment import deployed
from circleci_cost_tests.faults.process_tree import kill_tree
from circleci_cost_tests.pipeline.harness import initech, toml
from circleci_cost_tests.pipeline.scenarios import PAYING, scenario
from circleci_cost_tests.simulator_faults import connection_actions as broken

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        os.environ.get("CIRCLECI_COST_LONG") != "1", reason="it takes two starts of dagster dev; CIRCLECI_COST_LONG=1"
    ),
]

TODAY = datetime.now(UTC).date()


def test_f088_after_the_host_died_the_queue_goes_on_within_a_minute(tmp_path: Path) -> None:
    simulator = Simulator(scenario(), clock=SystemClock(), parts=1, posts_per_hour=1000, gets_per_minute=1000)
    with SimulatorServer(simulator) as server:
        configuration = tmp_path / "circleci_cost.toml"
        configuration.write_text(toml(server.base_url, initech(), TODAY - timedelta(days=40)))
        simulator.faults.add(Fault("poll", broken.Hang(), None, path_contains=PAYING))
        days = [TODAY - timedelta(days=n) for n in range(10, 15)]
        with deployed(tmp_path, configuration) as deployment:
            runs = [deployment.launch("refresh", range_tags("initech", day, day)) for day in days]
            deployment.until(lambda: [deployment.status(run) for run in runs].count("STARTED") == 4, 240)
            deployment.until(lambda: len(list(deployment.lake.run_locks.iterdir())) == 4)
            kill_tree(deployment.process)
        simulator.faults.clear()
        with deployed(tmp_path, configuration) as deployment:
            begun = time.monotonic()
            statuses = [deployment.status(run) for run in runs]
            assert sorted(statuses).count("STARTED") + statuses.count("FAILURE") == 4

            def ended() -> list[str] | None:
                statuses = [deployment.status(run) for run in runs]
                return statuses if statuses.count("FAILURE") == 4 and statuses.count("SUCCESS") == 1 else None

            deployment.until(ended, 240)
            print(f"the queue went on after {time.monotonic() - begun:.0f} s")
            for run, status in zip(runs, [deployment.status(run) for run in runs], strict=True):
                said = [message for message in deployment.messages(run) if "The process of this run died" in message]
                assert len(said) == (1 if status == "FAILURE" else 0)

            # The retries of the daemon: each dead run's days are there in the end.
            deployment.until(lambda: set(days) <= set(deployment.lake.job_runs_days("initech")), 240)
