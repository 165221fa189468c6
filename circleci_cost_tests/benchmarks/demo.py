"""How long the built-in demo takes from its command to its summary, on a machine where it is installed.

python -m circleci_cost_tests.benchmarks demo
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from circleci_cost.lake.layout import open_lake
from circleci_cost.warehouse.publishing.generations import current_generation


def main(argv: list[str]) -> None:
    """Run the demo in a fresh folder and print its seconds, job runs and days."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER_", "CIRCLECI"))
        }
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "circleci_cost.cli", "demo", *argv],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - started
        generation = current_generation(open_lake(Path(folder) / "demo-data"))
        with generation.connect() as connection:
            ((jobs, runs, days),) = connection.execute(
                "SELECT sum(jobs), sum(runs), count(DISTINCT date) FROM usage_days"
            ).fetchall()
    print(
        f"demo: {seconds:.1f} s, {jobs:,} jobs ({runs:,} runs) over {days} days, ${generation.manifest.cost_usd:,.2f}"
    )
