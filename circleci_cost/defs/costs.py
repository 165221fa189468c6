"""The assets that turn credits into dollars: pricing_periods, daily_costs."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import TypedDict

import dagster as dg
import duckdb

from circleci_cost.assets import DAILY_COSTS, PRICING_PERIODS
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning, when
from circleci_cost.defs.declared import declared
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_configuration
from circleci_cost.defs.living_runs import refuse_if_ended
from circleci_cost.defs.partitions import partition_days, partition_key
from circleci_cost.defs.resources import Warehouse
from circleci_cost.engines.spark_connect import SparkConnect
from circleci_cost.lake.layout import Lake
from circleci_cost.model.pricing import price_periods
from circleci_cost.model.pricing.price_gaps import gaps, say_gaps
from circleci_cost.warehouse.costs.daily_costs import (
    CostSummary,
    DayCosts,
    changed_days,
    day_sums,
    largest_costs,
    write_daily_costs,
)
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.tables.changed_days import ChangedDays

_COST_CHECKS = {
    "credits_equal_job_runs": "The credits of the days equal those of their job runs.",
    "charge_types_add_up": "The costs of the charge types add up to the cost.",
    "all_credits_priced": "No credits were used on a day without a price.",
    "job_runs_for_each_day": "Every day that was asked for has job runs, empty days included.",
}
_BLOCKING = frozenset({"credits_equal_job_runs", "charge_types_add_up"})
# Rates reach a little into the future, so that the costs of a new day never wait for new rates.
RATES_AHEAD = timedelta(days=31)
_ZERO = Decimal(0)


class _Asked(TypedDict):
    history_start: date
    restatement_days: int
    organizations: Collection[str]


class Plan:
    """The days whose costs are written, found once: job runs that another run stores meanwhile are its own to price."""

    days: ChangedDays

    def __init__(self, find: Callable[[duckdb.DuckDBPyConnection], ChangedDays]) -> None:
        """Find them with `find`, when `TableStore.writing` asks for them."""
        self._find = find

    def __call__(self, connection: duckdb.DuckDBPyConnection) -> ChangedDays:
        """The days, as they are in this moment."""
        self.days = self._find(connection)
        return self.days


def build_pricing_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset `pricing_periods`; its data and code versions are a hash of the periods."""

    @dg.asset(
        **declared(PRICING_PERIODS),
        # The configuration is this asset's code: Dagster sees an edited price as soon as it reloads the location.
        code_version=price_periods.content_hash(settings.price_periods),
        automation_condition=follows_configuration(),
        kinds={"duckdb", "toml"},
        check_specs=check_specs(PRICING_PERIODS, {"every_day_priced": "No day of the history lacks a price."}),
        metadata={"dagster/column_schema": metadata.column_schema(price_periods.PERIODS_SCHEMA, {})},
        description=(
            "Contracted price periods from the configuration, and daily_rates: exactly one USD price per credit, "
            "cost center and day. Grain: cost center × period."
        ),
    )
    def pricing_periods(warehouse: Warehouse, clock: dg.ResourceParam[Clock]) -> metadata.Materialized:
        periods, today = settings.price_periods, utc_today(clock)
        with dagster_failures(), warehouse.writing(PRICING_PERIODS) as connection:
            rates = write_prices(connection, periods, settings.history_start, today + RATES_AHEAD)
        unpriced = {
            center.name: gaps(center.price_periods, settings.history_start, today) for center in settings.cost_centers
        }
        named = [f"{name}: {say_gaps(ranges)}" for name, ranges in unpriced.items() if ranges]
        return dg.MaterializeResult(
            data_version=dg.DataVersion(price_periods.content_hash(periods)),
            metadata={
                "dagster/row_count": len(periods),
                "daily_rates": rates.height,
                "timeline": metadata.table(
                    ("cost center", "USD per credit", "from", "until"),
                    (
                        (
                            period.cost_center,
                            period.price_per_credit,
                            period.effective_from,
                            period.effective_until or "ongoing",
                        )
                        for period in sorted(periods)
                    ),
                ),
            },
            check_results=[
                failure(
                    "every_day_priced",
                    when(named, f"no price on {'; '.join(named)}: credits stay unpriced, not $0"),
                )
            ],
        )

    return pricing_periods


