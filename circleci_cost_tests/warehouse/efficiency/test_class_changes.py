"""Changes of class from daily costs."""

from datetime import timedelta
from decimal import Decimal

import duckdb
import polars as pl

from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.efficiency.class_changes import read_changes, write_changes
from circleci_cost_tests.model.efficiency.class_days import FIRST

_ROW = """
    INSERT INTO daily_costs BY NAME
    SELECT
        DATE '2026-06-01' + CAST(day AS INTEGER) AS date, 'acme' AS cost_center, 'o' AS organization_id,
        'acme' AS organization, 'p' AS project_id, 'web' AS project, workflow, $job AS job, branch,
        CASE WHEN day < 20 THEN $before ELSE $after END AS resource_class, $executor AS executor,
        status AS build_status, 5 AS jobs, 5 AS runs, 3000 AS run_seconds,
        5 * 10 * (CASE WHEN day < 20 THEN 20 ELSE 10 END) AS credits, credits AS compute_credits,
        0 AS dlc_credits, 0 AS user_credits, 0 AS storage_credits, 0 AS network_credits, 0 AS lease_credits,
        0 AS lease_overage_credits, 0 AS ipranges_credits, 0 AS other_credits,
        CASE WHEN day < 30 THEN 0.0005 ELSE 0.0006 END AS price_per_credit
    FROM
        range(40) AS days (day), (VALUES ('build'), ('release')) AS workflows (workflow),
        (VALUES ('main'), ('feature')) AS branches (branch), (VALUES ('success'), ('failed')) AS states (status)
"""


def changes(*jobs: tuple[str, str, str, str]) -> pl.DataFrame:
    """The changes of jobs: name, executor, class of the first 20 days and of the 20 after; the last is incomplete."""
    with duckdb.connect() as connection:
        make_tables(connection)
        for job, executor, before, after in jobs:
            connection.execute(_ROW, {"job": job, "executor": executor, "before": before, "after": after})
        connection.execute(
            "INSERT INTO usage_days SELECT 'acme', date, 0, 0, 0, 'e', date, date, date < '2026-07-10', true, NULL, "
            "NULL FROM daily_costs GROUP BY date"
        )
        write_changes(connection)
        return read_changes(connection)


def test_a_job_is_judged_over_its_workflows_and_branches_by_the_runs_that_succeeded() -> None:
    (row,) = changes(("test", "docker", "large", "medium"), ("lint", "docker", "small", "small")).to_dicts()
    assert (row["project"], row["job"], row["date"]) == ("web", "test", FIRST + timedelta(days=20))
    # Two workflows on two branches, 5 runs that succeed and 5 that fail in each; the last day is not complete.
    assert (row["days_before"], row["days_after"], row["runs_before"], row["runs_after"]) == (20, 19, 800, 760)
    assert (row["minutes_before"], row["minutes_after"], row["success_rate_after"]) == (10.0, 10.0, 0.5)
    # At the price of the last day on both sides: a change of price is no effect of the class.
    assert (row["usd_per_run_before"], row["usd_per_run_after"]) == (Decimal("0.12"), Decimal("0.06"))
    assert (round(row["cost_ratio"], 2), row["verdict"]) == (0.5, "keep")


def test_self_hosted_runners_have_no_class_to_change() -> None:
    assert changes(("test", "runner", "acme/small", "acme/large")).is_empty()
