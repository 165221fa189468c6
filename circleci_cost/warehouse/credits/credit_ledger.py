"""Writes `credit_lots`, `credit_outlook` and `credit_forecast` from daily costs and purchases.

The rules of using credits are `model.credits`'; reading these tables is the job of `published_credits`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import polars as pl

from circleci_cost.model.budgets.series import History, known_days
from circleci_cost.model.credits.expected_usage import HORIZON_DAYS, expected_usage
from circleci_cost.model.credits.findings import bought_before_history, missing_purchases, unknown_days
from circleci_cost.model.credits.ledger import LEDGER_SCHEMA, USAGE_SCHEMA, credit_ledger
from circleci_cost.model.credits.outlook import COURSE_SCHEMA, OUTLOOK_SCHEMA, credit_outlook
from circleci_cost.model.credits.purchases import CenterCredits, credit_lots
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost.warehouse.credits.published_credits import days_of_unknown_usage
from circleci_cost.warehouse.forecast.series import history


@dataclass(frozen=True)
class CreditSummary:
    """What was written: the number of rows and of lots, the state of each cost center, what does not fit together.

    `problems` are the files of purchases that could not be used.
    """

    rows: int
    lots: int
    outlook: pl.DataFrame
    findings: tuple[str, ...] = ()
    problems: tuple[FileProblem, ...] = ()


def write_credits(
    connection: duckdb.DuckDBPyConnection, centers: Sequence[CenterCredits], settings: ForecastSettings
) -> CreditSummary:
    """Replace the three tables in one transaction; without purchases or without a complete day they are empty.

    In: the warehouse's connection after `write_forecasts`, whose method continues the usage here, too: its forecasts
    end with the month, credits last longer.
    """
    make_tables(connection)
    past = history(connection) if centers else None
    tables, findings = _computed(connection, centers, past, settings) if past else (_empty(), ())
    with transaction(connection):
        replace_rows(connection, tables)
    findings = (*findings, *unknown_days(days_of_unknown_usage(connection)))
    return CreditSummary(
        tables["credit_lots"].height,
        tables["credit_lots"].filter(pl.col("bought_on").is_not_null())["lot"].n_unique(),
        tables["credit_outlook"],
        findings,
    )


def _empty() -> dict[str, pl.DataFrame]:
    schemas = {"credit_lots": LEDGER_SCHEMA, "credit_outlook": OUTLOOK_SCHEMA, "credit_forecast": COURSE_SCHEMA}
    return {table: pl.DataFrame(schema=schema) for table, schema in schemas.items()}


def _computed(
    connection: duckdb.DuckDBPyConnection, centers: Sequence[CenterCredits], past: History, settings: ForecastSettings
) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    through = past.data_through
    names = [center.cost_center for center in centers]
    usage = connection.sql(sql("credits/daily_usage"), params={"cost_centers": names, "through": through}).pl()
    usage = usage.cast(dict(USAGE_SCHEMA))
    expected = expected_usage(_known(usage, names, past), through, _continued(connection, settings))
    lots = credit_lots(centers, through + timedelta(days=HORIZON_DAYS))
    present = lots.filter(pl.col("date") <= through)
    ledger = credit_ledger(present, usage, through)
    outlook, course = credit_outlook(centers, lots, ledger=ledger, usage=usage, expected=expected, through=through)
    findings = (*missing_purchases(outlook), *bought_before_history(present, usage))
    return {"credit_lots": ledger, "credit_outlook": outlook, "credit_forecast": course}, findings


def _known(usage: pl.DataFrame, names: Sequence[str], past: History) -> pl.DataFrame:
    """The usage as forecasts take it; a cost center without any is left out: nothing is known about it."""
    series = usage.select(
        pl.col("cost_center").alias("series"), "date", "credits", cost_usd=pl.lit(0), unpriced_credits=pl.lit(0)
    )
    begun = [name for name in names if name in set(usage["cost_center"])]
    return known_days(series, pl.Series(begun, dtype=pl.String), past, "credits")


def _continued(connection: duckdb.DuckDBPyConnection, settings: ForecastSettings) -> ForecastSettings:
    """The settings with the method that forecast credits best."""
    rows = connection.execute("SELECT DISTINCT method FROM forecast_backtests WHERE chosen AND unit = 'credits'")
    methods = [method for (method,) in rows.fetchall()]
    return ForecastSettings(settings.calendar, settings.minimum_days, methods[0]) if methods else settings
