"""A lake of job runs that are hard to price, and a warehouse that DuckDB or another engine prices."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from circleci_cost.engines.definition import Engine
from circleci_cost.engines.spark_connect import SparkConnect
from circleci_cost.lake.days import JobRunsDay, write_day
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.model.usage.charge_types import CHARGE_TYPES, EXPORTED_CHARGE_TYPES
from circleci_cost.model.usage.schema import JOB_RUN_SCHEMA
from circleci_cost.warehouse.costs.daily_costs import CostSummary, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices

CENTER = "acme"
FIRST = date(2026, 10, 1)
EXPORTED = datetime(2026, 11, 1, 11, tzinfo=UTC)
# Every decimal counts.
PRICE = Decimal("0.0006123457")
HALVES = ("0.005", "-0.005", "-7.015")
# The largest number of credits that a job run can have.
LARGEST = Decimal("999999999999.999999")
# Every engine reads these: plain text, and no column that repeats the folder's name.
_SCHEMA = {
    name: pl.String() if isinstance(kind, pl.Categorical) else kind
    for name, kind in JOB_RUN_SCHEMA.items()
    if name != "cost_center"
}


def run(day: date, number: int, **values: Any) -> dict[str, Any]:
    """A job run of a compute credit and a half; the total follows from the charge types."""
    credits = {f"{name}_credits": Decimal(0) for name in CHARGE_TYPES} | {"compute_credits": Decimal("1.5")}
    row = {
        "organization_id": "organization",
        "organization_name": "Acme",
        "project_id": "project",
        "project_name": "web",
        "workflow_id": f"workflow {number}",
        "workflow_name": "build",
        "pipeline_id": f"pipeline {number}",
        "job_id": f"{day} {number}",
        "job_name": "test",
        "job_run_date": day,
        "job_run_stopped_at": datetime(2026, 10, 1, 12),  # noqa: DTZ001 - as the lake has it
        "job_run_seconds": 61,
        "parallelism": 2,
        "export_id": "export",
        "ingested_at": EXPORTED,
        **credits,
        **values,
    }
    total = sum((row[name] for name in credits), Decimal(0))
    return {name: None for name in _SCHEMA} | row | {"total_credits": values.get("total_credits", total)}


def write(lake: Lake, day: date, rows: Sequence[dict[str, Any]], without: Sequence[str] = (), width: int = 18) -> None:
    """Write a day's file; `without`: columns that are newer than it, `width`: of its decimals."""
    frame = pl.DataFrame(rows, schema=_SCHEMA).drop(without)
    frame = frame.with_columns(pl.col(pl.Decimal).cast(pl.Decimal(width, 6)))
    write_day(lake, JobRunsDay(CENTER, day, frame, {"export": EXPORTED}))


def hostile_lake(folder: Path) -> tuple[Lake, list[date]]:
    """The lake, and its days."""
    lake = open_lake(folder)
    days = [FIRST + timedelta(days=number) for number in range(6)]
    # The names of the first three are one in Unicode's forms, a code point, and a case.
    names = ("Café", "Cafe\u0301", "café", "Cafe\u0301 ", "構建 🚀", "\u202eאבג", "a'b\"c\\d\n\te;--", "", None)
    write(
        lake,
        days[0],
        [
            *(run(days[0], number, job_name=name, vcs_branch=name) for number, name in enumerate(names)),
            *(run(days[0], 20 + at, is_unregistered_user=value) for at, value in enumerate((True, False, None))),
            *(
                run(days[0], 30 + at, **{f"{name}_credits": Decimal(at + 1) / 1000})
                for at, name in enumerate(EXPORTED_CHARGE_TYPES)
            ),
            # Halves of a cent are rounded away from zero.
            *(
                run(days[0], 40 + at, compute_credits=Decimal(text))
                for at, text in enumerate(("0.005", "-0.005", "-7"))
            ),
            run(days[0], 50, job_run_stopped_at=None, job_run_seconds=None, parallelism=None),
            run(days[0], 51, job_run_seconds=2**62, resource_class="xlarge"),
            run(days[0], 52, other_credits=Decimal("-0.000001"), executor="machine"),
        ],
    )
    # Ten of the largest are the largest sum that fits; a sum may also be that of two signs.
    write(lake, days[1], [run(days[1], number, compute_credits=LARGEST) for number in range(10)])
    write(
        lake,
        days[2],
        [
            run(days[2], at, compute_credits=LARGEST, other_credits=-LARGEST, total_credits=Decimal(0))
            for at in range(9)
        ],
    )
    write(lake, days[3], [])
    write(lake, days[4], [run(days[4], 1)], without=("ipranges_credits", "lease_overage_credits", "vcs_branch"))
    write(lake, days[5], [run(days[5], 1, compute_credits=Decimal("0.000001"))], width=19)
    return lake, days


@contextmanager
def warehouse(days: Sequence[date], priced: Sequence[date]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with a rate for each of `days`; those that are not `priced` have none."""
    with duckdb.connect() as connection:
        periods = [PricePeriod(CENTER, day, day, PRICE) for day in priced]
        write_prices(connection, periods, days[0], days[-1])
        yield connection


def price(
    connection: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date], engine: SparkConnect | None = None
) -> CostSummary:
    """Compute the days' costs as the pipeline does."""
    return write_daily_costs(
        connection, lake, CENTER, days, EXPORTED, history_start=FIRST, restatement_days=4, engine=engine
    )


def server(url: str, lake: Lake, *, seconds: float = 300, patience: float = 0.3, **keys: Any) -> SparkConnect:
    """The server as the configuration names it."""
    environment = {"SPARK_TOKEN": "canary-5f1e"} if keys.pop("with_token", False) else {}
    section = Engine(name="spark-connect", url=url, **keys)
    return SparkConnect(section, str(lake.root), environment, seconds=seconds, patience=patience)


def rows(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """All costs and days, with every column, in order."""
    return [
        row
        for table in ("daily_costs", "usage_days")
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
    ]
