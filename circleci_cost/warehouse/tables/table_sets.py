"""Which tables are written together, by the asset that makes them: one manifest lists the files of such a set.

How the tables look is in `core/tables.sql`.
"""

from dataclasses import dataclass, replace

from circleci_cost.assets import (
    ALLOCATED_COSTS,
    ANOMALY_DRIVERS,
    BUDGET_STATUS,
    CLASS_ADVICE,
    COST_ANOMALIES,
    COST_CORRELATIONS,
    COST_FORECAST,
    CREDIT_LEDGER,
    DAILY_COSTS,
    INFRASTRUCTURE_COSTS,
    PRICING_PERIODS,
    RECONCILIATION,
    WASTE,
    Asset,
)

# Large tables of days have one Parquet file a month; the order of their rows.
MONTHLY_ORDER = {
    "daily_costs": "date, cost_center, project_id, workflow, job",
    "allocated_costs": "tag, date, value, source_row",
}
# The newest name of an organization or a project counts, whichever cost center it came with.
NEWEST_NAMES = "dimension_names"
# Which daily costs each derived set was made from: the manifests hold it, a table of the connection only shows it.
NOTES = "derived_from"


@dataclass(frozen=True)
class TableSet:
    """The tables that `name`'s asset writes; `by_cost_center`: each cost center has files and a manifest of its own.

    `anew`: the asset makes its tables without a look at their earlier rows.
    """

    name: str
    tables: tuple[str, ...]
    by_cost_center: bool = False
    anew: bool = False


def _of(asset: Asset, *more: str) -> TableSet:
    return TableSet(asset.name, (asset.name, *more))


TABLE_SETS = {
    each.name: each
    for each in (
        _of(PRICING_PERIODS, "daily_rates"),
        replace(_of(DAILY_COSTS, "usage_days", NEWEST_NAMES), by_cost_center=True),
        replace(_of(ALLOCATED_COSTS), anew=True),
        _of(COST_FORECAST, "forecast_totals", "forecast_backtests"),
        _of(BUDGET_STATUS),
        TableSet(CREDIT_LEDGER.name, ("credit_lots", "credit_outlook", "credit_forecast")),
        _of(RECONCILIATION),
        _of(INFRASTRUCTURE_COSTS, "infrastructure_file_costs", "infrastructure_files"),
        _of(COST_ANOMALIES, "anomaly_incidents"),
        _of(ANOMALY_DRIVERS, "incident_services"),
        _of(COST_CORRELATIONS),
        _of(CLASS_ADVICE, "class_changes"),
        _of(WASTE, "dlc_evidence"),
    )
}
