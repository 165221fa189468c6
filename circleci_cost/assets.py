"""The names of the assets, by what a run makes together; apart from Dagster, whose import takes seconds.

What the assets are is `defs`' business.
"""

INGESTED = ("usage_exports", "job_runs")
COSTED = ("pricing_periods", "daily_costs")
# Made as a whole from the daily costs: of no day and no cost center in particular.
FOLLOWING = (
    "allocated_costs",
    "cost_forecast",
    "budget_status",
    "infrastructure_costs",
    "cost_anomalies",
    "anomaly_drivers",
    "cost_correlations",
    "published",
    "notifications",
)
