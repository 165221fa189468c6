"""Memory stays within its limit however many rows a window has (f060)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from circleci_cost.lake.spill import ROWS_IN_MEMORY
from circleci_cost_tests.benchmarks.ingest import land

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
MILLION = 1_000_000
# Rows, rows kept in memory, megabytes. All of the rows at once would take 255 MB in the short version.
ROWS, KEPT, LIMIT = (10 * MILLION, ROWS_IN_MEMORY, 2000) if LONG else (120_000, 10_000, 195)

_CHILD = """
import re, sys
from pathlib import Path
from circleci_cost.days import days_between
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake
from circleci_cost.simulator import ACME_ID
from circleci_cost_tests.benchmarks.ingest import FIRST, LAST, NOW

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

days, before = days_between(FIRST, LAST), peak()
report = ingest_days(
    Lake(Path(sys.argv[1])), "acme", [ACME_ID], days, ingested_at=NOW, rows_in_memory=int(sys.argv[2])
)
print(report.rows_read, sum(day.jobs for day in report.days), peak() - before)
"""


@pytest.mark.timeout(3600 if LONG else 600)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
def test_f060_ten_million_rows_take_no_more_memory_than_the_limit(tmp_path: Path) -> None:
    """With CIRCLECI_COST_LONG=1; else as many times the rows that are kept in memory, and a limit that is as small."""
    lake = land(tmp_path, ROWS, 12)
    command = [sys.executable, "-c", _CHILD, str(lake.root), str(KEPT)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    read, jobs, megabytes = map(float, done.stdout.split())
    assert read == jobs
    assert abs(read - ROWS) < ROWS / 50
    assert megabytes < LIMIT
