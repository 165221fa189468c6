"""From landed exports to the job runs of days: read, merge, compare with the published days, publish day by day.

Each day's file is replaced by one rename, so a crash leaves each day as it was or as it will be.
`model` decides what makes a row valid; fetching exports is `circleci`'s job.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

import polars as pl

from circleci_cost.errors import ExportDataError, StorageError, TransientSourceError, UnknownOrganizationError
from circleci_cost.lake.days import JobRunsDay, read_day, read_exports, state_of_day, write_day, write_restatement
from circleci_cost.lake.known_usage import jobs_of_day
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.manifests import (
    WITHOUT_BACKUP,
    LandedExport,
    Manifest,
    disbelieve,
    exports_by_day,
    landed_exports,
    set_aside,
    was_replaced,
)
from circleci_cost.lake.moved import neighbour_keys, read_keys, read_neighbours, remove_moved_jobs
from circleci_cost.lake.readable import at_hand, each_of, present
from circleci_cost.lake.spill import ROWS_IN_MEMORY, DaySpill, new_spill, remove_abandoned_spills
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.imported_records import read_imported
from circleci_cost.model.usage.job_runs import (
    PRECEDENCE,
    DaySummary,
    Provenance,
    finish_day,
    latest_of_each_job,
    refuse_unknown_organizations,
    summarize_day,
)
from circleci_cost.model.usage.normalize import normalize
from circleci_cost.model.usage.records import Header, read_records
from circleci_cost.model.usage.restatements import compare
from circleci_cost.model.usage.schema import JOB_RUN_SCHEMA
from circleci_cost.text.units import counted

# A reading is repeated only where another process landed the same window meanwhile.
_READINGS = 5
_T = TypeVar("_T")


@dataclass
class IngestReport:
    """Counts and changes of one ingest, for metadata and checks.

    `rows_wanted` counts the rows of the days that were asked for, duplicates included. `days_kept` keep their
    published usage, since the new export had none for them.
    """

    days: list[DaySummary] = field(default_factory=list)
    days_without_export: list[date] = field(default_factory=list)
    days_kept: list[date] = field(default_factory=list)
    rows_read: int = 0
    rows_wanted: int = 0
    duplicate_rows: int = 0
    rows_outside_window: int = 0
    unknown_columns: set[str] = field(default_factory=set)
    missing_columns: set[str] = field(default_factory=set)
    restated: list[pl.DataFrame] = field(default_factory=list)

    def restatements(self) -> pl.DataFrame:
        """The restatements of all days, one row per changed day."""
        return pl.concat(self.restated) if self.restated else pl.DataFrame(schema=restatements.SCHEMA)


def ingest_days(
    lake: Lake,
    cost_center: str,
    organizations: Collection[str],
    days: Sequence[date],
    *,
    ingested_at: datetime,
    rows_in_memory: int = ROWS_IN_MEMORY,
    refused: Collection[str] | None = None,
) -> IngestReport:
    """Write the job runs of `days` from the exports that landed for them.

    Every day with an export gets a file, an empty day an empty one; a day without any export gets none and is
    reported. `organizations` are the ids that the cost center names; rows of others are refused, or only those of
    `refused`. Raises `StorageError` and `ExportDataError`; nothing is replaced then, since all exports are read before
    the first file is written.

    An export that another process replaces meanwhile is no error: everything is read again from the new landing.
    """
    claim(lake)
    remove_abandoned_spills(lake.spill)
    for _ in range(_READINGS):
        with suppress(_ReplacedExportError):
            return _ingest(
                lake,
                cost_center,
                _Expected({organization.lower() for organization in organizations}, refused),
                days,
                ingested_at=ingested_at,
                rows_in_memory=rows_in_memory,
            )
    raise TransientSourceError(
        f"The usage exports of cost center {cost_center!r} were replaced {_READINGS} times while they were read; "
        "nothing was changed. Run the same command again when no other process fetches these days."
    )


@dataclass(frozen=True)
class _Expected:
    """The organizations that exports may hold: `known`, or all but `refused`."""

    known: Collection[str]
    refused: Collection[str] | None


class _ReplacedExportError(Exception):
    """An export is no longer the one that its manifest named; nothing was written yet."""


def _ingest(
    lake: Lake,
    cost_center: str,
    expected: _Expected,
    days: Sequence[date],
    *,
    ingested_at: datetime,
    rows_in_memory: int,
) -> IngestReport:
    report = IngestReport()
    exports = landed_exports(lake, cost_center)
    by_day = exports_by_day(exports)
    sources = {day: by_day.get(day, []) for day in days}
    covered = {day: [export.manifest for export in landed] for day, landed in sources.items() if landed}
    report.days_without_export.extend(day for day in days if day not in covered)
    neighbours = read_neighbours(lake, cost_center, covered)
    precedence = _rank(exports, _published_exports(lake, cost_center, covered, neighbours))
    export_ids = {rank: export_id for export_id, rank in precedence.items()}
    with DaySpill(new_spill(lake.spill), rows_in_memory) as spill:
        for export in exports:
            wanted = [day for day in covered if export in sources[day]]
            if wanted:
                with _set_aside_unless_readable(export):
                    _read_export(export, precedence, wanted, expected, spill=spill, report=report)
        for day in _emptied(lake, cost_center, sources, covered, spill.days):
            # CircleCI restates usage but never takes back a whole day. Jobs that have moved still leave the day.
            disbelieve(sources[day][-1], [day])
            neighbours += read_keys(lake, cost_center, [day])
            del covered[day]
            report.days_kept.append(day)
        lost = spill.settle(neighbour_keys(neighbours, precedence))
        provenance = Provenance(cost_center, export_ids, ingested_at)
        for day, manifests in covered.items():
            rows = _finish(spill, day, provenance)
            exported = {manifest.export_id: manifest.exported_at for manifest in manifests}
            _publish(lake, JobRunsDay(cost_center, day, rows, exported), ingested_at, report)
    report.duplicate_rows = report.rows_wanted - sum(day.jobs for day in report.days)
    for day, keys in sorted(lost.items()):
        report.restated += remove_moved_jobs(lake, cost_center, day, keys, export_ids=export_ids, at=ingested_at)
    return report


@contextmanager
def _set_aside_unless_readable(export: LandedExport) -> Iterator[None]:
    """Set an unreadable export aside: otherwise it would settle its days, and each run would fail on it again."""
    try:
        yield
    except UnknownOrganizationError:
        raise
    except ExportDataError as error:
        set_aside(export)
        if export.manifest.source == "import":
            raise
        raise ExportDataError(
            f"{error} Its files are kept in {export.directory}; the next run asks CircleCI for these days again."
        ) from error


def _published_exports(
    lake: Lake, cost_center: str, days: Iterable[date], neighbours: Iterable[JobRunsDay]
) -> Iterator[Mapping[str, datetime]]:
    """The exports that the published days in and near a window came from; some may have been replaced since."""
    yield from (neighbour.exports for neighbour in neighbours)
    paths = present(lake.job_runs_file(cost_center, day) for day in days)
    yield from each_of(lake.root, paths, read_exports)


def _rank(exports: Sequence[LandedExport], published: Iterable[Mapping[str, datetime]]) -> dict[str, int]:
    """Number the exports by time, the oldest first."""
    times = {export.manifest.export_id: export.manifest.exported_at for export in exports}
    for exports_of_day in published:
        times.update(exports_of_day)
    ordered = sorted(times, key=lambda export_id: (times[export_id], export_id))
    return {export_id: rank for rank, export_id in enumerate(ordered)}


def _emptied(
    lake: Lake,
    cost_center: str,
    sources: Mapping[date, Sequence[LandedExport]],
    covered: Mapping[date, Sequence[Manifest]],
    used: Collection[date],
) -> list[date]:
    """The days that have published jobs, but none in the latest export of an export job."""
    return [
        day
        for day in covered
        if day not in used and sources[day][-1].manifest.complete and jobs_of_day(lake, cost_center, day)
    ]


def _read_export(
    export: LandedExport,
    precedence: Mapping[str, int],
    wanted: Collection[date],
    expected: _Expected,
    *,
    spill: DaySpill,
    report: IngestReport,
) -> None:
    manifest = export.manifest
    rank = pl.lit(precedence[manifest.export_id], dtype=pl.Int32).alias(PRECEDENCE)
    read = outside = 0
    for header, rows in _one_ahead(_read_parts(export)):
        refuse_unknown_organizations(rows, manifest.cost_center, expected.known, header.file, expected.refused)
        report.unknown_columns.update(header.unknown)
        report.missing_columns.update(header.missing)
        inside = rows.filter(pl.col("job_run_date").is_between(manifest.first_day, manifest.last_day))
        read, outside = read + rows.height, outside + rows.height - inside.height
        wanted_rows = inside.filter(pl.col("job_run_date").is_in(list(wanted)))
        report.rows_wanted += wanted_rows.height
        spill.add(wanted_rows.with_columns(rank))
    report.rows_read += read
    report.rows_outside_window += outside
    if read and outside == read:
        raise ExportDataError(
            f"No job of export {manifest.export_id} ({counted(read, 'job')}) has a JOB_RUN_DATE in its window "
            f"{manifest.first_day} to {manifest.last_day} (cost center {manifest.cost_center!r}): CircleCI answered "
            "with other days. Nothing of it was used."
        )


def _read_parts(export: LandedExport) -> Iterator[tuple[Header, pl.DataFrame]]:
    read = read_imported if export.manifest.source == "import" else read_records
    for path in export.part_paths():
        try:
            with at_hand(path) as file:
                for block in read(file):
                    yield block.header, normalize(block)
        except FileNotFoundError as error:
            if was_replaced(export):
                raise _ReplacedExportError from error
            raise StorageError(
                f"{path}, a part of export {export.manifest.export_id}, is missing; nothing was replaced. Restore it "
                f"from a backup; {WITHOUT_BACKUP}"
            ) from error


def _one_ahead(items: Iterator[_T]) -> Iterator[_T]:
    """Yield items; a thread makes the next one while the caller works on the current one."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = reader.submit(next, items, None)
            yield item


def _finish(spill: DaySpill, day: date, provenance: Provenance) -> pl.DataFrame:
    rows = spill.day(day)
    if rows is None:
        return pl.DataFrame(schema=JOB_RUN_SCHEMA)
    return finish_day(rows if spill.each_job_once else latest_of_each_job(rows), provenance)


def _publish(lake: Lake, new: JobRunsDay, at: datetime, report: IngestReport) -> None:
    path = lake.job_runs_file(new.cost_center, new.day)
    if path.is_file() and read_exports(path) != new.exports:
        old = read_day(lake, new.cost_center, new.day)
        change = compare(
            pl.DataFrame(schema=JOB_RUN_SCHEMA) if old is None else old.rows,
            new.rows,
            cost_center=new.cost_center,
            day=new.day,
            export_id=list(new.exports)[-1],
            at=at,
        )
        if change.height:
            # Before the day itself: a crash between the two is repaired by the next run, which finds the
            # day still as it was and writes the same record again.
            write_restatement(lake, change, state_of_day(lake, new.cost_center, new.day))
            report.restated.append(change)
    write_day(lake, new)
    report.days.append(summarize_day(new.day, new.rows))
