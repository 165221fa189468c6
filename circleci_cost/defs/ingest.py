"""The partitioned assets of the source: raw usage exports, and the job runs read from them."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import dagster as dg

from circleci_cost.assets import JOB_RUNS, USAGE_EXPORTS
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning, when
from circleci_cost.defs.declared import declared
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.imported_days import log_imported_days
from circleci_cost.defs.living_runs import refuse_if_ended
from circleci_cost.defs.partitions import PartitionDays, partition_days, partition_key
from circleci_cost.defs.resources import LogProgress, UsageSource
from circleci_cost.history.ingestion import Fetched, fetch_days
from circleci_cost.lake.ingest import IngestReport, ingest_days
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.reading_turns import reading_turn
from circleci_cost.lake.unknown_organizations import UnknownOrganization, unknown_organizations
from circleci_cost.lake.verification import Verification, verify_job_runs
from circleci_cost.model.usage.job_runs import DaySummary
from circleci_cost.model.usage.schema import JOB_RUN_SCHEMA
from circleci_cost.text.units import counted, verb

_CHECKS = {
    "each_job_once": "JOB_ID is unique over the written days.",
    "jobs_in_their_partition": "Every row is of its file's day and cost center.",
    "credits_complete": "The charge types and other_credits add up to total_credits.",
    "charge_types_known": "TOTAL_CREDITS holds no credits beyond the exported charge types.",
    "jobs_in_window": "The export held no job outside the days that were asked for.",
    "no_vanished_jobs": "No job of an earlier export is missing from the later one.",
    "columns_known": "The export has the columns that this version knows, no more and no fewer.",
    "organizations_known": "Every job is of an organization that the configuration names.",
    "export_for_each_day": "Every day that was asked for has an export.",
}
_BLOCKING = frozenset({"each_job_once", "jobs_in_their_partition", "credits_complete"})
# One run covers one cost center and at most as many days as one export job may span.
INGEST_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=31)


class UsageExportsConfig(dg.Config):
    """`refetch`: ask CircleCI again even for days whose export is settled."""

    refetch: bool = False


def build_ingest_assets(settings: Settings, partitions: dg.MultiPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The assets `usage_exports` and `job_runs`."""

    @dg.asset(
        **declared(USAGE_EXPORTS),
        partitions_def=partitions,
        backfill_policy=INGEST_POLICY,
        kinds={"circleci", "csv"},
        description=(
            "Usage exports as CircleCI wrote them: gzip-compressed CSV parts and a manifest for each window of at "
            "most 31 days. Grain: one export job per window; windows overlap, so never add up their rows. "
            "Days whose export is settled are not fetched again unless `refetch` is set."
        ),
    )
    def usage_exports(
        context: dg.AssetExecutionContext,
        config: UsageExportsConfig,
        lake: dg.ResourceParam[Lake],
        source: dg.ResourceParam[UsageSource],
    ) -> metadata.Materialized:
        progress = LogProgress(context.log)
        fetched = []
        with dagster_failures():
            for center_days in partition_days(context.partition_keys, partitions):
                with source.exports(center_days.cost_center, lake, progress) as exports:
                    fetched.append(
                        fetch_days(
                            exports,
                            lake,
                            center_days.cost_center,
                            center_days.days,
                            source.clock,
                            restatement_days=settings.restatement_days,
                            organizations=settings.cost_center(center_days.cost_center).organizations,
                            refetch=config.refetch,
                        )
                    )
        return dg.MaterializeResult(metadata=_export_metadata(fetched))

    @dg.asset(
        **declared(JOB_RUNS),
        partitions_def=partitions,
        backfill_policy=INGEST_POLICY,
        kinds={"polars", "parquet"},
        check_specs=check_specs(JOB_RUNS, _CHECKS, blocking=_BLOCKING),
        metadata={
            "dagster/column_schema": metadata.column_schema(JOB_RUN_SCHEMA, _COLUMN_DESCRIPTIONS),
        },
        description=(
            "One row per job: the export's columns typed, credits exact, each JOB_ID once, the last export wins. "
            "One Parquet file per cost center and day. Count runs where job_run_stopped_at is set; credits are not "
            "seconds × rate, and user (seat) credits are booked on some job's row."
        ),
    )
    def job_runs(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], clock: dg.ResourceParam[Clock]
    ) -> metadata.Materialized:
        reports = []
        unknown: list[UnknownOrganization] = []
        with dagster_failures():
            for center_days in partition_days(context.partition_keys, partitions):
                name = center_days.cost_center
                organizations = settings.cost_center(name).organizations
                with reading_turn(lake, name, context.log.info):
                    refuse_if_ended(context)
                    report = ingest_days(
                        lake,
                        name,
                        organizations,
                        center_days.days,
                        ingested_at=clock.now(),
                        refused=settings.refused_organizations(name),
                    )
                    for summary in report.days:
                        key = partition_key(name, summary.day)
                        context.add_asset_metadata(_day_metadata(summary), partition_key=key)
                    written = [summary.day for summary in report.days]
                    unknown += unknown_organizations(lake, name, organizations, written)
                    reports.append((center_days, report, verify_job_runs(lake, name, written)))
                    log_imported_days(context, lake, name, settings.history_start, utc_today(clock))
        return dg.MaterializeResult(
            metadata=_job_run_metadata(reports),
            check_results=[
                *_job_run_results(reports),
                warning("organizations_known", [organization.described for organization in unknown]),
            ],
        )

    return [usage_exports, job_runs]


