"""Every asset once: its name and group, what it is made from, who makes it, and what the progress says meanwhile.

Apart from Dagster, whose import takes seconds: how each is made, checked and described is `defs`' business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class Making(Enum):
    """How an asset is made."""

    FETCHED = auto()
    """Day by day for each cost center, from CircleCI's exports."""
    COSTED = auto()
    """From the job runs and the prices; a run over the days of one cost center makes it."""
    DERIVED = auto()
    """As a whole from the daily costs of all cost centers; `published` makes it again where it is out of date."""
    FOLLOWING = auto()
    """As a whole, after what is derived or beside it; nothing but a run of its own makes it."""
    LOGGED = auto()
    """By no run: `published` logs its events."""


@dataclass(frozen=True)
class Asset:
    """One asset: `made_from` names others, `doing` is the progress's word, `by_day` is kept by day and cost center."""

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
    return Asset(name, group, making, tuple(each.name for each in made_from), doing, by_day)


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
# In the order in which they are made; what has a table that readers read stands above `PUBLISHED`.
_TABLES = (
    PRICING_PERIODS,
    DAILY_COSTS,
    ALLOCATED_COSTS,
    COST_FORECAST,
    BUDGET_STATUS,
    INFRASTRUCTURE_COSTS,
    COST_ANOMALIES,
    ANOMALY_DRIVERS,
    COST_CORRELATIONS,
)
PUBLISHED = _asset("published", "publishing", Making.FOLLOWING, _TABLES, doing="publishing")
COST_CENTER_DAYS = _asset("cost_center_days", "publishing", Making.LOGGED, (PUBLISHED,))
NOTIFICATIONS = _asset("notifications", "publishing", Making.FOLLOWING, (PUBLISHED,), doing="notifying")

ASSETS = (USAGE_EXPORTS, JOB_RUNS, *_TABLES, PUBLISHED, COST_CENTER_DAYS, NOTIFICATIONS)


def _names(belongs: Callable[[Asset], bool]) -> tuple[str, ...]:
    return tuple(each.name for each in ASSETS if belongs(each))


INGESTED = _names(lambda each: each.making is Making.FETCHED)
COSTED = _names(lambda each: each.making is Making.COSTED)
DERIVED = _names(lambda each: each.making is Making.DERIVED)
# What one run makes for all cost centers, once their days are priced.
FOLLOWING = _names(lambda each: each.making in {Making.DERIVED, Making.FOLLOWING})
BY_DAY = _names(lambda each: each.by_day)
