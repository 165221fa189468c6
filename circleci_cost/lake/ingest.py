"""From landed exports to the job runs of days: read, merge, compare with the published days, publish day by day.

Each day's file is replaced by one rename, so a crash leaves each day as it was or as it will be.
`model` decides what makes a row valid; fetching exports is `circleci`'s job.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from circleci_cost.errors import TransientSourceError
from circleci_cost.lake.days import JobRunsDay, read_day, read_provenances, state_of_day, write_day, write_restatement
from circleci_cost.lake.export_reading import (
    Expected,
    ReplacedExportError,
    read_export,
    set_aside_unless_readable,
)
from circleci_cost.lake.files import remove_abandoned
from circleci_cost.lake.known_usage import jobs_of_day
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.manifests import LandedExport, Manifest, disbelieve, exports_by_day, landed_exports
from circleci_cost.lake.moved import neighbour_keys, read_keys, read_neighbours, remove_moved_jobs
from circleci_cost.lake.readable import present
from circleci_cost.lake.spill import ROWS_IN_MEMORY, DaySpill, new_spill, remove_abandoned_spills
from circleci_cost.lake.turns import in_the_same_turns
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.job_runs import (
    DaySummary,
    Provenance,
    empty_day,
    finish_days,
    latest_of_each_job,
    summarize_days,
)
from circleci_cost.model.usage.restatements import compare
from circleci_cost.model.usage.schema import FILE_SCHEMA

# A reading is repeated only where another process landed the same window meanwhile.
_READINGS = 5
# A file waits for the disk twice; meanwhile others are encoded.
_FILES_AT_ONCE = 4


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
    # Days are written several at a time: a kill may leave records of days of which the next run records nothing.
    remove_abandoned(lake.restatements(cost_center))
    for _ in range(_READINGS):
        with suppress(ReplacedExportError):
            return _ingest(
                lake,
                cost_center,
                Expected({organization.lower() for organization in organizations}, refused),
                days,
                ingested_at=ingested_at,
                rows_in_memory=rows_in_memory,
            )
    raise TransientSourceError(
        f"The usage exports of cost center {cost_center!r} were replaced {_READINGS} times while they were read; "
        "nothing was changed. Run the same command again when no other process fetches these days."
    )


def _ingest(
    lake: Lake,
    cost_center: str,
    expected: Expected,
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
    published = _published_exports(lake, cost_center, covered)
    precedence = _rank(exports, [*(neighbour.exports for neighbour in neighbours), *published.values()])
    export_ids = {rank: export_id for export_id, rank in precedence.items()}
    with DaySpill(new_spill(lake.spill), rows_in_memory) as spill:
        for export in exports:
            wanted = {day for day in covered if export in sources[day]}
            if wanted:
                with set_aside_unless_readable(export):
                    rank = precedence[export.manifest.export_id]
                    _collect(export, rank, wanted, expected, spill=spill, report=report)
        for day in _emptied(lake, cost_center, sources, covered, spill.days):
            # CircleCI restates usage but never takes back a whole day. Jobs that have moved still leave the day.
            disbelieve(sources[day][-1], [day])
            neighbours += read_keys(lake, cost_center, [day])
            del covered[day]
            report.days_kept.append(day)
        lost = spill.settle(neighbour_keys(neighbours, precedence))
        _publish_days(
            _Window(lake, cost_center, covered, published), spill, Provenance(export_ids, ingested_at), report
        )
    report.duplicate_rows = report.rows_wanted - sum(day.jobs for day in report.days)
    for day, keys in sorted(lost.items()):
        report.restated += remove_moved_jobs(lake, cost_center, day, keys, export_ids=export_ids, at=ingested_at)
    return report


def _published_exports(lake: Lake, cost_center: str, days: Iterable[date]) -> dict[date, dict[str, datetime]]:
    """The exports that the published days of a window came from; some may have been replaced since."""
    paths = {day: lake.job_runs_file(cost_center, day) for day in days}
    there = set(present(paths.values()))
    written = [day for day, path in paths.items() if path in there]
    read = read_provenances(lake, cost_center, written)
    return {day: dict(provenance.exports) for day, provenance in zip(written, read, strict=True)}


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


def _collect(
    export: LandedExport,
    precedence: int,
    wanted: Collection[date],
    expected: Expected,
    *,
    spill: DaySpill,
    report: IngestReport,
) -> None:
    """Put the rows of an export that are of wanted days into the spill."""
    for block in read_export(export, precedence, wanted, expected):
        report.unknown_columns.update(block.header.unknown)
        report.missing_columns.update(block.header.missing)
        report.rows_read += block.read
        report.rows_outside_window += block.outside
        report.rows_wanted += block.rows.height
        spill.add(block.rows, block.keys)


@dataclass(frozen=True)
class _Window:
    """Days of a cost center to write, each with the manifests and, where it was written before, its exports then."""

    lake: Lake
    cost_center: str
    sources: Mapping[date, Sequence[Manifest]]
    published: Mapping[date, Mapping[str, datetime]]


def _publish_days(window: _Window, spill: DaySpill, provenance: Provenance, report: IngestReport) -> None:
    """Write the days of a window, several files at a time."""

    def publish(day: date, rows: pl.DataFrame) -> pl.DataFrame:
        exports = {manifest.export_id: manifest.exported_at for manifest in window.sources[day]}
        new = JobRunsDay(window.cost_center, day, rows, exports)
        return _publish(window.lake, new, window.published.get(day), provenance.ingested_at)

    with ThreadPoolExecutor(_FILES_AT_ONCE, initializer=in_the_same_turns()) as writers:
        for days, rows in _finished(spill, provenance, window.sources):
            summaries = {summary.day: summary for summary in summarize_days(rows)}
            changes = writers.map(publish, days, _slices(rows, days, summaries))
            report.restated += [change for change in changes if change.height]
            report.days += [summaries.get(day, empty_day(day)) for day in days]
    report.days.sort(key=lambda summary: summary.day)


def _finished(
    spill: DaySpill, provenance: Provenance, days: Collection[date]
) -> Iterator[tuple[list[date], pl.DataFrame]]:
    """Some days at a time with their job runs as they are written; the days without any come last."""
    for together, rows in spill.by_days():
        yield together, finish_days(rows if spill.each_job_once else latest_of_each_job(rows), provenance)
    empty = sorted(set(days).difference(spill.days))
    if empty:
        yield empty, pl.DataFrame(schema=FILE_SCHEMA)


def _slices(rows: pl.DataFrame, days: Iterable[date], summaries: Mapping[date, DaySummary]) -> Iterator[pl.DataFrame]:
    """The rows of each day, which stand together in the order of the days."""
    start = 0
    for day in days:
        jobs = summaries[day].jobs if day in summaries else 0
        yield rows.slice(start, jobs)
        start += jobs


def _publish(lake: Lake, new: JobRunsDay, former: Mapping[str, datetime] | None, at: datetime) -> pl.DataFrame:
    """Replace a day, which came from the exports `former`; return its restatement, empty where nothing changed."""
    change = pl.DataFrame(schema=restatements.SCHEMA)
    if former is not None and former != new.exports:
        old = read_day(lake, new.cost_center, new.day)
        change = compare(
            pl.DataFrame(schema=FILE_SCHEMA) if old is None else old.rows,
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
    write_day(lake, new)
    return change
