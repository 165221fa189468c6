"""Ten times the job runs, ten times the seconds, the same memory: reading and repricing over sizes of one history.

    python -m circleci_cost_tests.benchmarks growth [--jobs N,N,N]

Reading is `ingest_days` over a window of 31 days; repricing is the daily_costs step over 13 months. A row per size:
seconds, seconds a million job runs, peak memory. `--jobs 1000000,10000000,40000000` is the long form (3 GB of disk).
"""

import argparse
import tempfile
from pathlib import Path

from circleci_cost.lake.layout import open_lake
from circleci_cost_tests.benchmarks import ingest, reprice

JOBS = (50_000, 100_000, 200_000)
_PARTS = 12
_MILLION = 1_000_000


def main(argv: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="growth", description=__doc__)
    parser.add_argument("--jobs", type=_sizes, default=JOBS, help="job runs of each size, separated by commas")
    asked = parser.parse_args(argv)
    print(f"{'':10}{'job runs':>12}{'seconds':>10}{'a million':>12}{'peak MB':>10}")
    for jobs in asked.jobs:
        for name, measure in (("ingest", _ingest), ("reprice", _reprice)):
            with tempfile.TemporaryDirectory() as temporary:
                figures = measure(Path(temporary), jobs)
            counted, seconds = figures["rows"], figures["seconds"]
            each = seconds / counted * _MILLION
            print(f"{name:10}{counted:>12,.0f}{seconds:>10.1f}{each:>12.2f}{figures['peak']:>10.0f}", flush=True)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _ingest(folder: Path, jobs: int) -> dict[str, float]:
    return ingest.measure("ingest", ingest.land(folder / "landed", jobs, _PARTS))


def _reprice(folder: Path, jobs: int) -> dict[str, float]:
    reprice.write_lake(open_lake(folder), jobs // reprice.DAYS)
    figures = reprice.measured("step", folder)
    return {"rows": figures["jobs"], "seconds": figures["seconds"], "peak": figures["peak_mb"]}
