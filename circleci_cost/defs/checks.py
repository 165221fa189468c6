"""Standing checks: what is wrong between runs, whatever ran last.

The modules of the assets check the rows of a single run.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from circleci_cost.assets import BY_DAY, DAILY_COSTS, JOB_RUNS, PRICING_PERIODS
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import say_ranges
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import failure, warning, when
from circleci_cost.defs.costs import RATES_AHEAD
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import checks_dependencies, checks_every_day
from circleci_cost.defs.resources import Warehouse
from circleci_cost.history.coverage import IMPORT_THEM, OpenDays, missing_days, overdue_days
from circleci_cost.lake.layout import Lake
from circleci_cost.model.pricing import price_periods
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.costs.pricing_periods import stale_prices
from circleci_cost.warehouse.reporting.report import unfilled_days

_FRESHNESS = timedelta(days=2)


def build_checks(settings: Settings, partitions: dg.MultiPartitionsDefinition) -> Sequence[dg.AssetChecksDefinition]:
    """The checks of stale prices, earlier versions, gaps, unsettled days, freshness and failed partitions."""

    @dg.asset_check(
        asset=DAILY_COSTS.name,
        additional_deps=[PRICING_PERIODS.name],
        automation_condition=checks_dependencies(),
        description="Every day's costs rest on the price that the configuration says today.",
    )
    def prices_up_to_date(warehouse: Warehouse, clock: dg.ResourceParam[Clock]) -> dg.AssetCheckResult:
        last = utc_today(clock) + RATES_AHEAD
        rates = price_periods.daily_rates(settings.price_periods, settings.history_start, last)
        with dagster_failures(), warehouse.get_connection() as connection, transaction(connection):
            stale = stale_prices(connection, rates)
        ranges = [f"{name}: {say_ranges(stale_ranges)}" for name, stale_ranges in stale.items()]
        days = sum(stale_range.days for stale_ranges in stale.values() for stale_range in stale_ranges)
        return failure(
            "prices_up_to_date",
            when(
                stale,
                f"{counted(days, 'day')} {verb(days, 'is', 'are')} priced at a former rate ({'; '.join(ranges)}): "
                "backfill daily_costs for them, or run `circleci-cost reprice`",
            ),
            {"stale_days": days, "stale_ranges": "; ".join(ranges) or "–"},
        )

    @dg.asset_check(
        asset=DAILY_COSTS.name, description="No day lacks what this version computes and an earlier one did not."
    )
    def computed_by_this_version(warehouse: Warehouse) -> dg.AssetCheckResult:
        with warehouse.get_connection() as connection, transaction(connection):
            unfilled = unfilled_days(connection)
        named = "; ".join(f"{name}: {metadata.days(days)}" for name, days in unfilled.items())
        return warning(
            "computed_by_this_version",
            when(unfilled, f"computed by an earlier version, {named}: run `circleci-cost reprice`"),
            {"days_of_earlier_versions": sum(map(len, unfilled.values()))},
        )

    @dg.asset_check(
        asset=JOB_RUNS.name,
        automation_condition=checks_every_day(),
        description="Every day since history_start that CircleCI can serve is there.",
    )
    def no_gaps(lake: dg.ResourceParam[Lake], clock: dg.ResourceParam[Clock]) -> dg.AssetCheckResult:
        with dagster_failures():
            missing = [missing_days(settings, lake, center.name, clock.now()) for center in settings.cost_centers]
        return _open_days_warning(
            missing,
            "missing",
            "not imported: {}; run `circleci-cost backfill`",
            f"older than CircleCI serves: {{}}; {IMPORT_THEM}",
        )

    @dg.asset_check(
        asset=JOB_RUNS.name,
        automation_condition=checks_every_day(),
        description="Every day older than restatement_days rests on an export that CircleCI no longer restated.",
    )
    def no_unsettled_days(lake: dg.ResourceParam[Lake], clock: dg.ResourceParam[Clock]) -> dg.AssetCheckResult:
        with dagster_failures():
            overdue = [overdue_days(settings, lake, center.name, clock.now()) for center in settings.cost_centers]
        return _open_days_warning(
            overdue,
            "unsettled",
            "exported while CircleCI could still restate them, so their credits may be too low: {}; the next daily run "
            "or `circleci-cost sync` fetches them again",
        )

    @dg.asset_check(
        asset=JOB_RUNS.name,
        automation_condition=checks_every_day(),
        description="The newest day is at most two days old.",
    )
    def data_fresh(lake: dg.ResourceParam[Lake], clock: dg.ResourceParam[Clock]) -> dg.AssetCheckResult:
        today = utc_today(clock)
        newest = {center.name: max(lake.job_runs_days(center.name), default=None) for center in settings.cost_centers}
        outdated = [
            f"{name} ends on {day or 'no day'}"
            for name, day in newest.items()
            if day is None or today - day > _FRESHNESS
        ]
        return warning(
            "data_fresh",
            [*outdated, *when(outdated, "run `circleci-cost sync` and see that the schedule is on")],
            {"data_through": ", ".join(f"{name}: {day}" for name, day in newest.items())},
        )

    @dg.asset_check(
        asset=JOB_RUNS.name,
        automation_condition=checks_every_day(),
        description="No partition failed last: retries are bounded, and then nobody tells.",
    )
    def no_failed_partitions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        keys = partitions.get_partition_keys()
        failed = {}
        for name in BY_DAY:
            status = context.instance.get_status_by_partition(dg.AssetKey(name), keys, partitions) or {}
            failed[name] = [key for key, state in status.items() if state is not None and state.name == "FAILED"]
        named = [
            f"{name}: {', '.join(failed_keys[:5])} ({len(failed_keys):,})"
            for name, failed_keys in failed.items()
            if failed_keys
        ]
        return failure(
            "no_failed_partitions",
            when(named, f"failed and not repaired: {'; '.join(named)}; materialize them again"),
            {"failed_partitions": sum(len(failed_keys) for failed_keys in failed.values())},
        )

    return [prices_up_to_date, computed_by_this_version, no_gaps, no_unsettled_days, data_fresh, no_failed_partitions]


def _open_days_warning(
    open_days: Sequence[OpenDays], what: str, sentence: str, sentence_of_too_old: str = ""
) -> dg.AssetCheckResult:
    """Warn about the days that CircleCI can still serve. The older ones are only listed: nobody can fetch them."""
    fetchable = [
        f"{center_days.cost_center}: {metadata.days(center_days.fetchable)}"
        for center_days in open_days
        if center_days.fetchable
    ]
    too_old = [
        f"{center_days.cost_center}: {metadata.days(center_days.out_of_reach)}"
        for center_days in open_days
        if center_days.out_of_reach
    ]
    sentences = [sentence.format("; ".join(fetchable))] if fetchable else []
    if too_old and sentence_of_too_old:
        sentences.append(sentence_of_too_old.format("; ".join(too_old)))
    return dg.AssetCheckResult(
        passed=not fetchable,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            f"{what}_days": sum(len(center_days.fetchable) for center_days in open_days),
            what: "; ".join(fetchable) or "–",
            "older_than_the_api_reaches": "; ".join(too_old) or "–",
        },
        description="; ".join(sentences) or None,
    )
