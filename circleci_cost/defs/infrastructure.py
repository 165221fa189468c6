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
# After the nightly deliveries of the clouds; a later delivery is read the next day, or by hand.
_DAILY = "0 11 * * *"
_FRESHNESS = timedelta(days=3)
_RATES_AHEAD = timedelta(days=4)
_MAX_RETRIES = 3


def build_infrastructure_asset(
    sources: Sequence[Infrastructure], resolve: Callable[[Path], Path], *, retry_after_seconds: float = 60
) -> dg.AssetsDefinition:
    """The asset `infrastructure_costs`; without a source it makes an empty table and has no daily run.

    `resolve` makes relative paths absolute, as `Settings.resolve` does. A store that does not answer is tried again
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
        # Without the lock, a run that read a file before it was replaced could write last.
        with dagster_failures(), turn(lake.infrastructure_lock):
            state = read_state(lake)
            with warehouse.get_connection() as connection:
                earlier_files = known_files(connection)
            # Fetch and parse while the warehouse is closed.
            read = read_sources(sources, earlier_files, resolve, lake.spill / "infrastructure", state)
            with warehouse.writing(INFRASTRUCTURE_COSTS) as connection:
                summary = write_infrastructure(connection, read, clock.now())
            write_state(lake, next_state(state, read, summary))
        _retry_later(summary, context.retry_number, retry_after_seconds)
        return dg.MaterializeResult(metadata=_metadata(summary), check_results=list(_results(summary, clock)))

    return infrastructure_costs


def _retry_later(summary: InfrastructureSummary, retries: int, seconds: float) -> None:
    """Ask for a retry where a store did not answer; after the last one a check reports it, and the run goes on."""
    unanswered = [problem for problem in summary.problems if isinstance(problem.error, TransientSourceError)]
    if unanswered and retries < _MAX_RETRIES:
        raise dg.RetryRequested(max_retries=_MAX_RETRIES, seconds_to_wait=seconds) from dg.Failure(
            str(unanswered[0].error)
        )


def _metadata(summary: InfrastructureSummary) -> dict[str, metadata.Value]:
    through = [source.through for source in summary.sources if source.through]
    files, read = (sum(getattr(source, name) for source in summary.sources) for name in ("files", "read"))
    total = sum(summary.providers.get_column("cost_usd"), start=Decimal(0))
    values: dict[str, metadata.Value] = {
        "dagster/row_count": summary.rows,
        "days": summary.days,
        "data_through": str(max(through, default="–")),
        "total_usd": metadata.number(total),
        "files_read": read,
        "files_unchanged": files - read,
        "files_superseded": sum(source.superseded for source in summary.sources),
        "rows_left_out": sum(source.left_out for source in summary.sources),
        "rows_spread": sum(source.spread for source in summary.sources),
    }
    if summary.providers.height:
        values["providers"] = metadata.table(
            ("source", "provider", "services", "days", "from", "until", "USD"),
            (
                (*row[:2], row[5], *row[2:5], metadata.usd(row[6]))
                for row in summary.providers.select(
                    "source", "provider", "days", "first_date", "last_date", "services", "cost_usd"
                ).iter_rows()
            ),
        )
    left_out = [(source.source, *category) for source in summary.sources for category in source.categories]
    if left_out:
        values["left_out"] = metadata.table(("source", "category", "rows", "billed"), left_out)
    missing_files = [path for source in summary.sources for path in source.vanished]
    if missing_files:
        values["files_gone"] = metadata.table(("file",), ((path,) for path in missing_files))
    return values


def _results(summary: InfrastructureSummary, clock: Clock) -> Iterator[dg.AssetCheckResult]:
    problems = [f"{problem.source}: {problem.error}" for problem in summary.problems]
    yield failure("files_readable", [*problems, *when(problems, "What was read before stays.")])
    today = utc_today(clock)
    yield warning(
        "infrastructure_fresh",
        (
            f"{source.source} ends on {source.through or 'no day'}; see that its files are still delivered"
            for source in summary.sources
            if source.through is None or today - source.through > _FRESHNESS
        ),
    )
    yield warning(
        "currency_rates_cover_days",
        (
            f"{source.source}: the rates of {currency} end on {last}, its costs on {source.through}; add newer rates"
            for source in summary.sources
            for currency, last in source.rates_through.items()
            if source.through and source.through - last > _RATES_AHEAD
        ),
    )
    yield warning("days_counted_once", map(_repeated_sentence, summary.repeated.iter_rows(named=True)))
    yield warning(
        "amounts_and_tags_filled",
        (f"{source.source}: {remark}" for source in summary.sources for remark in source.remarks),
    )


def _repeated_sentence(row: dict[str, Any]) -> str:
    other_days = row["days"] - 1
    further = f" and {counted(other_days, 'other day')}" if other_days else ""
    return (
        f"{row['source']}: {row['path']} and {row['other_path']} hold the same costs of {row['first']}{further}; leave "
        "the costs of a day in one of them, or say with deliveries in its section which delivery is the newest"
    )
