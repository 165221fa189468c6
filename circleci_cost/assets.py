"""Every asset once: its name and group, its upstream assets, how it is made, and its word in the progress.

No Dagster here, as its import takes seconds; `defs` makes, checks and describes the assets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class Making(Enum):
    """How an asset is made."""

    FETCHED = auto()
    """From CircleCI's exports, by day and cost center."""
    COSTED = auto()
    """From the job runs and the prices, by a run over the days of one cost center."""
    DERIVED = auto()
    """In full from the daily costs of all cost centers; `published` rebuilds it where it is out of date."""
    FOLLOWING = auto()
    """In full, after the derived assets or beside them; only a run of its own makes it."""
    LOGGED = auto()
    """By no run of its own: `published` logs its events."""


@dataclass(frozen=True)
class Asset:
    """One asset. `made_from` names its upstream assets, `doing` is its word in the progress, `by_day`: partitioned."""

    name: str
    group: str
    making: Making
    made_from: tuple[str, ...] = ()
    doing: str = ""
    by_day: bool = False


def _asset(
    name: str,
    group: str,
    making: Making,
    made_from: tuple[Asset, ...] = (),
    *,
    doing: str = "",
    by_day: bool = False,
) -> Asset:
    return Asset(name, group, making, tuple(asset.name for asset in made_from), doing, by_day)


USAGE_EXPORTS = _asset("usage_exports", "ingest", Making.FETCHED, doing="fetching", by_day=True)
JOB_RUNS = _asset("job_runs", "ingest", Making.FETCHED, (USAGE_EXPORTS,), doing="reading", by_day=True)
PRICING_PERIODS = _asset("pricing_periods", "costs", Making.COSTED, doing="spreading prices")
DAILY_COSTS = _asset("daily_costs", "costs", Making.COSTED, (JOB_RUNS, PRICING_PERIODS), doing="pricing", by_day=True)
ALLOCATED_COSTS = _asset("allocated_costs", "allocation", Making.DERIVED, (DAILY_COSTS,), doing="allocating")
COST_FORECAST = _asset("cost_forecast", "budgets", Making.DERIVED, (ALLOCATED_COSTS, DAILY_COSTS), doing="forecasting")
BUDGET_STATUS = _asset(
    "budget_status",
    "budgets",
    Making.DERIVED,
    (COST_FORECAST, ALLOCATED_COSTS, DAILY_COSTS),
    doing="comparing with budgets",
)
CREDIT_LEDGER = _asset(
    "credit_ledger", "credits", Making.DERIVED, (COST_FORECAST, DAILY_COSTS), doing="reckoning credits"
)
RECONCILIATION = _asset(
    "reconciliation", "credits", Making.DERIVED, (CREDIT_LEDGER, DAILY_COSTS), doing="reconciling invoices"
)
INFRASTRUCTURE_COSTS = _asset(
    "infrastructure_costs", "infrastructure", Making.FOLLOWING, doing="reading infrastructure costs"
)
COST_ANOMALIES = _asset(
    "cost_anomalies", "analysis", Making.DERIVED, (ALLOCATED_COSTS, DAILY_COSTS), doing="looking for anomalies"
)
ANOMALY_DRIVERS = _asset(
    "anomaly_drivers",
    "analysis",
    Making.DERIVED,
    (COST_ANOMALIES, INFRASTRUCTURE_COSTS, DAILY_COSTS),
    doing="explaining anomalies",
)
COST_CORRELATIONS = _asset(
    "cost_correlations", "analysis", Making.DERIVED, (INFRASTRUCTURE_COSTS, DAILY_COSTS), doing="correlating"
)
CLASS_ADVICE = _asset(
    "class_advice", "efficiency", Making.DERIVED, (JOB_RUNS, DAILY_COSTS), doing="comparing resource classes"
)
WASTE = _asset("waste", "efficiency", Making.DERIVED, (DAILY_COSTS,), doing="adding up waste")
# In the order in which they are made. All of these have a table that is published.
_TABLES = (
    PRICING_PERIODS,
    DAILY_COSTS,
    ALLOCATED_COSTS,
    COST_FORECAST,
    BUDGET_STATUS,
    CREDIT_LEDGER,
    RECONCILIATION,
    INFRASTRUCTURE_COSTS,
    COST_ANOMALIES,
    ANOMALY_DRIVERS,
    COST_CORRELATIONS,
    CLASS_ADVICE,
    WASTE,
)
PUBLISHED = _asset("published", "publishing", Making.FOLLOWING, _TABLES, doing="publishing")
COST_CENTER_DAYS = _asset("cost_center_days", "publishing", Making.LOGGED, (PUBLISHED,))
FOCUS_EXPORT = _asset("focus_export", "publishing", Making.FOLLOWING, (PUBLISHED,), doing="writing FOCUS files")
NOTIFICATIONS = _asset("notifications", "publishing", Making.FOLLOWING, (PUBLISHED,), doing="notifying")

ASSETS = (USAGE_EXPORTS, JOB_RUNS, *_TABLES, PUBLISHED, COST_CENTER_DAYS, FOCUS_EXPORT, NOTIFICATIONS)


def _names(belongs: Callable[[Asset], bool]) -> tuple[str, ...]:
    return tuple(asset.name for asset in ASSETS if belongs(asset))


INGESTED = _names(lambda asset: asset.making is Making.FETCHED)
COSTED = _names(lambda asset: asset.making is Making.COSTED)
DERIVED = _names(lambda asset: asset.making is Making.DERIVED)
# The assets that one run makes for all cost centers, once their days are priced.
FOLLOWING = _names(lambda asset: asset.making in {Making.DERIVED, Making.FOLLOWING})
BY_DAY = _names(lambda asset: asset.by_day)
