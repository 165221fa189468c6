"""The events of tables that a step makes again although they are other assets': so the graph shows when each was made.

What an asset tells of itself is its own module's; which tables are out of date is `warehouse.derived`'.
"""

from typing import assert_never

import dagster as dg
import duckdb

from circleci_cost.config.settings import Settings
from circleci_cost.defs import allocation, anomalies, budgets, correlations, metadata
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult
from circleci_cost.warehouse.anomalies.cost_anomalies import AnomalySummary
from circleci_cost.warehouse.budgets.budget_status import BudgetSummary
from circleci_cost.warehouse.correlation.cost_correlations import CorrelationSummary
from circleci_cost.warehouse.costs.daily_costs import total_costs
from circleci_cost.warehouse.derived import Derivation, Summary
from circleci_cost.warehouse.forecast.cost_forecast import ForecastSummary
from circleci_cost.warehouse.incidents.explanations import ExplanationSummary


def remake_outdated(
    context: dg.AssetExecutionContext, connection: duckdb.DuckDBPyConnection, settings: Settings, lake: Lake
) -> None:
    """Make again what rests on other daily costs than there are now, and log each table's event as it is made.

    The checks of the tables are recorded with them. Raises `Failure` where one does not pass that stops a run, and
    what `Derivation` raises.
    """
    for name, summary in Derivation(settings, lake).bring_up_to_date(connection):
        context.log.info(f"{name} rested on earlier daily costs: made again before it is published.")
        made = _told(summary, connection, settings)
        key = dg.AssetKey(name)
        context.log_event(dg.AssetMaterialization(key, metadata={**(made.metadata or {}), "made_by": "published"}))
        for result in made.check_results:
            context.log_event(_evaluation(key, result))
        for result in made.check_results:
            if result.check_name in allocation.BLOCKING and not result.passed:
                raise dg.Failure(f"{name}: {result.description}; nothing was published.", allow_retries=False)


def _told(summary: Summary, connection: duckdb.DuckDBPyConnection, settings: Settings) -> metadata.Materialized:
    match summary:
        case AllocationResult():
            return allocation.allocated(summary, total_costs(connection))
        case ForecastSummary():
            return budgets.forecast(summary)
        case BudgetSummary():
            return budgets.compared(summary)
        case AnomalySummary():
            return anomalies.detected(summary, settings)
        case ExplanationSummary():
            return anomalies.explained(summary)
        case CorrelationSummary():
            return correlations.correlated(summary)
        case _:
            assert_never(summary)


def _evaluation(key: dg.AssetKey, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    if result.check_name is None:
        raise ValueError(f"a check of {key.to_user_string()} has no name")
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=result.check_name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
    )