def build_cost_asset(settings: Settings, partitions: dg.MultiPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `daily_costs`."""

    @dg.asset(
        **declared(DAILY_COSTS),
        partitions_def=partitions,
        # One run reprices the whole history of a cost center: its costs are one query over its files.
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"duckdb"},
        check_specs=check_specs(DAILY_COSTS, _COST_CHECKS, blocking=_BLOCKING),
        description=(
            "Credits and US dollars per day, cost center, organization, project, workflow, job, branch, resource "
            "class, executor, operating system, trigger source and build status, per charge type and in total. "
            "Each row keeps the price it was computed with. Add up costs over any dimension; never add a charge "
            "type to the total, which holds it already. A NULL cost is unpriced, not free. To plot all cost centers "
            "see cost_center_days: the plots here show the last partitions, which are of one cost center."
        ),
    )
    def daily_costs(
        context: dg.AssetExecutionContext,
        warehouse: Warehouse,
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[Clock],
    ) -> metadata.Materialized:
        summaries, largest = [], []
        with dagster_failures(), _engine(settings, lake) as engine:
            if engine is not None:
                context.log.info(f"The engine at {engine.section.server} prices the job runs.")
            # A backfill of this asset alone must use the current rates, too.
            with warehouse.writing(PRICING_PERIODS) as connection:
                write_prices(connection, settings.price_periods, settings.history_start, utc_today(clock) + RATES_AHEAD)
            for center_days in partition_days(context.partition_keys, partitions):
                name = center_days.cost_center
                asked: _Asked = {
                    "history_start": settings.history_start,
                    "restatement_days": settings.restatement_days,
                    "organizations": settings.cost_center(name).organizations,
                }
                plan = Plan(partial(changed_days, lake=lake, cost_center=name, days=center_days.days, **asked))
                fence = partial(refuse_if_ended, context)
                with warehouse.writing(DAILY_COSTS, name, days=plan, fence=fence) as connection:
                    summary = write_daily_costs(
                        connection,
                        lake,
                        name,
                        center_days.days,
                        clock.now(),
                        engine=engine,
                        planned=plan.days,
                        **asked,
                    )
                    summaries.append(summary)
                    largest += largest_costs(connection, name, summary.days)
                    for day in day_sums(connection, name, center_days.days):
                        key = partition_key(name, day.day)
                        context.add_asset_metadata(_day_metadata(day), partition_key=key)
        return dg.MaterializeResult(
            metadata=_run_metadata(summaries, largest), check_results=list(_cost_results(summaries))
        )

    return daily_costs


def _engine(settings: Settings, lake: Lake) -> AbstractContextManager[SparkConnect | None]:
    """The server that prices; None where DuckDB does."""
    return SparkConnect(settings.engine, str(lake.root)) if settings.engine.is_server else nullcontext()


def _cost_results(summaries: Sequence[CostSummary]) -> Iterator[dg.AssetCheckResult]:
    difference = sum((summary.credits - summary.job_run_credits for summary in summaries), start=_ZERO)
    yield failure("credits_equal_job_runs", when(difference, f"{difference} credits too many in daily_costs"))
    unaccounted = sum((summary.cost_usd - summary.charge_types_cost_usd for summary in summaries), start=_ZERO)
    yield failure("charge_types_add_up", when(unaccounted, f"{unaccounted} USD are in no charge type"))
    unpriced = sum((summary.unpriced_credits for summary in summaries), start=_ZERO)
    yield failure("all_credits_priced", when(unpriced, f"{unpriced} credits have no price: add a pricing period"))
    without = [day for summary in summaries for day in summary.days_without_job_runs]
    yield warning(
        "job_runs_for_each_day",
        when(without, f"no job runs for {metadata.days(without)}: materialize them first"),
    )


def _day_metadata(day: DayCosts) -> dict[str, metadata.Value]:
    """The numbers of one partition: the UI plots them by partition, so sums over a run do not belong here."""
    return {
        "dagster/partition_row_count": day.rows,
        "runs": day.runs,
        "credits": metadata.number(day.credits),
        "unpriced_credits": metadata.number(day.unpriced_credits),
        "total_usd": metadata.number(day.cost_usd),
    }


def _run_metadata(summaries: Sequence[CostSummary], largest: Sequence[tuple[object, ...]]) -> dict[str, metadata.Value]:
    """The sums of the whole run, as text: Dagster shows them on each of the run's partitions."""
    cost = sum((summary.cost_usd for summary in summaries), start=_ZERO)
    return {
        "days_of_this_run": metadata.days(day for summary in summaries for day in summary.days),
        "cost_of_this_run": metadata.usd(cost),
        "largest_costs_of_this_run": metadata.table(("cost center", "project", "workflow", "credits", "USD"), largest),
    }
