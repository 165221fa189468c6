"""From landed exports to the job runs of days: read, merge, compare with what was there, publish day by day.

Each day's file is replaced by one rename, so a crash leaves each day as it was or as it will be.
What makes a row valid is `model`'s business; fetching exports is `circleci`'s.
"""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from circleci_cost.errors import ExportDataError
from circleci_cost.lake.days import JobRunsDay, read_day, write_day, write_restatement
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import LandedExport, exports_of_day, landed_exports
from circleci_cost.lake.moved import settle_moved_jobs
from circleci_cost.lake.spill import ROWS_IN_MEMORY, DaySpill, remove_abandoned_spills
from circleci_cost.model import restatements
from circleci_cost.model.job_runs import (
    PRECEDENCE,
    DaySummary,
    Provenance,
    finish_day,
    latest_of_each_job,
    refuse_unknown_organizations,
    summarize_day,
)
from circleci_cost.model.normalize import normalize
from circleci_cost.model.records import TextBlock, read_records
from circleci_cost.model.schema import JOB_RUN_SCHEMA


@dataclass
class IngestReport:
    """What one ingest found, for metadata and checks."""

    days: list[DaySummary] = field(default_factory=list)
    days_without_export: list[date] = field(default_factory=list)
    rows_read: int = 0
    duplicate_rows: int = 0
    rows_outside_window: int = 0
    unknown_columns: set[str] = field(default_factory=set)
    missing_columns: set[str] = field(default_factory=set)
    restated: list[pl.DataFrame] = field(default_factory=list)

    def restatements(self) -> pl.DataFrame:
        """The restatements of all days, one row a day that changed."""
        return pl.concat(self.restated) if self.restated else pl.DataFrame(schema=restatements.SCHEMA)


@dataclass(frozen=True)
class _Source:
    export: LandedExport
    precedence: int
    wanted: frozenset[date]


def ingest_days(
    lake: Lake,
    cost_center: str,
    organizations: Collection[str],
    days: Sequence[date],
    *,
    ingested_at: datetime,
    rows_in_memory: int = ROWS_IN_MEMORY,
) -> IngestReport:
    """Write the job runs of `days` from the exports that landed for them.

    Every day with an export gets a file, an empty day an empty one; a day without any export gets none
    and is reported. `organizations` are the ids the cost center names. Raises `ExportDataError` (nothing is
    replaced then: all is read before the first file is written) and `StorageError`.
    """
    report = IngestReport()
    remove_abandoned_spills(lake.spill)
    sources = _sources(landed_exports(lake, cost_center), days)
    export_ids = {source.precedence: source.export.manifest.export_id for source in sources}
    provenance = Provenance(cost_center, export_ids, ingested_at)
    with DaySpill(lake.spill / uuid.uuid4().hex, PRECEDENCE, rows_in_memory) as spill:
        for source in sources:
            _read_export(source, cost_center, organizations, spill, report)
        report.duplicate_rows += spill.settle()
        for day in days:
            manifests = [source.export.manifest for source in sources if day in source.wanted]
            if not manifests:
                report.days_without_export.append(day)
                continue
            finished = _finish(spill.day(day), provenance, report)
            exports = tuple(manifest.export_id for manifest in manifests)
            new = JobRunsDay(cost_center, day, finished, exports, manifests[-1].exported_at)
            _publish(lake, new, ingested_at, report)
            report.days.append(summarize_day(day, finished))
    moved = settle_moved_jobs(lake, cost_center, [summary.day for summary in report.days], ingested_at)
    report.restated.extend(moved)
    return report


def _sources(exports: Sequence[LandedExport], days: Sequence[date]) -> list[_Source]:
    wanted: dict[int, set[date]] = defaultdict(set)
    position = {id(export): precedence for precedence, export in enumerate(exports)}
    for day in days:
        for export in exports_of_day(exports, day):
            wanted[position[id(export)]].add(day)
    return [_Source(exports[index], index, frozenset(wanted[index])) for index in sorted(wanted)]


def _read_export(
    source: _Source, cost_center: str, organizations: Collection[str], spill: DaySpill, report: IngestReport
) -> None:
    manifest = source.export.manifest
    rows_before, outside_before = report.rows_read, report.rows_outside_window
    blocks = itertools.chain.from_iterable(map(read_records, source.export.part_paths()))
    for block in _one_ahead(blocks):
        rows = normalize(block)
        refuse_unknown_organizations(rows, cost_center, organizations, block.header.file)
        report.rows_read += rows.height
        report.unknown_columns.update(block.header.unknown)
        report.missing_columns.update(block.header.missing)
        in_window = pl.col("job_run_date").is_between(manifest.first_day, manifest.last_day)
        inside = rows.filter(in_window)
        report.rows_outside_window += rows.height - inside.height
        wanted = inside.filter(pl.col("job_run_date").is_in(list(source.wanted)))
        spill.add(wanted.with_columns(pl.lit(source.precedence, dtype=pl.Int32).alias(PRECEDENCE)))
    rows_here = report.rows_read - rows_before
    if rows_here and report.rows_outside_window - outside_before == rows_here:
        raise ExportDataError(
            f"None of the {rows_here} jobs of export {manifest.export_id} has a JOB_RUN_DATE in its window "
            f"{manifest.first_day} to {manifest.last_day} (cost center {cost_center!r}): CircleCI answered with "
            "other days. Nothing of it was used; materialize usage_exports for these days again."
        )


def _one_ahead(blocks: Iterable[TextBlock]) -> Iterator[TextBlock]:
    """Read the next block in a thread while the caller works on this one: one core alone decompresses."""
    rest = iter(blocks)
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, rest, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, rest, None)
            yield block


def _finish(rows: pl.DataFrame | None, provenance: Provenance, report: IngestReport) -> pl.DataFrame:
    if rows is None:
        return pl.DataFrame(schema=JOB_RUN_SCHEMA)
    latest = latest_of_each_job(rows)
    report.duplicate_rows += rows.height - latest.height
    return finish_day(latest, provenance)


def _publish(lake: Lake, new: JobRunsDay, at: datetime, report: IngestReport) -> None:
    old = read_day(lake, new.cost_center, new.day)
    if old is not None and old.export_ids != new.export_ids:
        change = restatements.compare(
            old.rows, new.rows, cost_center=new.cost_center, day=new.day, export_id=new.export_ids[-1], at=at
        )
        if change.height:
            # Before the day itself: a crash between the two is repaired by the next run, which finds the
            # day still as it was and writes the same record again.
            write_restatement(lake, change)
            report.restated.append(change)
    write_day(lake, new)
