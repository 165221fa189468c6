"""Any job runs and prices: daily costs and their charge types are as exact decimals have them."""

from collections import defaultdict
from datetime import date
from decimal import Context, Decimal
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.model.usage.schema import JOB_RUN_SCHEMA
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost_tests.warehouse.allocation.oracle import CHARGE_TYPES

EXACT = Context(prec=60)
DAY = date(2026, 1, 1)
# What the total holds beyond the exported charge types.
OTHER = Decimal("0.5")
CREDITS = st.decimals("-999999", "999999999", places=6) | st.sampled_from([None, Decimal(0), Decimal("0.000001")])
RUNS = st.lists(
    st.fixed_dictionaries(
        {"job": st.sampled_from(["build", "test", None]), **{name: CREDITS for name in CHARGE_TYPES if name != "other"}}
    ),
    min_size=1,
    max_size=8,
)
PRICE = st.decimals("0.0000000001", "99999", places=10) | st.none()


def expected(runs: list[dict[str, Decimal]], price: Decimal | None) -> set[tuple[object, ...]]:
    """Job, charge type, credits and cost of all charge types with credits."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for run in runs:
        for name in CHARGE_TYPES:
            key = (str(run["job"] or "(none)"), name)
            sums[key] = EXACT.add(sums[key], run.get(name, OTHER) or Decimal(0))
    return {
        (job, name, credits, None if price is None else EXACT.multiply(credits, price))
        for (job, name), credits in sums.items()
        if credits
    }


def job_runs(runs: list[dict[str, Decimal]]) -> pl.DataFrame:
    charges = [{name: run.get(name, OTHER) for name in CHARGE_TYPES} for run in runs]
    rows = [
        {
            "cost_center": "acme",
            "organization_id": "id",
            "project_id": "id",
            "job_name": run["job"],
            "total_credits": sum((credits or Decimal(0) for credits in own.values()), Decimal(0)),
            **{f"{name}_credits": credits for name, credits in own.items()},
        }
        for run, own in zip(runs, charges, strict=True)
    ]
    return pl.DataFrame(rows, schema=JOB_RUN_SCHEMA).with_columns(job_run_date=pl.lit(DAY))


def test_credits_and_costs_of_every_charge_type_are_exact() -> None:
    with duckdb.connect() as connection:
        with transaction(connection):
            for dimension in ("organization", "project"):
                connection.execute("INSERT INTO dimension_names VALUES (?, 'id', 'name', now())", [dimension])

        @settings(max_examples=25, deadline=None)
        @given(runs=RUNS, price=PRICE)
        def assert_exact(runs: list[dict[str, Decimal]], price: Decimal | None) -> None:
            with TemporaryDirectory() as folder:
                job_runs(runs).write_parquet(f"{folder}/runs.parquet")
                connection.execute("DELETE FROM daily_costs")
                connection.execute("DELETE FROM daily_rates")
                if price is not None:
                    connection.execute("INSERT INTO daily_rates VALUES ('acme', ?, ?)", [DAY, price])
                connection.execute(
                    sql("costs/daily_costs"), {"files": [f"{folder}/runs.parquet"], "cost_center": "acme"}
                )
            make_view(connection, rows_for(["charge_type"]))
            charges = connection.execute("SELECT job, charge_type, credits, cost_usd FROM series_charges").fetchall()
            assert len(charges) == len(set(charges))
            assert set(charges) == expected(runs, price)
            (whole,) = connection.execute("SELECT sum(credits), sum(cost_usd) FROM daily_costs").fetchall()
            credits = sum((row[2] for row in charges), Decimal(0))
            assert whole == (credits, None if price is None else EXACT.multiply(credits, price))

        assert_exact()
