"""Reading a window of 31 days: gz parts to sorted job runs, against DuckDB's plain conversion of the same files.

    python -m circleci_cost_tests.benchmarks ingest [--rows N] [--pairs N]

DuckDB reads the parts with given types into one Parquet file (zstd), unsorted and without checking any CRC;
`ingest_days` checks CRCs and every value, finds duplicates and writes one sorted file a day. Both run in turn in
processes of their own, started with the libraries loaded; peak memory is the process's.
"""

import argparse
import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from circleci_cost.days import days_between
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import Manifest, Part, write_manifest
from circleci_cost.model.usage.schema import EXPORT_COLUMNS, Kind
from circleci_cost.simulator import ACME_ID, demo_scenario, write_export_files

ROWS = 600_000
PAIRS = 5
PARTS = 12
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_DUCKDB_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.REPEATED_ID: "UUID",
    Kind.ID: "UUID",
    Kind.INTEGER: "BIGINT",
    Kind.PERCENT: "DOUBLE",
    Kind.CREDITS: "DECIMAL(18,6)",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
}


def main(argv: list[str]) -> None:
    """Run with `--rows N --pairs N`, or as the child that measures one side."""
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.child:
        _child(asked.child[0], Path(asked.child[1]))
    else:
        run(asked.rows, asked.pairs)


def run(rows: int, pairs_in_turn: int = PAIRS) -> None:
    """Print speed and ratio over pairs of runs, then the peak memory with few and many parts."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lake = land(folder / str(PARTS), rows, PARTS)
        pairs = [(measure("duckdb", lake), measure("ingest", lake)) for _ in range(pairs_in_turn)]
        print(f"{pairs[0][1]['rows']:,.0f} rows in {PARTS} parts, {pairs_in_turn} pairs in turn; medians")
        for name, side in (("duckdb", 0), ("ingest", 1)):
            seconds, cpu, peak, count = (
                statistics.median(pair[side][key] for pair in pairs) for key in ("seconds", "cpu", "peak", "rows")
            )
            print(f"  {name:8}{count / seconds:>10,.0f} rows/s{seconds:>8.2f} s{cpu:>8.2f} s CPU{peak:>8.0f} MB peak")
        for key in ("seconds", "cpu"):
            ratios = sorted(ours[key] / theirs[key] for theirs, ours in pairs)
            print(f"  ratio of {key}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        print("parts, MB peak of ingest")
        for parts in (4, 12, 40):
            print(f"  {parts:5}{measure('ingest', land(folder / str(parts), rows, parts))['peak']:>8.0f}")


def land(folder: Path, rows: int, parts: int) -> Lake:
    """Land an export of about as many rows, once."""
    lake = open_lake(folder)
    if not lake.export("acme", FIRST, LAST).exists():
        land_export(lake, FIRST, LAST, NOW, jobs_per_day=rows / 31, parts=parts)
    return lake


def land_export(lake: Lake, first: date, last: date, at: datetime, *, jobs_per_day: float, parts: int) -> None:
    """Land an export of these days of the demo's acme, made at `at`, of a steady number of job runs a day."""
    directory = lake.export("acme", first, last)
    scenario = demo_scenario(NOW.date())
    (acme,) = (organization for organization in scenario.organizations if organization.id == ACME_ID)
    busy = dataclasses.replace(acme, jobs_per_day=jobs_per_day, growth=0.0)
    scenario = dataclasses.replace(scenario, organizations=(busy,), events=())
    files = write_export_files(directory, scenario, [ACME_ID], first, last, parts=parts, as_of=NOW)
    write_manifest(
        directory,
        Manifest(
            cost_center="acme",
            source="usage_export_job",
            complete=True,
            export_id=f"benchmark-{first}",
            organization_id=ACME_ID,
            shared_organization_ids=(),
            first_day=first,
            last_day=last,
            requested_at=at,
            exported_at=at,
            url_count=len(files),
            parts=tuple(Part(name=file.name, bytes=1, sha256="", uncompressed_bytes=1, lines=1) for file in files),
        ),
    )


def measure(side: str, lake: Lake) -> dict[str, float]:
    """Read a landed export in a process of its own: rows, seconds, CPU seconds, peak megabytes."""
    command = [sys.executable, "-m", "circleci_cost_tests.benchmarks", "ingest", "--child", side, str(lake.root)]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return answer


def _child(side: str, root: Path) -> None:
    work: dict[str, Callable[[Lake], int]] = {"duckdb": _duckdb, "ingest": _ingest}
    with tempfile.TemporaryDirectory(dir=root.parent) as output:
        lake = open_lake(Path(output) / "data")
        lake.exports("acme").parent.mkdir()
        lake.exports("acme").symlink_to(open_lake(root).exports("acme"))
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        rows = work[side](lake)
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answer = {"rows": rows, "seconds": seconds, "cpu": cpu, "peak": after.ru_maxrss / 1024}
    print(json.dumps(answer))


def _ingest(lake: Lake) -> int:
    report = ingest_days(lake, "acme", [ACME_ID], days_between(FIRST, LAST), ingested_at=NOW)
    return sum(day.jobs for day in report.days)


def _duckdb(lake: Lake) -> int:
    parts = [str(path) for path in sorted(lake.export("acme", FIRST, LAST).glob("part-*.csv.gz"))]
    columns = {column.source: _DUCKDB_TYPES[column.kind] for column in EXPORT_COLUMNS}
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        copied = connection.execute(
            "COPY (SELECT * FROM read_csv($parts, columns = $columns, header = true, delim = ',', quote = '', "
            r"escape = '', nullstr = ['\\N', '\N'], auto_detect = false)) TO "
            f"'{lake.root / 'all.parquet'}' (FORMAT parquet, COMPRESSION zstd)",
            {"parts": parts, "columns": columns},
        ).fetchone()
    assert copied is not None
    return int(copied[0])