_COLUMN_DESCRIPTIONS = {
    "job_run_date": "the charge date (UTC); prices key on it",
    "job_run_seconds": "wall-clock seconds, not multiplied by parallelism",
    "total_credits": "credits; the sum of the charge types and other_credits",
    "user_credits": "credits of seats, booked on some job row",
    "other_credits": "credits in total_credits that no exported charge type holds",
    "last_build_finished_at": "as of the export, not of the job",
}

_ZERO = Decimal(0)
_Reports = Sequence[tuple[PartitionDays, IngestReport, Verification]]


def _export_metadata(fetched: Sequence[Fetched]) -> dict[str, metadata.Value]:
    manifests = [export.manifest for fetch in fetched for export in fetch.landed]
    return {
        "exports": len(manifests),
        "parts": sum(fetch.parts for fetch in fetched),
        "bytes": sum(fetch.bytes for fetch in fetched),
        "windows": metadata.table(
            ("cost center", "window", "export job", "parts", "bytes"),
            (
                (
                    manifest.cost_center,
                    f"{manifest.first_day} – {manifest.last_day}",
                    manifest.export_id,
                    len(manifest.parts),
                    sum(part.bytes for part in manifest.parts),
                )
                for manifest in manifests
            ),
        ),
        "already_there": metadata.days(day for fetch in fetched for day in fetch.already_there),
        "out_of_reach": metadata.days(day for fetch in fetched for day in fetch.out_of_reach),
        "not_yet_available": metadata.days(day for fetch in fetched for day in fetch.not_yet),
    }


def _day_metadata(day: DaySummary) -> dict[str, metadata.Value]:
    """The numbers of one partition: the UI plots them by partition."""
    return {
        "dagster/partition_row_count": day.jobs,
        "jobs": day.jobs,
        "runs": day.runs,
        "credits": metadata.number(day.credits),
    }


def _job_run_metadata(reports: _Reports) -> dict[str, metadata.Value]:
    restated = [row for _, report, _ in reports for row in report.restatements().iter_rows(named=True)]
    return {
        "rows_read": sum(report.rows_read for _, report, _ in reports),
        "duplicate_rows": sum(report.duplicate_rows for _, report, _ in reports),
        "days_without_export": metadata.days(day for _, report, _ in reports for day in report.days_without_export),
        "restatements": metadata.table(
            (
                "date",
                "export",
                "added",
                "removed",
                "changed",
                "credits added",
                "credits removed",
                "credits changed",
            ),
            (
                (
                    row["date"],
                    row["export_id"],
                    row["jobs_added"],
                    row["jobs_removed"],
                    row["jobs_changed"],
                    row["credits_added"],
                    row["credits_removed"],
                    row["credits_changed"],
                )
                for row in restated
            ),
        ),
    }


def _job_run_results(reports: _Reports) -> Iterator[dg.AssetCheckResult]:
    verifications = [verification for _, _, verification in reports]
    ingest_reports = [report for _, report, _ in reports]
    repeated = sum(counts.jobs - counts.distinct_jobs for counts in verifications)
    yield failure(
        "each_job_once", when(repeated, f"{counted(repeated, 'row')} {verb(repeated, 'repeats', 'repeat')} a JOB_ID")
    )
    misplaced = sum(counts.misplaced_jobs + counts.foreign_jobs for counts in verifications)
    yield failure(
        "jobs_in_their_partition",
        when(misplaced, f"{counted(misplaced, 'row')} {verb(misplaced, 'is', 'are')} in another day's file"),
    )
    difference = sum((counts.credits - counts.charge_type_credits for counts in verifications), start=_ZERO)
    yield failure("credits_complete", when(difference, f"charge types miss {difference} credits"))
    other = sum((day.other_credits for report in ingest_reports for day in report.days), start=_ZERO)
    yield warning("charge_types_known", when(other, f"{other} credits are of no exported charge type: see other"))
    outside = sum(report.rows_outside_window for report in ingest_reports)
    yield warning(
        "jobs_in_window",
        when(outside, f"{counted(outside, 'row')} of other days {verb(outside, 'was', 'were')} left out"),
    )
    removed = sum(int(report.restatements()["jobs_removed"].sum()) for report in ingest_reports)
    kept = [day for report in ingest_reports for day in report.days_kept]
    yield warning(
        "no_vanished_jobs",
        [
            *when(removed, f"{counted(removed, 'job')} vanished or moved; see usage_restatements"),
            *when(
                kept,
                f"the export has nothing of {metadata.days(kept)}, which stay as they were and are asked for again",
            ),
        ],
    )
    drift = sorted({name for report in ingest_reports for name in report.unknown_columns | report.missing_columns})
    yield warning("columns_known", when(drift, f"new or missing columns: {', '.join(drift)}"))
    without = [day for report in ingest_reports for day in report.days_without_export]
    yield warning("export_for_each_day", when(without, f"no export for {metadata.days(without)}"))
