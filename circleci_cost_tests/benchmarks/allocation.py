"""Allocating 13 months of daily costs of an organization with 100,000 jobs a day: 200 rules of a tag and one split.

    python -m circleci_cost_tests.benchmarks allocation [--rows N] [--data DIR]

The daily costs are drawn, not aggregated from job runs: 2.3 million rows, as many as that many jobs come to. The
allocation runs in a process of its own, whose peak memory is printed.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.allocation.planning import prepare
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.core.statements import one_row, sql

ROWS = 2_300_000
LAST = date(2026, 11, 21)
DAYS = 395
RULES = 200
MEMORY_LIMIT = "1500MB"
# Seats and other charge types beside compute are on some of the rows, as in CircleCI's exports.
DRAWN = """
INSERT INTO daily_costs BY NAME
WITH drawn AS (
    SELECT
        CAST($last AS DATE) - CAST(range % $days AS INTEGER) AS date,
        range % 160 AS project,
        hash(range, 1) % 6 AS workflow,
        hash(range, 2) % 12 AS job,
        CASE WHEN hash(range, 3) % 3 = 0 THEN 0 ELSE hash(range, 4) % 6000 END AS branch,
        hash(range, 5) % 9 AS resource_class,
        1 + hash(range, 6) % 60 AS jobs,
        CAST(hash(range, 7) % 100000 AS DECIMAL(38, 6)) AS compute_credits,
        CAST(CASE WHEN hash(range, 8) % 10 = 0 THEN 200 ELSE 0 END AS DECIMAL(38, 6)) AS dlc_credits,
        CAST(CASE WHEN hash(range, 9) % 40 = 0 THEN 25000 ELSE 0 END AS DECIMAL(38, 6)) AS user_credits,
        CAST(CASE WHEN hash(range, 10) % 20 = 0 THEN 13 ELSE 0 END AS DECIMAL(38, 6)) AS storage_credits,
        CAST(0.0006 AS DECIMAL(18, 10)) AS price_per_credit
    FROM range($rows)
)

SELECT
    date,
    CASE WHEN project < 120 THEN 'acme' ELSE 'globex' END AS cost_center,
    'organization-' || project // 40 AS organization_id,
    'organization ' || project // 40 AS organization,
    'id-' || project AS project_id,
    'project-' || project AS project,
    'workflow-' || workflow AS workflow,
    'job-' || project || '-' || job AS job,
    CASE WHEN branch = 0 THEN 'main' ELSE 'feature/' || branch END AS branch,
    'class-' || resource_class AS resource_class,
    'docker' AS executor,
    'linux' AS operating_system,
    'webhook' AS trigger_source,
    'success' AS build_status,
    false AS unregistered,
    jobs,
    jobs AS runs,
    jobs * 120 AS run_seconds,
    COLUMNS('^(compute|dlc|user|storage)_credits$'),
    0 AS network_credits,
    0 AS lease_credits,
    0 AS lease_overage_credits,
    0 AS ipranges_credits,
    0 AS other_credits,
    compute_credits + dlc_credits + user_credits + storage_credits AS credits,
    price_per_credit,
    CAST(compute_credits AS DECIMAL(28, 6)) * price_per_credit AS compute_cost_usd,
    CAST(dlc_credits AS DECIMAL(28, 6)) * price_per_credit AS dlc_cost_usd,
    CAST(user_credits AS DECIMAL(28, 6)) * price_per_credit AS user_cost_usd,
    CAST(storage_credits AS DECIMAL(28, 6)) * price_per_credit AS storage_cost_usd,
    0 AS network_cost_usd,
    0 AS lease_cost_usd,
    0 AS lease_overage_cost_usd,
    0 AS ipranges_cost_usd,
    0 AS other_cost_usd,
    compute_cost_usd + dlc_cost_usd + user_cost_usd + storage_cost_usd AS cost_usd
FROM drawn;
"""


def team() -> VirtualTag:
    """A tag of 200 rules of all kinds, some of them dated, and one split by minutes."""
    first = LAST - timedelta(days=DAYS)
    rules: list[dict[str, object]] = [
        {"value": "seats", "where": {"charge_type": "user"}},
        {"value": "platform", "where": {"project": ["project-1", "project-2", "project-3"]}},
    ]
    for number in range(RULES - len(rules)):
        team = f"team-{number % 25}"
        asked: list[dict[str, object]] = [
            {"project": f"project-{number}"},
            {"project": [f"project-{number}", f"project-{number + 7}"], "workflow": f"workflow-{number % 6}"},
            {"project": f"project-{number}", "branch": {"glob": f"feature/{number % 90}*"}},
            {"job": {"regex": f"-{number % 12}$"}, "project": f"project-{number}"},
            {"project": {"glob": f"project-{number % 16}?"}, "branch": {"not": "main"}},
        ]
        rules.append({"value": team, "where": asked[number % 5]})
        if number % 10 == 0:
            rules[-1]["from"] = first + timedelta(days=number)
    splits = [{"value": "platform", "method": "telemetry", "by": "minutes"}]
    return VirtualTag.model_validate({"name": "team", "rules": rules, "splits": splits})


def draw(path: Path, rows: int) -> None:
    """Write a warehouse with drawn daily costs."""
    with duckdb.connect(str(path)) as connection:
        for name in ("core/macros", "core/tables"):
            connection.execute(sql(name))
        connection.execute(DRAWN, {"last": LAST, "days": DAYS, "rows": rows})


def measure(path: Path) -> dict[str, float]:
    """Allocate twice; the second time replaces the first."""
    plan = prepare([team()], lambda file: file)
    seconds = []
    for _ in range(2):
        with duckdb.connect(str(path), config={"memory_limit": MEMORY_LIMIT}) as connection:
            started = time.perf_counter()
            result = allocate(connection, plan)
            seconds.append(time.perf_counter() - started)
    with duckdb.connect(str(path), read_only=True) as connection:
        equal = one_row(
            connection,
            "SELECT (SELECT sum(cost_usd) FROM daily_costs) = (SELECT sum(cost_usd) FROM allocated_costs)",
        )[0]
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": result.rows,
        "first": seconds[0],
        "again": seconds[1],
        "cpu": (used.ru_utime + used.ru_stime) / len(seconds),
        "peak": used.ru_maxrss / 1024,
        "equal": equal,
    }


def main(argv: list[str]) -> None:
    """Print seconds, rows and peak memory."""
    parser = argparse.ArgumentParser(prog="allocation", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="daily costs to draw")
    parser.add_argument("--data", type=Path, help="a folder to keep the drawn warehouse in, or to find it in")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        path = (asked.data or Path(temporary)) / "warehouse.duckdb"
        if not path.exists():
            draw(path, asked.rows)
        command = [sys.executable, "-m", "circleci_cost_tests.benchmarks", "allocation", "--measure", str(path)]
        figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"{asked.rows:,} daily costs, {RULES} rules, one split: {figures['rows']:,} allocated rows")
    print(f"sums equal to the last digit: {figures['equal']}")
    print(
        f"{figures['first']:.1f} s first, {figures['again']:.1f} s replacing, {figures['cpu']:.1f} s CPU each, "
        f"{figures['peak']:.0f} MB peak"
    )
