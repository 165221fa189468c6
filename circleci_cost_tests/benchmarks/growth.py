"""Ten times the job runs, ten times the seconds, the same memory: reading and pricing over sizes of one history.

    python -m circleci_cost_tests.benchmarks growth [--jobs N,N,N]

Reading is `ingest_days` over a window of 31 days; pricing is the daily_costs step over 13 months, and repricing the
same at another price. Rows per size: seconds, seconds a million job runs, peak memory (the one of both steps).
`--jobs 1000000,10000000,40000000` is the long form (3 GB of disk).
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
        for measure in (_ingest, _price):
            with tempfile.TemporaryDirectory() as temporary:
                counted, peak, seconds = measure(Path(temporary), jobs)
            for name, taken in seconds.items():
                each = taken / counted * _MILLION
                print(f"{name:10}{counted:>12,.0f}{taken:>10.1f}{each:>12.2f}{peak:>10.0f}", flush=True)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _ingest(folder: Path, jobs: int) -> tuple[float, float, dict[str, float]]:
    """Job runs, peak memory in MB, and the seconds of each step."""
    figures = ingest.measure("ingest", ingest.land(folder / "landed", jobs, _PARTS))
    return figures["rows"], figures["peak"], {"ingest": figures["seconds"]}


def _price(folder: Path, jobs: int) -> tuple[float, float, dict[str, float]]:
    reprice.write_lake(open_lake(folder), jobs // reprice.DAYS)
    figures = reprice.measured("step", folder)
    return figures["jobs"], figures["peak_mb"], {"price": figures["first"], "reprice": figures["seconds"]}
