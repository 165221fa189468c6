"""How long `circleci-cost --help` takes, as a whole process.

python -m circleci_cost_tests.benchmarks startup
"""

import statistics
import subprocess
import sys
import time

RUNS = 7


def main(argv: list[str]) -> None:
    """Print the median and the spread over some runs after one to warm up."""
    command = [sys.executable, "-m", "circleci_cost.cli", *(argv or ["--help"])]
    seconds = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    counted = sorted(seconds[1:])
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    bare = time.perf_counter() - bare
    print(f"circleci-cost {' '.join(argv or ['--help'])}: median {statistics.median(counted) * 1000:.0f} ms", end="")
    print(f" ({counted[0] * 1000:.0f}–{counted[-1] * 1000:.0f} ms; bare Python {bare * 1000:.0f} ms)")
