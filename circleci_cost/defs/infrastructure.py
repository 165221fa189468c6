"""The asset that reads the costs of the company's own infrastructure: infrastructure_costs."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg

from circleci_cost.assets import INFRASTRUCTURE_COSTS
from circleci_cost.clock import Clock, utc_today
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning, when
from circleci_cost.defs.declared import declared
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_configuration
from circleci_cost.defs.resources import Warehouse
from circleci_cost.errors import TransientSourceError
from circleci_cost.lake.infrastructure import read_sources
from circleci_cost.lake.infrastructure_state import read_state, write_state
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.turns import turn
from circleci_cost.model.infrastructure.definition import Infrastructure, configuration_hash
from circleci_cost.text.units import counted
from circleci_cost.warehouse.infrastructure.infrastructure_costs import (
    InfrastructureSummary,
    known_files,
    next_state,
    write_infrastructure,
)

_CHECKS = {
    "files_readable": "Every source could be read; one that could not keeps what was read before.",
    "infrastructure_fresh": "The newest day of every source is at most three days old.",
    "currency_rates_cover_days": "Exchange rates reach the newest days of the costs.",
    "days_counted_once": "No two files of a source hold the same costs of a day.",
    "amounts_and_tags_filled": "Effective costs, tags and manifests are filled as they should be.",
}
# After the clouds' own night; whoever delivers later is read the next day, or by hand.
_DAILY = "0 11 * * *"
_FRESHNESS = timedelta(days=3)
_RATES_AHEAD = timedelta(days=4)
_MAX_RETRIES = 3


def build_infrastructure_asset(
    sources: Sequence[Infrastructure], resolve: Callable[[Path], Path], *, retry_after_seconds: float = 60
) -> dg.AssetsDefinition:
    """The asset `infrastructure_costs`; without a source it makes an empty table, and is not asked for daily.

    `resolve` makes relative paths absolute, as `Settings.resolve` does. A store that does not answer is asked again
    after `retry_after_seconds`, three times at most.
    """
    daily = dg.AutomationCondition.on_cron(_DAILY)

    @dg.asset(
        **declared(INFRASTRUCTURE_COSTS),
        code_version=configuration_hash(sources),
        automation_condition=follows_configuration() | daily if sources else follows_configuration(),
        kinds={"duckdb", "polars"},
        check_specs=check_specs(INFRASTRUCTURE_COSTS, _CHECKS),
        description=(
            "What the company's own infrastructure costs, from FOCUS files of clouds and from simple CSV files. Grain: "
            "date × source × provider × service × sub account × tag value × currency. Taxes, and purchases "
            "that other rows account for, are left out, charges for more than a day are spread over their days. Add up "
            "cost_usd; cost is in the currency of its row."
        ),
    )
    def infrastructure_costs(
        context: dg.AssetExecutionContext,
        warehouse: Warehouse,
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[Clock],
    ) -> metadata.Materialized:
        # Else a run that has read a file before it was replaced could write last.
        with dagster_failures(), turn(lake.infrastructure_lock):
            state = read_state(lake)
            with warehouse.get_connection() as connection:
                known = known_files(connection)
            # Nothing is fetched or parsed while the warehouse is open.
            read = read_sources(sources, known, resolve, lake.spill / "infrastructure", state)
            with warehouse.get_connection() as connection:
                summary = write_infrastructure(connection, read, clock.now())
            write_state(lake, next_state(state, read, summary))
        _retry_later(summary, context.retry_number, retry_after_seconds)
        return dg.MaterializeResult(metadata=_metadata(summary), check_results=list(_results(summary, clock)))

    return infrastructure_costs


def _retry_later(summary: InfrastructureSummary, retries: int, seconds: float) -> None:
    """Ask for another try where a store did not answer; after the last one a check tells it, and the run goes on."""
    unanswered = [each for each in summary.problems if isinstance(each.error, TransientSourceError)]
    if unanswered and retries < _MAX_RETRIES:
        raise dg.RetryRequested(max_retries=_MAX_RETRIES, seconds_to_wait=seconds) from dg.Failure(
            str(unanswered[0].error)
        )


def _metadata(summary: InfrastructureSummary) -> dict[str, metadata.Value]:
    through = [each.through for each in summary.sources if each.through]
    files, read = (sum(getattr(each, name) for each in summary.sources) for name in ("files", "read"))
    total = sum(summary.providers.get_column("cost_usd"), start=Decimal(0))
    shown: dict[str, metadata.Value] = {
        "dagster/row_count": summary.rows,
        "days": summary.days,
        "data_through": str(max(through, default="–")),
        "total_usd": metadata.number(total),
        "files_read": read,
        "files_unchanged": files - read,
        "files_superseded": sum(each.superseded for each in summary.sources),
        "rows_left_out": sum(each.left_out for each in summary.sources),
        "rows_spread": sum(each.spread for each in summary.sources),
    }
    if summary.providers.height:
        shown["providers"] = metadata.table(
            ("source", "provider", "services", "days", "from", "until", "USD"),
            (
                (*row[:2], row[5], *row[2:5], metadata.usd(row[6]))
                for row in summary.providers.select(
                    "source", "provider", "days", "first_date", "last_date", "services", "cost_usd"
                ).iter_rows()
            ),
        )
    left_out = [(each.source, *category) for each in summary.sources for category in each.categories]
    if left_out:
        shown["left_out"] = metadata.table(("source", "category", "rows", "billed"), left_out)
    gone = [path for each in summary.sources for path in each.vanished]
    if gone:
        shown["files_gone"] = metadata.table(("file",), ((path,) for path in gone))
    return shown


def _results(summary: InfrastructureSummary, clock: Clock) -> Iterator[dg.AssetCheckResult]:
    problems = [f"{each.source}: {each.error}" for each in summary.problems]
    yield failure("files_readable", [*problems, *when(problems, "What was read before stays.")])
    today = utc_today(clock)
    yield warning(
        "infrastructure_fresh",
        (
            f"{each.source} ends on {each.through or 'no day'}; see that its files are still delivered"
            for each in summary.sources
            if each.through is None or today - each.through > _FRESHNESS
        ),
    )
    yield warning(
        "currency_rates_cover_days",
        (
            f"{each.source}: the rates of {currency} end on {last}, its costs on {each.through}; add newer rates"
            for each in summary.sources
            for currency, last in each.rates_through.items()
            if each.through and each.through - last > _RATES_AHEAD
        ),
    )
    yield warning("days_counted_once", map(_repeated, summary.repeated.iter_rows(named=True)))
    yield warning(
        "amounts_and_tags_filled",
        (f"{each.source}: {remark}" for each in summary.sources for remark in each.remarks),
    )


def _repeated(row: dict[str, Any]) -> str:
    others = row["days"] - 1
    more = f" and {counted(others, 'other day')}" if others else ""
    return (
        f"{row['source']}: {row['path']} and {row['other_path']} hold the same costs of {row['first']}{more}; leave "
        "the costs of a day in one of them, or say with deliveries in its section which delivery is the newest"
    )
