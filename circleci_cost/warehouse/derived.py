"""Tables derived from `daily_costs` in full, and whether they are up to date.

Runs of several cost centers go on at the same time: between the allocation of one run and its publication, another
may have written daily costs. How each table is made is decided in its own module.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import duckdb

from circleci_cost.assets import (
    ALLOCATED_COSTS,
    ANOMALY_DRIVERS,
    BUDGET_STATUS,
    CLASS_ADVICE,
    COST_ANOMALIES,
    COST_CORRELATIONS,
    COST_FORECAST,
    CREDIT_LEDGER,
    DERIVED,
    RECONCILIATION,
    WASTE,
    Asset,
)
from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.layout import Lake
from circleci_cost.model.allocation.planning import prepare_usable
from circleci_cost.model.correlation.correlation import CorrelationSettings
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.incidents.decisions import DECISIONS_STAY, NO_DECISIONS, read_decisions, unmatched_decisions
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult, allocate, job_run_files
from circleci_cost.warehouse.anomalies.cost_anomalies import AnomalySummary, decisions_before, write_anomalies
from circleci_cost.warehouse.budgets.budget_status import BudgetSummary, write_budget_status
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.correlation.cost_correlations import CorrelationSummary, write_correlations
from circleci_cost.warehouse.costs.current_names import use_current_names
from circleci_cost.warehouse.credits.credit_ledger import CreditSummary, write_credits
from circleci_cost.warehouse.credits.reconciliation import ReconciliationSummary, write_reconciliation
from circleci_cost.warehouse.efficiency.class_advice import AdviceSummary, write_advice
from circleci_cost.warehouse.efficiency.class_changes import write_changes
from circleci_cost.warehouse.efficiency.waste import WasteSummary, write_waste
from circleci_cost.warehouse.forecast.cost_forecast import ForecastSummary, write_forecasts
from circleci_cost.warehouse.incidents.explanations import ExplanationSummary, write_explanations
from circleci_cost.warehouse.infrastructure.infrastructure_costs import infrastructure_series
from circleci_cost.warehouse.tables.sessions import TableStore

Summary: TypeAlias = (
    AllocationResult
    | ForecastSummary
    | BudgetSummary
    | CreditSummary
    | ReconciliationSummary
    | AnomalySummary
    | ExplanationSummary
    | CorrelationSummary
    | AdviceSummary
    | WasteSummary
)


@dataclass(frozen=True)
class Derivation:
    """Makes the tables as the settings say; each method notes which daily costs its table was made from.

    In: a connection that may write the asset's tables. A file of the settings that cannot be used stops nothing: what
    depends on it is left out, and the result names the file.
    """

    settings: Settings
    lake: Lake

    def allocate(self, connection: duckdb.DuckDBPyConnection) -> AllocationResult:
        """Make `allocated_costs`, from daily costs with current names: see `use_current_names`."""
        plan = prepare_usable(self.settings.virtual_tags, self.settings.resolve)
        result = allocate(connection, plan, self._job_run_files)
        _note(connection, ALLOCATED_COSTS)
        return result

    def forecast(self, connection: duckdb.DuckDBPyConnection) -> ForecastSummary:
        """Make `cost_forecast`, `forecast_totals` and `forecast_backtests`, after `allocate`."""
        chosen = ForecastSettings(self.settings.calendar)
        summary = write_forecasts(connection, usable_budgets(self.settings).budgets, chosen)
        _note(connection, COST_FORECAST)
        return summary

    def compare(self, connection: duckdb.DuckDBPyConnection) -> BudgetSummary:
        """Make `budget_status`, after `forecast`."""
        usable = usable_budgets(self.settings)
        summary = write_budget_status(connection, usable.budgets)
        _note(connection, BUDGET_STATUS)
        return replace(summary, problems=usable.problems)

    def reckon_credits(self, connection: duckdb.DuckDBPyConnection) -> CreditSummary:
        """Make `credit_lots`, `credit_outlook` and `credit_forecast`, after `forecast`."""
        usable = usable_credits(self.settings)
        summary = write_credits(connection, usable.centers, ForecastSettings(self.settings.calendar))
        _note(connection, CREDIT_LEDGER)
        return replace(summary, problems=usable.problems)

    def reconcile(self, connection: duckdb.DuckDBPyConnection) -> ReconciliationSummary:
        """Make `reconciliation`, after `reckon_credits`."""
        centers = usable_credits(self.settings).invoiced
        restatements = read_restatements(self.lake, [center.cost_center for center in centers])
        summary = write_reconciliation(connection, centers, restatements)
        _note(connection, RECONCILIATION)
        return summary

    def detect(self, connection: duckdb.DuckDBPyConnection) -> AnomalySummary:
        """Make `cost_anomalies` and `anomaly_incidents`, after `allocate`."""
        file = self.settings.anomalies.decisions
        path = self.settings.resolve(file) if file else None
        problems: tuple[str, ...] = ()
        try:
            decisions = read_decisions(path) if path else NO_DECISIONS
        except ConfigurationError as error:
            # Without decisions, incidents that people have decided on would be reported again.
            decisions, path = decisions_before(connection), None
            problems = (f"{error} {DECISIONS_STAY}",)
        summary = write_anomalies(connection, self.settings.anomalies, self.settings.calendar, decisions)
        _note(connection, COST_ANOMALIES)
        unmatched = unmatched_decisions(decisions, summary.incidents["incident_id"], path) if path else []
        return replace(summary, unmatched_decisions=tuple(unmatched), problems=problems)

    def explain(self, connection: duckdb.DuckDBPyConnection) -> ExplanationSummary:
        """Make `anomaly_drivers` and `incident_services`, after `detect`."""
        study = EventStudySettings(self.settings.calendar)
        summary = write_explanations(connection, self.lake, infrastructure_series(connection), study)
        _note(connection, ANOMALY_DRIVERS)
        return summary

    def correlate(self, connection: duckdb.DuckDBPyConnection) -> CorrelationSummary:
        """Make `cost_correlations`."""
        chosen = CorrelationSettings(self.settings.calendar)
        summary = write_correlations(connection, infrastructure_series(connection), chosen)
        _note(connection, COST_CORRELATIONS)
        return summary

    def advise(self, connection: duckdb.DuckDBPyConnection) -> AdviceSummary:
        """Make `class_advice` and `class_changes`."""
        summary = write_advice(connection, self.lake, self.settings.resource_class_rates)
        changes = write_changes(connection)
        _note(connection, CLASS_ADVICE)
        return replace(summary, changes=changes)

    def add_up_waste(self, connection: duckdb.DuckDBPyConnection) -> WasteSummary:
        """Make `waste` and `dlc_evidence`."""
        summary = write_waste(connection, self.lake, [center.name for center in self.settings.cost_centers])
        _note(connection, WASTE)
        return summary

    def bring_up_to_date(self, store: TableStore) -> Iterator[tuple[str, Summary, duckdb.DuckDBPyConnection]]:
        """Make the tables again that were made from other daily costs than the present ones, and their dependents.

        Yields each asset's name and summary, and the connection that has its tables, which become the current ones
        when the next one is asked for.
        """
        steps: dict[Asset, Callable[[duckdb.DuckDBPyConnection], Summary]] = {
            ALLOCATED_COSTS: self.allocate,
            COST_FORECAST: self.forecast,
            BUDGET_STATUS: self.compare,
            CREDIT_LEDGER: self.reckon_credits,
            RECONCILIATION: self.reconcile,
            COST_ANOMALIES: self.detect,
            ANOMALY_DRIVERS: self.explain,
            COST_CORRELATIONS: self.correlate,
            CLASS_ADVICE: self.advise,
            WASTE: self.add_up_waste,
        }
        use_current_names(store)
        with store.reading() as warehouse:
            stale = outdated(warehouse.connection)
        for asset, make in steps.items():
            if asset.name in stale or stale.intersection(asset.made_from):
                stale.add(asset.name)
                with store.writing(asset.name) as connection:
                    yield asset.name, make(connection), connection

    def _job_run_files(self) -> Sequence[str]:
        return job_run_files(self.lake, [center.name for center in self.settings.cost_centers])


def _note(connection: duckdb.DuckDBPyConnection, derived: Asset) -> None:
    """Note the daily costs that a table was made from; none where a table that it rests on was made from others."""
    with transaction(connection):
        stamp, stale = _compared_stamps(connection)
        mixed = stale.intersection(derived.made_from)
        connection.execute(
            "INSERT OR REPLACE INTO derived_from VALUES ($derived, $stamp)",
            {"derived": derived.name, "stamp": "" if mixed else stamp},
        )


def outdated(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The derived assets whose tables were made from other daily costs than those that the connection sees."""
    with transaction(connection):
        return _compared_stamps(connection)[1]


def _compared_stamps(connection: duckdb.DuckDBPyConnection) -> tuple[str, set[str]]:
    """The stamp of the daily costs that the connection sees, and the derived assets that were made from others."""
    (stamp,) = one_row(connection, sql("core/costs_stamp"))
    stamps = dict(connection.execute("SELECT derived, costs_stamp FROM derived_from").fetchall())
    return stamp, {name for name in DERIVED if stamps.get(name) != stamp}
