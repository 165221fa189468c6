"""Computes and replaces the daily costs of one cost center's days, from its job runs and rates.

Prices come from `daily_rates` (see `pricing_periods`); Dagster or the caller decides which days are computed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import polars as pl

from circleci_cost.day_ranges import as_ranges
from circleci_cost.engines.spark_connect import SparkConnect
from circleci_cost.lake.days import Provenance, known_provenances, read_provenances, read_restatements
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.lake.readable import readable
from circleci_cost.lake.settling import unread, unsettled_days
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.costs.job_run_prices import price_job_runs, refuse_inexact
from circleci_cost.warehouse.costs.repriced_days import computing_rules, days_to_reprice, reprice_days, still_to_reprice
from circleci_cost.warehouse.efficiency.superseded import mark_superseded, marked_days
from circleci_cost.warehouse.tables.changed_days import ChangedDays

# Times in the warehouse are UTC without a zone: DuckDB needs an extension for those with one.
_SOURCES_SCHEMA: dict[str, pl.DataType] = {
    "cost_center": pl.String(),
    "date": pl.Date(),
    "export_id": pl.String(),
    "exported_at": pl.Datetime("us"),
    "costed_at": pl.Datetime("us"),
    "settled": pl.Boolean(),
    "job_runs_sha256": pl.String(),
    "computed_by": pl.String(),
}


@dataclass(frozen=True)
class DayCosts:
    """Exact sums over one day; zeros for a day without usage."""

    day: date
    rows: int
    runs: int
    credits: Decimal
    unpriced_credits: Decimal
    cost_usd: Decimal


@dataclass(frozen=True)
class CostSummary:
    """What was written: exact sums over the written days, and the same credits counted in the job runs."""

    days: tuple[date, ...]
    days_without_job_runs: tuple[date, ...]
    rows: int
    jobs: int
    runs: int
    credits: Decimal
    unpriced_credits: Decimal
    cost_usd: Decimal
    charge_types_cost_usd: Decimal
    job_run_credits: Decimal


def write_daily_costs(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    cost_center: str,
    days: Collection[date],
    at: datetime,
    *,
    history_start: date,
    restatement_days: int,
    organizations: Collection[str] = (),
    engine: SparkConnect | None = None,
    planned: ChangedDays | None = None,
) -> CostSummary:
    """Replace the daily costs of `days` in one transaction; a day without job runs ends up without costs.

    Days of the history whose job runs have changed since their costs were computed are computed again with them: a
    job may have moved out of a neighbouring day, or a run was cut off before their costs. Nothing is fetched and
    nothing is parsed again. An `engine` prices in place of DuckDB. `planned`: what `changed_days` gave for a connection
    that has the rows of these days alone; job runs that came since are left to the next run, but for those of a day
    that was to be `repriced`: it is computed anew.
    """
    history = (history_start, restatement_days)
    asked = _asked(lake, cost_center, days, history, organizations)
    present, unsettled = asked.present, asked.unsettled
    with transaction(connection):
        written = sorted(planned.anew | planned.repriced) if planned else asked.written(connection)
        with_runs = [day for day in written if day in present]
        files = readable(lake.job_runs_file(cost_center, day) for day in with_runs)
        files_of = dict(zip(with_runs, files, strict=True))
        # Before they are priced: a file that is replaced meanwhile is another one than was noted, and priced again.
        sources = _sources(lake, cost_center, with_runs, at, unsettled)
        repriced = _still_repriced(connection, cost_center, planned, sources)
        anew = sorted(set(written) - repriced)
        _delete(connection, "daily_costs", cost_center, anew)
        _delete(connection, "usage_days", cost_center, written)
        if repriced:
            reprice_days(connection, cost_center, repriced)
            refuse_inexact(connection, cost_center, sorted(repriced))
        if read := [day for day in anew if day in present]:
            connection.execute(sql("costs/dimension_names"), {"files": [files_of[day] for day in read]})
            price_job_runs(connection, lake, cost_center, read, engine)
        if files:
            connection.execute(sql("costs/rename"))
        mark_superseded(connection, lake, cost_center, anew, present)
        counted = _counted(connection, files)
        if files:
            _record_days(connection, sources, counted)
        sums = one_row(connection, sql("costs/cost_summary"), {"cost_center": cost_center, "days": written})
    rows, jobs, runs, credits, unpriced_credits, cost_usd, charge_types_cost_usd = sums
    return CostSummary(
        days=tuple(written),
        days_without_job_runs=tuple(sorted(set(written) - present)),
        rows=rows,
        jobs=jobs,
        runs=runs,
        credits=credits,
        unpriced_credits=unpriced_credits,
        cost_usd=cost_usd,
        charge_types_cost_usd=charge_types_cost_usd,
        job_run_credits=sum(counted["credits"], start=Decimal(0)),
    )


def changed_days(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    cost_center: str,
    days: Collection[date],
    *,
    history_start: date,
    restatement_days: int,
    organizations: Collection[str] = (),
) -> ChangedDays:
    """The days of which `write_daily_costs` will change rows: those that it will compute anew, or reprice, and others.

    Raises `StorageError`.
    """
    history = (history_start, restatement_days)
    asked = _asked(lake, cost_center, days, history, organizations)
    with transaction(connection):
        written = asked.written(connection)
        repriced = days_to_reprice(connection, lake, cost_center, asked.checksums(written))
    changed = frozenset({*written, *marked_days(written, asked.present)})
    return ChangedDays(changed, anew=frozenset(written) - repriced, repriced=repriced)


@dataclass(frozen=True)
class _Asked:
    """What to compute: the days asked for, and what the job runs of the cost center say of all days."""

    lake: Lake
    cost_center: str
    days: Collection[date]
    history: Collection[date]
    job_runs: Mapping[date, Provenance | None]
    unsettled: Collection[date]

    @property
    def present(self) -> set[date]:
        """The days that have job runs."""
        return set(self.job_runs)

    def checksums(self, days: Iterable[date]) -> dict[date, str | None]:
        """The checksums of the job runs of those of the days that have any; None where it is not known."""
        read = {day: self.job_runs[day] for day in days if day in self.job_runs}
        return {day: provenance.sha256 if provenance else None for day, provenance in read.items()}

    def written(self, connection: duckdb.DuckDBPyConnection) -> list[date]:
        """The days to compute, in order."""
        behind = _not_costed(connection, self.cost_center, self.history, self.unsettled)
        return sorted({*self.days, *_changed_since(connection, self.lake, self.cost_center, self.job_runs), *behind})


def _asked(
    lake: Lake,
    cost_center: str,
    days: Collection[date],
    history: tuple[date, int],
    organizations: Collection[str],
) -> _Asked:
    history_start, restatement_days = history
    there = lake.job_runs_days(cost_center)
    job_runs = dict(zip(there, known_provenances(lake, cost_center, there), strict=True))
    landed = landed_exports(lake, cost_center)
    unsettled = {
        *unsettled_days(job_runs, landed, restatement_days, trust_imports=True, organizations=organizations),
        *unread(job_runs, landed),
    }
    return _Asked(lake, cost_center, days, {day for day in job_runs if day >= history_start}, job_runs, unsettled)


def _changed_since(
    connection: duckdb.DuckDBPyConnection, lake: Lake, cost_center: str, job_runs: Mapping[date, Provenance | None]
) -> list[date]:
    """The days whose job runs are not those that their costs were computed of.

    By the files' checksums: by the clock, costs of a file that was being replaced meanwhile are newer than the new one.
    Where a checksum is not known, as that of a lost or damaged file, the days that were restated later.
    """
    costed: pl.DataFrame = connection.sql(
        "SELECT date, costed_at, job_runs_sha256 FROM usage_days WHERE cost_center = $cost_center",
        params={"cost_center": cost_center},
    ).pl()
    restated = read_restatements(lake, [cost_center]).group_by("date").agg(pl.col("recorded_at").max())
    days = costed.join(restated, on="date", how="left").sort("date")
    read = (job_runs.get(day) for day in days["date"])
    found = pl.Series([provenance and provenance.sha256 for provenance in read], dtype=pl.String)
    known = found.is_not_null() & pl.col("job_runs_sha256").is_not_null()
    later = pl.col("recorded_at").dt.replace_time_zone(None) > pl.col("costed_at")
    changed = pl.when(known).then(pl.col("job_runs_sha256") != found).otherwise(later)
    return days.filter(changed).get_column("date").to_list()


def _not_costed(
    connection: duckdb.DuckDBPyConnection, cost_center: str, present: Collection[date], unsettled: Collection[date]
) -> list[date]:
    """The days that have no costs yet, and the settled ones whose costs are still recorded as unsettled."""
    query = "SELECT date, coalesce(settled, false) FROM usage_days WHERE cost_center = $cost_center"
    settled = dict(connection.execute(query, {"cost_center": cost_center}).fetchall())
    return [day for day in present if day not in settled or not (settled[day] or day in unsettled)]


def _delete(connection: duckdb.DuckDBPyConnection, table: str, cost_center: str, days: Sequence[date]) -> None:
    for span in as_ranges(days):
        connection.execute(
            f"DELETE FROM {table} WHERE cost_center = $cost_center AND date BETWEEN $first AND $last",  # noqa: S608
            {"cost_center": cost_center, "first": span.first, "last": span.last},
        )


def _sources(
    lake: Lake, cost_center: str, days: Sequence[date], at: datetime, unsettled: Collection[date]
) -> pl.DataFrame:
    rows = []
    read = read_provenances(lake, cost_center, days)
    for day, provenance in zip(days, read, strict=True):
        *_, export_id = provenance.exports
        times = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (max(provenance.exports.values()), at))
        rows.append((cost_center, day, export_id, *times, day not in unsettled, provenance.sha256, computing_rules()))
    return pl.DataFrame(rows, schema=_SOURCES_SCHEMA, orient="row")


def _still_repriced(
    connection: duckdb.DuckDBPyConnection, cost_center: str, planned: ChangedDays | None, sources: pl.DataFrame
) -> set[date]:
    """Those of the days to be repriced whose job runs are what they were when that was planned."""
    checksums = dict(sources.select("date", "job_runs_sha256").iter_rows())
    days = planned.repriced.intersection(checksums) if planned else frozenset()
    return still_to_reprice(connection, cost_center, {day: checksums[day] for day in days})


def _record_days(connection: duckdb.DuckDBPyConnection, sources: pl.DataFrame, counted: pl.DataFrame) -> None:
    connection.register("sources", sources)
    connection.register("counted", counted)
    try:
        connection.execute(sql("costs/usage_days"))
    finally:
        connection.unregister("sources")
        connection.unregister("counted")


def _counted(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> pl.DataFrame:
    """The job runs and credits of each day, as the files of job runs have them."""
    if not files:
        return pl.DataFrame(schema={"date": pl.Date, "jobs": pl.Int64, "credits": pl.Decimal(38, 6)})
    counted: pl.DataFrame = connection.sql(sql("costs/job_runs_of_days"), params={"files": files}).pl()
    return counted


def day_sums(connection: duckdb.DuckDBPyConnection, cost_center: str, days: Sequence[date]) -> list[DayCosts]:
    """The sums of each of these days, in order."""
    parameters = {"cost_center": cost_center, "days": list(days)}
    return [DayCosts(*row) for row in connection.execute(sql("costs/day_sums"), parameters).fetchall()]


def largest_costs(
    connection: duckdb.DuckDBPyConnection, cost_center: str, days: Sequence[date], most: int = 10
) -> list[tuple[object, ...]]:
    """The workflows with the most credits: (cost center, project, workflow, credits, USD rounded to cents)."""
    parameters = {"cost_center": cost_center, "days": list(days), "most": most}
    return connection.execute(sql("costs/largest_costs"), parameters).fetchall()


def total_costs(connection: duckdb.DuckDBPyConnection) -> tuple[Decimal, Decimal]:
    """The USD and the credits of all daily costs."""
    cost_usd, credits = one_row(
        connection, "SELECT coalesce(sum(cost_usd), 0), coalesce(sum(credits), 0) FROM daily_costs"
    )
    return cost_usd, credits
