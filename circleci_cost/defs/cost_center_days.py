"""The asset `cost_center_days`: numbers by day that the UI plots, all cost centers side by side.

The UI plots the last 120 partitions of an asset. Those of `daily_costs` are ordered by cost center first, so its plots
hold only the last cost center. Nothing makes this asset: `published` logs an event for each of its days that changed.
"""

from collections.abc import Sequence
from contextlib import suppress

import dagster as dg
import duckdb

from circleci_cost.assets import COST_CENTER_DAYS
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.declared import asset_key
from circleci_cost.defs.event_batches import gathering_events
from circleci_cost.defs.partitions import day_partitions
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.costs.cost_center_days import CostCenterDay, cost_center_days
from circleci_cost.warehouse.publishing.generations import NothingPublishedError, current_generation

_KEY = asset_key(COST_CENTER_DAYS)


def build_cost_center_days(settings: Settings) -> dg.AssetSpec:
    """The asset `cost_center_days`."""
    return dg.AssetSpec(
        _KEY,
        deps=list(COST_CENTER_DAYS.made_from),
        partitions_def=day_partitions(settings),
        group_name=COST_CENTER_DAYS.group,
        kinds={"duckdb"},
        description=(
            "The cost of every cost center by day, to compare: switch Metadata to Plots, which show the last 120 days. "
            "The figures are those of daily_costs and follow them with every publication; there is no table of this "
            "name. Grain: day. total_usd is the sum of the cost centers; credits without a price are in "
            "unpriced_credits."
        ),
    )


def log_changed_days(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    lake: Lake,
    clock: Clock,
) -> None:
    """Log an event for each day whose costs were computed after the current generation was published.

    The first time, log all days. Call this before the next generation becomes the current one: if a run is killed in
    between, the next run logs the same days.
    """
    since = None
    if context.instance.get_latest_materialization_event(_KEY) is not None:
        with suppress(NothingPublishedError):
            since = current_generation(lake).manifest.published_at
    days = cost_center_days(connection, settings.history_start, utc_today(clock), since)
    with gathering_events(context.instance):
        for day, costs in days.items():
            context.log_event(dg.AssetMaterialization(_KEY, partition=day.isoformat(), metadata=_metadata(costs)))


def _metadata(costs: Sequence[CostCenterDay]) -> dict[str, metadata.Value]:
    priced = [cost for cost in costs if cost.cost_usd is not None]
    values: dict[str, metadata.Value] = {
        "credits": metadata.number(sum(cost.credits for cost in costs)),
        "unpriced_credits": metadata.number(sum(cost.unpriced_credits for cost in costs)),
        "total_usd": metadata.number(sum(cost.cost_usd for cost in priced if cost.cost_usd is not None)),
    }
    for cost in priced:
        if cost.cost_usd is not None:
            values[f"total_usd_{cost.cost_center}"] = metadata.number(cost.cost_usd)
    return values
