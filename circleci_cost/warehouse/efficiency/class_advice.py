"""Writes `class_advice` from the job runs of the last days, and reads it.

What is advised is decided in `model.efficiency.advice`, which rates are used in `model.efficiency.observed_rates`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import duckdb
import polars as pl

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import present, readable
from circleci_cost.model.efficiency.advice import ADVICE_SCHEMA, advise
from circleci_cost.model.efficiency.advice_listing import as_json
from circleci_cost.model.efficiency.class_verdicts import VERDICT_SCHEMA
from circleci_cost.model.efficiency.observed_rates import IN_USE_SCHEMA, rates_in_use
from circleci_cost.model.efficiency.rate_definition import ResourceClassRate
from circleci_cost.model.efficiency.rates import rates_on
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.warehouse.core.full_refresh import replace_rows, unregister
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost.warehouse.publishing.generations import Generation

ADVICE = "class_advice"
# Four whole weeks: a month's usage without the weight of one weekday.
WINDOW_DAYS = 28


@dataclass(frozen=True)
class AdviceSummary:
    """What was written: the advice (`ADVICE_SCHEMA`), and the rates that it was calculated with (`IN_USE_SCHEMA`).

    `changes` are those of classes (`VERDICT_SCHEMA`), where they were looked for together with the advice.
    """

    advice: pl.DataFrame
    rates: pl.DataFrame
    changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VERDICT_SCHEMA))


def write_advice(connection: duckdb.DuckDBPyConnection, lake: Lake, own: Sequence[ResourceClassRate]) -> AdviceSummary:
    """Replace `class_advice` in one transaction; without job runs it is empty.

    In: the warehouse's connection with `usage_days`, `daily_rates` and `dimension_names`; `own`: the configured rates.
    """
    make_tables(connection)
    days = connection.sql(sql("efficiency/window_days"), params={"days": WINDOW_DAYS}).pl()
    files = readable(present(lake.job_runs_file(name, day) for name, day in days.iter_rows()))
    summary = AdviceSummary(pl.DataFrame(schema=ADVICE_SCHEMA), pl.DataFrame(schema=IN_USE_SCHEMA))
    if files:
        summary = _advice(connection, days, files, own)
    with transaction(connection):
        replace_rows(connection, {ADVICE: summary.advice})
    return summary


def read_advice(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All advice, `ADVICE_SCHEMA`, the largest likely saving first."""
    rows: pl.DataFrame = connection.sql(sql("efficiency/advice")).pl()
    return rows.select(pl.col(name).cast(kind) for name, kind in ADVICE_SCHEMA.items())


def published_advice(connection: duckdb.DuckDBPyConnection, generation: Generation) -> pl.DataFrame:
    """As `read_advice`; none in a generation of a version without the table."""
    return read_advice(connection) if ADVICE in generation.manifest.rows else pl.DataFrame(schema=ADVICE_SCHEMA)


def advice_json(generation: Generation, rows: pl.DataFrame) -> dict[str, object]:
    """Rows of the advice in the form of `classes --json`."""
    return {
        **generation.manifest.as_of,
        "currency": CURRENCY,
        "window_days": WINDOW_DAYS,
        "advice": [as_json(row) for row in rows.iter_rows(named=True)],
    }


def _advice(
    connection: duckdb.DuckDBPyConnection, days: pl.DataFrame, files: list[str], own: Sequence[ResourceClassRate]
) -> AdviceSummary:
    through: date = max(days["date"].to_list())
    with _class_runs(connection, days, files):
        usage, samples, observed = (
            connection.sql(sql(f"efficiency/{name}")).pl() for name in ("class_usage", "class_samples", "class_rates")
        )
    rates = rates_in_use(rates_on(through, own), observed)
    return AdviceSummary(advise(usage, samples, rates), rates)


@contextmanager
def _class_runs(connection: duckdb.DuckDBPyConnection, days: pl.DataFrame, files: list[str]) -> Iterator[None]:
    connection.register("window_days", days)
    try:
        connection.execute(sql("efficiency/class_runs"), {"files": files})
        yield
    finally:
        connection.execute("DROP TABLE IF EXISTS class_runs")
        unregister(connection, "window_days")
