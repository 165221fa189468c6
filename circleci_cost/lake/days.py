"""The file of one cost center and day of job runs, and the restatements recorded beside it.

A day is replaced as a whole; what goes into it is decided by `ingest`.
"""

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa

from circleci_cost.errors import StorageError
from circleci_cost.lake.disk_failures import storage_failure
from circleci_cost.lake.files import atomic_path, storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import footer_source, parquet_source, readable, texts_of
from circleci_cost.lake.seals import UNSEALED, seal
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.schema import FILE_SCHEMA

# Of the value in a file's footer that says what the file is: JSON.
METADATA_KEY = "circleci_cost"
# Where Parquet's readers look for the Arrow schema of a file.
_SCHEMA_KEY = "ARROW:schema"
# Against level 3: a fifth less time, files 1 % larger (measured on 600,000 job runs).
_ZSTD_LEVEL = 1
_ROW_GROUP_ROWS = 250_000
# What reading a footer raises that is none of ours, or damaged.
_NOT_OURS = (KeyError, ValueError, TypeError, AttributeError, OSError, pl.exceptions.PolarsError)


@dataclass(frozen=True)
class JobRunsDay:
    """The job runs of one day. `exports` maps the id of each export they came from to its time, the latest last."""

    cost_center: str
    day: date
    rows: pl.DataFrame
    exports: Mapping[str, datetime]


def write_day(lake: Lake, day: JobRunsDay) -> None:
    """Replace a day's file, which carries its checksum, by one rename."""
    exports = {export_id: at.isoformat() for export_id, at in day.exports.items()}
    provenance = f'{{{named(day.cost_center)}, "exports": {json.dumps(exports)}, {UNSEALED}}}'
    with atomic_path(lake.job_runs_file(day.cost_center, day.day)) as temporary:
        day.rows.write_parquet(
            temporary,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            row_group_size=_ROW_GROUP_ROWS,
            metadata={METADATA_KEY: provenance, _SCHEMA_KEY: _plain_schema(tuple(day.rows.schema.items()))},
        )
        seal(temporary)


def named(cost_center: str) -> str:
    """How a file's footer names its cost center."""
    return f'"cost_center": {json.dumps(cost_center)}'


@cache
def _plain_schema(columns: tuple[tuple[str, pl.DataType], ...]) -> str:
    """The Arrow schema that readers of a file with these columns are told: categories are text like any other.

    Polars would tell them of dictionaries, which not every engine reads; what the file holds is text in any case.
    """
    written = pl.DataFrame(schema=dict(columns)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    plain = pa.schema((field.name, _plain_type(field.type)) for field in written)
    return base64.b64encode(plain.serialize().to_pybytes()).decode()


def _plain_type(dtype: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(dtype) or pa.types.is_large_string(dtype) else dtype


def read_day(lake: Lake, cost_center: str, day: date, columns: list[str] | None = None) -> JobRunsDay | None:
    """Read a day, or some of its columns; None where it was never written.

    Raises `StorageError` for a file that is not readable.
    """
    path = lake.job_runs_file(cost_center, day)
    source = parquet_source(path)
    if source is None:
        return None
    try:
        rows = pl.read_parquet(source, columns=columns, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error
    return JobRunsDay(cost_center, day, _as_in_memory(rows), _provenance(path, source).exports)


def _as_in_memory(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a file as they were before it was written; one of an earlier version may lack new columns."""
    return rows.drop("cost_center", strict=False).cast(
        {name: dtype for name, dtype in FILE_SCHEMA.items() if name in rows.columns}
    )


@dataclass(frozen=True)
class Provenance:
    """What a day's footer says: the exports of its rows, the latest last, and the file's checksum where it has one."""

    exports: Mapping[str, datetime]
    sha256: str | None


def read_exports(path: Path) -> dict[str, datetime]:
    """Read from a day's footer alone which exports it came from and when each was exported, the latest last."""
    return dict(read_provenance(path).exports)


def read_provenance(path: Path) -> Provenance:
    """Read a day's footer alone. Raises `StorageError`."""
    try:
        source = footer_source(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _provenance(path, source)


def read_provenances(lake: Lake, cost_center: str, days: Iterable[date]) -> list[Provenance]:
    """Read the footers of some days, in their order. Raises `StorageError`, for a day without a file, too."""
    days = list(days)
    found = known_provenances(lake, cost_center, days)
    return [
        provenance or read_provenance(lake.job_runs_file(cost_center, day))
        for day, provenance in zip(days, found, strict=True)
    ]


def known_provenances(lake: Lake, cost_center: str, days: Iterable[date]) -> list[Provenance | None]:
    """As `read_provenances`, with None for a file that is missing or not readable."""
    paths = [lake.job_runs_file(cost_center, day) for day in days]
    texts = texts_of(f"footers of job runs of {cost_center}", paths, _footer_text, footers=True)
    return [None if text is None else _parsed_or_none(text) for text in texts]


def _footer_text(source: Path | io.BytesIO) -> str | None:
    try:
        return pl.read_parquet_metadata(source)[METADATA_KEY]
    except _NOT_OURS:
        return None


def _parsed_or_none(text: str) -> Provenance | None:
    try:
        return _parsed(text)
    except _NOT_OURS:
        return None


def _provenance(path: Path, source: Path | io.BytesIO) -> Provenance:
    try:
        return _parsed(pl.read_parquet_metadata(source)[METADATA_KEY])
    except _NOT_OURS as error:
        raise _unreadable(path, error) from error


def _parsed(text: str) -> Provenance:
    footer = json.loads(text)
    exports = {export_id: datetime.fromisoformat(at) for export_id, at in footer["exports"].items()}
    return Provenance(exports, footer.get("sha256"))


def state_of_day(lake: Lake, cost_center: str, day: date) -> str:
    """Identify the published state of a day by a hash of its file's bytes."""
    with lake.job_runs_file(cost_center, day).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def write_restatement(lake: Lake, change: pl.DataFrame, replaced: str, number: int = 0) -> None:
    """Record what one export changed in one day: one row of `restatements.SCHEMA`, one file.

    The file is named by the replaced state of the day (`state_of_day`) and, where one write makes several changes, by
    their number. After a crash between the record and the day's file, the next export that replaces the same state
    overwrites the record, so that no record of a change that never happened stays.
    """
    row = change.row(0, named=True)
    with atomic_path(lake.restatement_file(row["cost_center"], row["date"], f"{replaced}-{number}")) as temporary:
        change.write_parquet(temporary, compression="zstd")


def read_restatements(lake: Lake, cost_centers: Iterable[str]) -> pl.DataFrame:
    """All recorded restatements of these cost centers, by cost center, date and time of recording."""
    files = [path for name in cost_centers for path in sorted(lake.restatements(name).glob("[!.]*.parquet"))]
    if not files:
        return pl.DataFrame(schema=restatements.SCHEMA)
    with storage_errors(files[0].parent, "read"):
        rows = pl.read_parquet(readable(files), hive_partitioning=False)
    return rows.sort("cost_center", "date", "recorded_at", "export_id")


def _unreadable(path: Path, error: Exception) -> StorageError:
    failure = storage_failure(error)
    if failure is not None and not failure.damaged:
        return StorageError(f"Cannot read {path}: {failure.reason}; nothing was changed. {failure.advice}")
    again = "materialize job_runs for this day again from its export."
    if isinstance(error, FileNotFoundError):
        return StorageError(f"{path} is missing; {again}")
    return StorageError(
        f"{path} is not a file of job runs of this version ({type(error).__name__}); move it away, keep it, and {again}"
    )
