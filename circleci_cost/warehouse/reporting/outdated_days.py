"""The published days whose costs are no longer what this version and the present prices would make of them.

In: a connection that is open on a published generation. Computing costs again is a command's job.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb

from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.model.pricing.price_periods import daily_rates
from circleci_cost.warehouse.costs.pricing_periods import stale_prices
from circleci_cost.warehouse.reporting.report import days_with_data, days_with_usage, unfilled_days


def days_at_former_prices(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, list[DayRange]]:
    """The published days, by cost center, whose price differs from the configuration's present one."""
    available = days_with_data(connection)
    if available is None:
        return {}
    rates = daily_rates(settings.price_periods, available.first, available.last)
    return {
        name: _joined(ranges, days_with_usage(connection, name))
        for name, ranges in stale_prices(connection, rates).items()
    }


def days_of_earlier_versions(connection: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, list[DayRange]]:
    """The published days, by cost center, that lack what this version computes and that have job runs."""
    unfilled = unfilled_days(connection)
    with_job_runs = {name: set(lake.job_runs_days(name)).intersection(days) for name, days in unfilled.items()}
    return {
        name: _joined(as_ranges(sorted(days)), days_with_usage(connection, name))
        for name, days in with_job_runs.items()
        if days
    }


def of_earlier_version(unfilled: Mapping[str, Sequence[DayRange]]) -> str:
    """The sentence about costs of an earlier version, with the days of `days_of_earlier_versions`, if any."""
    days = "; ".join(f"{name}: {say_ranges(ranges)}" for name, ranges in unfilled.items())
    return (
        f"made by an earlier version of circleci_cost{f' ({days})' if days else ''}, without what this one computes; "
        "run `circleci-cost reprice`, which fetches nothing"
    )


def _joined(ranges: Sequence[DayRange], days_used: set[date]) -> list[DayRange]:
    """Join ranges that only days without usage separate: such days have no price that could be out of date."""
    joined = [ranges[0]]
    for following in ranges[1:]:
        between = days_between(joined[-1].last, following.first)[1:-1]
        if days_used.isdisjoint(between):
            joined[-1] = DayRange(joined[-1].first, following.last)
        else:
            joined.append(following)
    return joined
