"""500 budgets over 13 months of daily costs: their series, their forecasts and backtests, their states.

    python -m circleci_cost_tests.benchmarks budgets [--budgets N] [--rows N]

The costs are synthetic: as many rows as 100,000 jobs a day leave, 60 projects, 400 branches, 40 teams, a weekly
rhythm. Scopes are a mix: projects, teams, organizations, branches by pattern, jobs by expression, charge types.
"""

import argparse
import resource
import time
from datetime import date, timedelta
from itertools import pairwise

import duckdb

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.warehouse.budgets.budget_status import write_budget_status
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.forecast.cost_forecast import write_forecasts
from circleci_cost.warehouse.forecast.series import budget_series

LAST = date(2026, 11, 20)
DAYS = 395
FIRST = LAST - timedelta(days=DAYS - 1)
LIMIT_SECONDS = 20
PERIODS = ("month", "month", "month", "quarter", "week", "year")

COSTS = """
INSERT INTO daily_costs BY NAME
WITH drawn AS (
    SELECT
        $first + CAST(number % $days AS INTEGER) AS date,
        hash(number) % 60 AS project,
        hash(number * 7) % 400 AS branch,
        hash(number * 13) % 120 AS job,
        100 + hash(number * 17) % 900 AS size
    FROM range($rows) AS numbers (number)
)

SELECT
    date,
    'center-' || (project % 3) AS cost_center,
    'o-' || (project % 5) AS organization_id,
    'organization-' || (project % 5) AS organization,
    'p-' || project AS project_id,
    'project-' || project AS project,
    'workflow-' || (job % 8) AS workflow,
    'job-' || job AS job,
    'branch-' || branch AS branch,
    'large' AS resource_class,
    10 AS jobs,
    10 AS runs,
    6000 AS run_seconds,
    CAST(size * CASE WHEN isodow(date) > 5 THEN 0.2 ELSE 1 END AS DECIMAL(18, 6)) AS compute_credits,
    0 AS dlc_credits,
    CAST(CASE WHEN day(date) = 1 AND job = 0 THEN 1000 ELSE 0 END AS DECIMAL(18, 6)) AS user_credits,
    0 AS storage_credits,
    0 AS network_credits,
    0 AS lease_credits,
    0 AS lease_overage_credits,
    0 AS ipranges_credits,
    0 AS other_credits,
    compute_credits + user_credits AS credits,
    0.0006 AS price_per_credit,
    compute_credits * CAST(0.0006 AS DECIMAL(18, 10)) AS compute_cost_usd,
    user_credits * CAST(0.0006 AS DECIMAL(18, 10)) AS user_cost_usd,
    credits * CAST(0.0006 AS DECIMAL(18, 10)) AS cost_usd
FROM drawn;
"""

ALLOCATED = """
INSERT INTO allocated_costs BY NAME
SELECT
    date, cost_center, organization_id, organization, project_id, project, workflow, job, branch, resource_class,
    'compute' AS charge_type,
    'team' AS tag,
    'team-' || (hash(project) % 40) AS value,
    'projects' AS rule,
    value AS source_value,
    1 AS share,
    1 AS share_until,
    row_number() OVER () AS source_row,
    jobs, runs, run_seconds,
    credits,
    price_per_credit,
    cost_usd
FROM daily_costs;
"""

USAGE_DAYS = """
INSERT INTO usage_days BY NAME
SELECT
    cost_center,
    date,
    sum(jobs) AS jobs,
    sum(runs) AS runs,
    sum(credits) AS credits,
    'benchmark' AS export_id,
    CAST(date + 2 AS TIMESTAMP) AS exported_at,
    CAST(date + 2 AS TIMESTAMP) AS costed_at,
    true AS complete
FROM daily_costs
GROUP BY cost_center, date;
"""


def scope(number: int) -> dict[str, object]:
    """The scope of a budget: a mix of what people configure."""
    project = f"project-{number % 60}"
    scopes: list[dict[str, object]] = [
        {"project": project},
        {"team": f"team-{number % 40}"},
        {"team": f"team-{number % 40}", "project": {"not": project}},
        {"organization": f"organization-{number % 5}", "workflow": f"workflow-{number % 8}"},
        {"project": [project, f"project-{(number + 7) % 60}"], "branch": {"glob": f"branch-{number % 10}*"}},
        {"cost_center": f"center-{number % 3}", "job": {"regex": f"^job-{number % 12}[0-9]$"}},
        {"project": project, "charge_type": "compute"},
        {"branch": {"not": {"glob": "branch-1*"}}, "project": project},
    ]
    return scopes[number % 8]


def budgets(count: int) -> list[Budget]:
    """That many budgets of all periods, in USD and credits, with and without seats."""
    return [
        Budget.model_validate(
            {
                "name": f"budget {number}",
                "where": scope(number),
                "period": PERIODS[number % len(PERIODS)],
                "unit": "credits" if number % 5 == 0 else "USD",
                "seats": number % 4 != 0,
                "amount": 1000 + number,
            }
        )
        for number in range(count)
    ]


def main(argv: list[str]) -> None:
    """Print seconds, row counts and peak memory."""
    parser = argparse.ArgumentParser(prog="budgets", description=__doc__)
    parser.add_argument("--budgets", type=int, default=500)
    parser.add_argument("--rows", type=int, default=2_300_000, help="rows of daily_costs")
    asked = parser.parse_args(argv)
    budget_list = budgets(asked.budgets)
    with duckdb.connect(config={"memory_limit": "3GB"}) as connection:
        with transaction(connection):
            connection.execute(COSTS, {"first": FIRST, "days": DAYS, "rows": asked.rows})
            connection.execute(ALLOCATED)
            connection.execute(USAGE_DAYS)
        times = [time.perf_counter()]
        series = budget_series(connection, budget_list)
        times.append(time.perf_counter())
        forecasts = write_forecasts(connection, budget_list, ForecastSettings(Calendar(country="US")))
        times.append(time.perf_counter())
        summary = write_budget_status(connection, budget_list)
        times.append(time.perf_counter())
    alone, forecasting, judging = (later - earlier for earlier, later in pairwise(times))
    print(f"{asked.rows:,} daily costs on {DAYS} days, {len(budget_list)} budgets, {series.height:,} days of budgets")
    print(f"{'':44}{'seconds':>10}")
    print(f"{'daily series of all budgets, alone':44}{alone:>10.1f}")
    print(f"{f'cost_forecast, {forecasts.series} series':44}{forecasting:>10.1f}")
    print(f"{f'budget_status, {summary.rows:,} periods':44}{judging:>10.1f}")
    print(f"{f'both, limit {LIMIT_SECONDS}':44}{forecasting + judging:>10.1f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
