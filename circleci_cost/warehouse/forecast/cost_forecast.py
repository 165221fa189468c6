"""Writes `cost_forecast`, `forecast_totals` and `forecast_backtests`: of budgets, of the whole and of its parts.

Continuing a series is `model.forecast.forecasting`'s job, judging a budget by it `budget_status`'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import get_args

import duckdb
import polars as pl

from circleci_cost.model.budgets.definition import Budget, Unit
from circleci_cost.model.budgets.periods import period_of
from circleci_cost.model.budgets.series import History, known_days
from circleci_cost.model.budgets.status import current_day
from circleci_cost.model.forecast.forecasting import Forecaster, ForecastSettings, choose_method
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost.warehouse.forecast.series import budget_series, history, portfolio_series

BUDGET = "budget"
_UNITS: tuple[Unit, ...] = get_args(Unit)
_AMOUNT = pl.Decimal(38, 6)
_NAMES: dict[str, pl.DataType] = {"series_kind": pl.String(), "series": pl.String(), "unit": pl.String()}
_FORECAST_SCHEMA = {**_NAMES, "date": pl.Date(), **dict.fromkeys(("median", "p10", "p90"), _AMOUNT)}
_TOTALS_SCHEMA = {
    **_NAMES,
    "data_through": pl.Date(),
    "until": pl.Date(),
    "days": pl.Int32(),
    **dict.fromkeys(("median", "p10", "p90", "p025", "p975"), _AMOUNT),
    "quantiles": pl.List(pl.Float64()),
    "note": pl.String(),
}
_BACKTESTS_SCHEMA: dict[str, pl.DataType] = {
    "unit": pl.String(),
    "method": pl.String(),
    "cut_day": pl.Int32(),
    "wape": pl.Float64(),
    "coverage_80": pl.Float64(),
    "coverage_95": pl.Float64(),
    "windows": pl.Int32(),
    "chosen": pl.Boolean(),
}


@dataclass(frozen=True)
class ForecastSummary:
    """What was written: `backtests` as the table [unit × method × cut_day], and the method chosen for each unit."""

    data_through: date | None
    series: int
    rows: int
    methods: dict[str, str]
    backtests: pl.DataFrame


def write_forecasts(
    connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget], settings: ForecastSettings
) -> ForecastSummary:
    """Replace `cost_forecast`, `forecast_totals` and `forecast_backtests` in one transaction.

    In: the warehouse's connection, with `daily_costs`, `usage_days` and `allocated_costs`. Budgets are forecast to
    the end of their current period, the whole and its parts to the end of the month; all series of a unit together,
    with the method whose backtest on them is best. `write_budget_status` reads these tables, so that nothing is
    forecast twice. Without a complete day the tables are empty.
    """
    make_tables(connection)
    past = history(connection)
    forecasts = list(_forecasts(connection, budgets, past, settings)) if past else []
    tables = {
        "cost_forecast": pl.concat([pl.DataFrame(schema=_FORECAST_SCHEMA), *(part.daily for part in forecasts)]),
        "forecast_totals": pl.concat([pl.DataFrame(schema=_TOTALS_SCHEMA), *(part.totals for part in forecasts)]),
        "forecast_backtests": pl.concat(
            [pl.DataFrame(schema=_BACKTESTS_SCHEMA), *(part.backtests for part in forecasts)]
        ),
    }
    with transaction(connection):
        replace_rows(connection, tables)
    return ForecastSummary(
        data_through=past.data_through if past else None,
        series=tables["forecast_totals"].height,
        rows=tables["cost_forecast"].height,
        methods={part.unit: part.method for part in forecasts},
        backtests=tables["forecast_backtests"],
    )


@dataclass(frozen=True)
class _UnitForecast:
    unit: Unit
    method: str
    daily: pl.DataFrame
    totals: pl.DataFrame
    backtests: pl.DataFrame


def _forecasts(
    connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget], past: History, settings: ForecastSettings
) -> Iterator[_UnitForecast]:
    whole = portfolio_series(connection, past)
    scopes = budget_series(connection, budgets).rename({"budget": "series"})
    sums = pl.concat([whole, scopes.select(pl.lit(BUDGET).alias("series_kind"), pl.all())], how="diagonal")
    sums = sums.with_columns(series=_key())
    for unit in _UNITS:
        wanted = _wanted(whole, budgets, past, unit)
        if wanted.height:
            daily = known_days(sums, wanted.get_column("key"), past, unit)
            yield _of_unit(unit, daily, wanted, past, settings)


def _key() -> pl.Expr:
    """One name for each series, whatever its kind."""
    return pl.concat_str("series_kind", pl.lit(":"), "series")


def _wanted(whole: pl.DataFrame, budgets: Sequence[Budget], past: History, unit: Unit) -> pl.DataFrame:
    """The series of a unit: `key`, `series_kind`, `series`, `unit`, `until`."""
    today = current_day(past)
    ends = {kind: period_of(kind, today).last for kind in {"month", *(budget.period for budget in budgets)}}
    own = pl.DataFrame(
        [(BUDGET, budget.name, ends[budget.period]) for budget in budgets if budget.unit == unit],
        schema={"series_kind": pl.String, "series": pl.String, "until": pl.Date},
        orient="row",
    )
    parts = whole.select("series_kind", "series").unique().sort(pl.all())
    return pl.concat([own, parts.with_columns(until=pl.lit(ends["month"]))]).with_columns(key=_key(), unit=pl.lit(unit))


def _of_unit(
    unit: Unit, daily: pl.DataFrame, wanted: pl.DataFrame, past: History, settings: ForecastSettings
) -> _UnitForecast:
    forecaster = Forecaster(daily, wanted.get_column("until"), settings)
    tested = forecaster.backtest()
    method = settings.method or choose_method(tested)
    by_day, by_total = [], []
    for (until,), group in wanted.group_by("until", maintain_order=True):
        # Intervals use the errors of all series of the unit, also of those that end on another day.
        keys = group.select(pl.col("key"), *_NAMES, "until")
        by_day.append(_named(forecaster.forecast(until, method), keys))
        by_total.append(_named(forecaster.forecast_total(until, method), keys))
    return _UnitForecast(
        unit,
        method,
        _as(pl.concat(by_day), _FORECAST_SCHEMA),
        _as(pl.concat(by_total).with_columns(data_through=pl.lit(past.data_through)), _TOTALS_SCHEMA),
        _as(tested.with_columns(unit=pl.lit(unit), chosen=pl.col("method") == method), _BACKTESTS_SCHEMA),
    )


def _named(forecasts: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    return forecasts.rename({"series": "key"}).join(keys, on="key", maintain_order="left")


def _as(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Estimates are kept as rounded decimals."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
