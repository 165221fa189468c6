"""Repricing many cost centers with one worker process, then with two: the runs of `circleci-cost reprice`.

    python -m circleci_cost_tests.benchmarks cost_centers [--cost-centers N] [--days N] [--jobs-per-day N] [--pairs N]

Every cost center has copies of the same job runs. The runs are given to the worker pool of the command line in one lane
or in two, so that one worker makes them or two; each time at another price, so that every day is repriced. Starting the
workers counts, allocating and publishing, which one run makes for all, does not. One and two take turns, the first of a
pair being the second of the next. A busy machine gives two processes more of its processors than one: read the clock
beside the processor seconds and the load.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from circleci_cost.cli.instance import prepare_dagster_home
from circleci_cost.cli.planned_runs import PlannedRun
from circleci_cost.cli.watching import watch_runs
from circleci_cost.cli.worker_pool import WorkerPool
from circleci_cost.config.settings import load_settings
from circleci_cost.lake.layout import open_lake
from circleci_cost_tests.benchmarks.commands import environment_as_installed
from circleci_cost_tests.benchmarks.reprice import COST_CENTER, LAST, write_lake

_CONFIGURATION = "circleci_cost.toml"
_PRICES = ("0.0006", "0.00055")


def main(argv: list[str]) -> None:
    """Print a line for each pair, and the medians."""
    parser = argparse.ArgumentParser(prog="cost_centers", description=__doc__)
    parser.add_argument("--cost-centers", type=int, default=20)
    parser.add_argument("--days", type=int, default=395)
    parser.add_argument("--jobs-per-day", type=int, default=500, help="of each cost center")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("FOLDER", "WORKERS", "FIRST"), help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.child:
        folder, workers, first = asked.child
        print(json.dumps(_reprice(Path(folder), int(workers), date.fromisoformat(first))))
        return
    names = [f"center-{number:02}" for number in range(asked.cost_centers)]
    first = LAST - timedelta(days=asked.days - 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_job_runs(folder, names, asked.jobs_per_day, asked.days)
        runs = 0

        def measured(workers: int) -> dict[str, float]:
            nonlocal runs
            _configure(folder, names, first, _PRICES[runs % len(_PRICES)])
            runs += 1
            return _measured(folder, workers, first)

        measured(1)  # makes the tables and Dagster's record of runs
        each = f"{asked.days} days × {asked.jobs_per_day} job runs"
        print(f"{len(names)} cost centers × {each}, {os.cpu_count()} processors")
        print(f"{'':8}{'one worker, s':>16}{'two, s':>10}{'ratio':>8}{'processor s, one':>20}{'two':>8}{'load':>8}")
        pairs = []
        for number in range(asked.pairs):
            order = (1, 2) if number % 2 == 0 else (2, 1)
            by_workers = {workers: measured(workers) for workers in order}
            pairs.append((by_workers[1], by_workers[2]))
            _print(f"{number + 1}", pairs[-1:])
        _print("median", pairs)


def _print(label: str, pairs: Sequence[tuple[dict[str, float], dict[str, float]]]) -> None:
    def median(side: int, key: str) -> float:
        return statistics.median(pair[side][key] for pair in pairs)

    ratio = statistics.median(two["clock"] / one["clock"] for one, two in pairs)
    print(
        f"{label:8}{median(0, 'clock'):>16.1f}{median(1, 'clock'):>10.1f}{ratio:>8.2f}"
        f"{median(0, 'processor'):>20.1f}{median(1, 'processor'):>8.1f}{os.getloadavg()[0]:>8.1f}",
        flush=True,
    )


def _write_job_runs(folder: Path, names: Sequence[str], jobs_per_day: int, days: int) -> None:
    made, lake = open_lake(folder / "made"), open_lake(folder / "data")
    write_lake(made, jobs_per_day, days)
    for name in names:
        # The cost center is in the path alone.
        shutil.copytree(made.job_runs(COST_CENTER), lake.job_runs(name))
    shutil.rmtree(made.root)


def _configure(folder: Path, names: Sequence[str], first: date, price: str) -> None:
    lines = [f'data_dir = "data"\nhistory_start = {first}']
    lines += [
        f'[[cost_centers]]\nname = "{name}"\norganization_id = "00000000-0000-4000-8000-{number:012}"\n'
        f"[[cost_centers.pricing]]\nprice_per_credit = {price}\neffective_from = 2020-01-01"
        for number, name in enumerate(names)
    ]
    (folder / _CONFIGURATION).write_text("\n".join(lines) + "\n")


def _measured(folder: Path, workers: int, first: date) -> dict[str, float]:
    command = [sys.executable, "-m", "circleci_cost_tests.benchmarks", "cost_centers", "--child"]
    arguments = [str(folder), str(workers), f"{first}"]
    environment = environment_as_installed()
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _reprice(folder: Path, workers: int, first: date) -> dict[str, float]:
    """Price all cost centers; seconds of the clock, and of the processors that the workers used."""
    settings = load_settings(folder / _CONFIGURATION)
    prepare_dagster_home(settings)
    runs = [PlannedRun("reprice", center.name, first, LAST) for center in settings.cost_centers]
    lanes = {f"{number}": runs[number::workers] for number in range(workers)}
    begun = time.perf_counter()
    pool = WorkerPool(settings, disposable=False)
    with watch_runs("Pricing", lanes) as watch:
        pool.run(lanes, watch, standing_checks=False)
    clock = time.perf_counter() - begun
    pool.close()
    if pool.failed:
        sys.exit(pool.failed[0][1])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"clock": clock, "processor": used.ru_utime + used.ru_stime}
