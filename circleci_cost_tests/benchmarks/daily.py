"""The step time of a daily run for one cost center and one day, on the demo's data; downloads excluded.

    python -m circleci_cost_tests.benchmarks daily [--data DIR]

DIR is a folder in which `circleci-cost demo` has run; without it the demo is run first.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from circleci_cost.config.settings import demo_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.partitions import range_tags

RUNS = 3


def main(argv: list[str]) -> None:
    """Print the seconds of each step, and their sum without the download."""
    parser = argparse.ArgumentParser(prog="daily", description=__doc__)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.data or Path(temporary)).resolve()
        if not (folder / "demo-data").exists():
            command = [sys.executable, "-m", "circleci_cost.cli", "demo"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        os.chdir(folder)
        os.environ["DAGSTER_HOME"] = str(folder / ".dagster_home")
        for _ in range(RUNS):
            seconds = _run_once(folder)
            worked = sum(seconds.values()) - seconds["usage_exports"]
            print(f"{worked:.2f} s without usage_exports  ", end="")
            print("  ".join(f"{step} {taken:.2f}" for step, taken in seconds.items()))


def _run_once(folder: Path) -> dict[str, float]:
    definitions = build_definitions(demo_settings(folder / "demo-data"))
    day = datetime.now(UTC).date() - timedelta(days=1)
    with dg.DagsterInstance.get() as instance:
        result = definitions.resolve_job_def("refresh").execute_in_process(
            instance=instance,
            tags=range_tags("acme", day, day),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    events = [event for event in result.all_events if event.event_type_value == "STEP_SUCCESS"]
    return {str(event.step_key): event.step_success_data.duration_ms / 1000 for event in events}
