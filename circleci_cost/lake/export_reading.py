"""Reads the parts of a landed export: blocks are typed and checked in parallel, and handed on in their order.

`model` decides what makes a row valid; merging the rows of several exports is `ingest`'s job.
"""

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import polars as pl

from circleci_cost.errors import ExportDataError, StorageError, UnknownOrganizationError
from circleci_cost.lake.manifests import WITHOUT_BACKUP, LandedExport, set_aside, was_replaced
from circleci_cost.lake.readable import at_hand
from circleci_cost.lake.spill import job_keys
from circleci_cost.model.usage.imported_records import read_imported
from circleci_cost.model.usage.job_runs import PRECEDENCE, refuse_unknown_organizations
from circleci_cost.model.usage.normalize import normalize_compactly
from circleci_cost.model.usage.records import Header, RecordBlock, read_records
from circleci_cost.text.units import counted

# More than so many blocks at once take memory and save no time: one thread decompresses for all.
_MOST_THREADS = 4
_From = TypeVar("_From")
_To = TypeVar("_To")


@dataclass(frozen=True)
class Expected:
    """The organizations that exports may hold: `known`, or all but `refused`."""

    known: Collection[str]
    refused: Collection[str] | None


@dataclass(frozen=True)
class ReadRows:
    """The rows of a block that are of wanted days, with their `job_keys`; `read` and `outside` count all its rows.

    `outside`: not in the window of the export.
    """

    header: Header
    rows: pl.DataFrame
    keys: pl.DataFrame
    read: int
    outside: int


class ReplacedExportError(Exception):
    """An export is no longer the one that its manifest named; nothing was written yet."""


@contextmanager
def set_aside_unless_readable(export: LandedExport) -> Iterator[None]:
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


def read_export(
    export: LandedExport, precedence: int, wanted: Collection[date], expected: Expected
) -> Iterator[ReadRows]:
    """Read an export's parts, checking each row; `precedence` is its rank among the exports that are merged.

    Raises `ExportDataError`, also for an export that holds no day of its window, and `ReplacedExportError` where
    another process replaces it meanwhile.
    """
    manifest = export.manifest
    read = outside = 0
    for block in _in_parallel(_blocks(export), lambda block: _rows(export, block, precedence, wanted, expected)):
        yield block
        read, outside = read + block.read, outside + block.outside
    if read and outside == read:
        raise ExportDataError(
            f"No job of export {manifest.export_id} ({counted(read, 'job')}) has a JOB_RUN_DATE in its window "
            f"{manifest.first_day} to {manifest.last_day} (cost center {manifest.cost_center!r}): CircleCI answered "
            "with other days. Nothing of it was used."
        )


def _rows(
    export: LandedExport, block: RecordBlock, precedence: int, wanted: Collection[date], expected: Expected
) -> ReadRows:
    manifest, header = export.manifest, block.header
    rows = normalize_compactly(block)
    read = rows.height
    refuse_unknown_organizations(rows, manifest.cost_center, expected.known, header.file, expected.refused)
    days = rows.get_column("job_run_date").unique().to_list()
    within = [day for day in days if manifest.first_day <= day <= manifest.last_day]
    outside = 0 if len(within) == len(days) else read - rows.filter(pl.col("job_run_date").is_in(within)).height
    used = [day for day in within if day in wanted]
    if len(used) < len(days):
        rows = rows.filter(pl.col("job_run_date").is_in(used))
    rows = rows.with_columns(pl.lit(precedence, dtype=pl.Int32).alias(PRECEDENCE))
    return ReadRows(header, rows, job_keys(rows), read, outside)


def _blocks(export: LandedExport) -> Iterator[RecordBlock]:
    read = read_imported if export.manifest.source == "import" else read_records
    for path in export.part_paths():
        try:
            with at_hand(path) as file:
                yield from read(file)
        except FileNotFoundError as error:
            if was_replaced(export):
                raise ReplacedExportError from error
            raise StorageError(
                f"{path}, a part of export {export.manifest.export_id}, is missing; nothing was replaced. Restore it "
                f"from a backup; {WITHOUT_BACKUP}"
            ) from error


def _in_parallel(items: Iterator[_From], work: Callable[[_From], _To]) -> Iterator[_To]:
    """Work on items as they come, several at a time; results and errors come in the order of the items.

    One thread of its own asks for the items, since a generator serves one thread only.
    """
    threads = min(os.cpu_count() or 1, _MOST_THREADS)

    def work_on(coming: Future[_From | None]) -> _To | None:
        item = coming.result()
        return None if item is None else work(item)

    with ThreadPoolExecutor(max_workers=1) as reader, ThreadPoolExecutor(max_workers=threads) as workers:

        def ahead() -> Future[_To | None]:
            return workers.submit(work_on, reader.submit(next, items, None))

        waiting = deque(ahead() for _ in range(threads + 1))
        while (done := waiting.popleft().result()) is not None:
            waiting.append(ahead())
            yield done
