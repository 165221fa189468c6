"""The assets that look ahead: cost_forecast, and budget_status, which compares forecasts with budgets."""

import hashlib
from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from circleci_cost.assets import BUDGET_STATUS, COST_FORECAST
from circleci_cost.config.budget_definitions import content_hash, usable_budgets
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.budgets.findings import Finding
from circleci_cost.model.budgets.status import Status
from circleci_cost.model.budgets.text import TABLE_HEADER, cells, tree
from circleci_cost.warehouse.budgets.budget_status import BudgetSummary
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.forecast.cost_forecast import ForecastSummary

_CHECKS = {
    "budgets_kept": "No running budget is spent, none is at risk.",
    "budgets_match_usage": "Every budget names values that usage has, and its children fit into it.",
    "budget_files_readable": "Every budget file could be used; the budgets of one that could not are left out.",
}
# The columns that the UI shows without scrolling.
_SHOWN_COLUMNS = ("budget", "status", "amount", "actual", "forecast (10–90 %)", "overrun")


def build_budget_assets(settings: Settings) -> list[DerivedAsset]:
    """The assets `cost_forecast` and `budget_status`."""
    definitions_hash = budgets_hash(settings)
    forecasts = build_derived_asset(
        COST_FORECAST,
        settings,
        Derivation.forecast,
        lambda summary, _: _forecast_result(summary),
        code_version=f"{definitions_hash}-{settings.calendar.model_dump_json()}",
        kinds={"duckdb", "polars"},
        description=(
            "Forecast of each day to come: of every budget to the end of its period, of the total, cost centers, "
            "organizations and tags to the end of the month. Grain: series kind × series × unit × day. The bounds "
            "of days do not add up: those of a period's sum are in forecast_totals. How well each method would have "
            "forecast past months is in forecast_backtests."
        ),
    )
    states = build_derived_asset(
        BUDGET_STATUS,
        settings,
        Derivation.compare,
        lambda summary, _: _status_result(summary),
        code_version=definitions_hash,
        kinds={"duckdb", "polars"},
        check_specs=check_specs(BUDGET_STATUS, _CHECKS),
        description=(
            "The state of every budget: spent, forecast with its range, probability and day of an overrun. Grain: "
            "budget × period, all periods since the history began. A child is part of its parent: never add them up."
        ),
    )
    return [forecasts, states]


def _forecast_result(summary: ForecastSummary) -> metadata.Materialized:
    """The result of `cost_forecast` for Dagster: metadata."""
    return dg.MaterializeResult(metadata=_forecast_metadata(summary))


def _status_result(summary: BudgetSummary) -> metadata.Materialized:
    """The result of `budget_status` for Dagster: metadata and checks."""
    return dg.MaterializeResult(metadata=_status_metadata(summary), check_results=list(_status_checks(summary)))


def budgets_hash(settings: Settings) -> str:
    """A hash of the budgets' definitions and of the problems in their files."""
    try:
        usable = usable_budgets(settings)
    except ConfigurationError:
        return content_hash(settings.budgets)
    left_out = "".join(str(problem) for problem in usable.problems)
    return content_hash(usable.budgets) + (f"-{hashlib.sha256(left_out.encode()).hexdigest()[:8]}" if left_out else "")


def _forecast_metadata(summary: ForecastSummary) -> dict[str, metadata.Value]:
    values: dict[str, metadata.Value] = {
        "dagster/row_count": summary.rows,
        "series": summary.series,
        "data_through": str(summary.data_through or "–"),
    }
    for unit, method in summary.methods.items():
        backtests = summary.backtests.filter(unit=unit).sort("method", "cut_day")
        values[f"method_{unit}"] = method
        # Plotted over the runs, these show whether forecasts get better.
        for row in backtests.filter("chosen").iter_rows(named=True):
            if row["wape"] is not None:
                values[f"wape_{unit}_day_{row['cut_day']}"] = round(row["wape"], 4)
        values[f"backtest_{unit}"] = _backtest_table(backtests)
    return values


def _backtest_table(backtests: pl.DataFrame) -> metadata.Value:
    """One row per method: its error by the number of known days of a month, and how often its ranges held."""
    days = backtests.get_column("cut_day").unique(maintain_order=True).to_list()
    methods = backtests.group_by("method", "chosen", maintain_order=True).agg(
        "wape", pl.col("coverage_80").mean(), pl.col("coverage_95").mean(), pl.col("windows").sum()
    )
    return metadata.table(
        ("method", *(f"WAPE on day {day}" for day in days), "80 % range held", "95 % range held", "tests"),
        (
            (
                f"{row['method']} (used)" if row["chosen"] else row["method"],
                *(metadata.percent(wape) for wape in row["wape"]),
                metadata.percent(row["coverage_80"]),
                metadata.percent(row["coverage_95"]),
                row["windows"],
            )
            for row in methods.iter_rows(named=True)
        ),
    )


def _status_metadata(summary: BudgetSummary) -> dict[str, metadata.Value]:
    return {
        "dagster/row_count": summary.rows,
        "data_through": str(summary.data_through or "–"),
        **{status.value: count for status, count in summary.counts.items()},
        "budgets": metadata.table(
            _SHOWN_COLUMNS,
            (
                [dict(zip(TABLE_HEADER, cells(depth, row), strict=True))[name] for name in _SHOWN_COLUMNS]
                for depth, row in tree(summary.current)
            ),
        ),
    }


def _status_checks(summary: BudgetSummary) -> Iterator[dg.AssetCheckResult]:
    troubled = summary.current.filter(pl.col("status") != Status.ON_TRACK)
    budgets = [f"{row['budget']} ({row['status'].replace('_', ' ')})" for row in troubled.iter_rows(named=True)]
    yield warning("budgets_kept", budgets)
    yield warning("budgets_match_usage", [finding.message for finding in _about_configuration(summary.findings)])
    yield failure("budget_files_readable", (str(problem) for problem in summary.problems))


def _about_configuration(findings: Sequence[Finding]) -> list[Finding]:
    """The findings about the configuration."""
    return [finding for finding in findings if finding.kind != "no_forecast"]
