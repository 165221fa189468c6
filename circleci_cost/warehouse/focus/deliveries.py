"""Which files a delivery consists of: a FOCUS file a month, one file of all months, or what a receiver accepts.

All are written into a folder that is the caller's to publish.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from circleci_cost.days import months_later
from circleci_cost.lake.files import fsync_file, write_atomic
from circleci_cost.model.focus.columns import Version
from circleci_cost.model.focus.metadata import FILE, metadata
from circleci_cost.model.focus.receivers import CLOUDZERO, Receiver
from circleci_cost.text.literals import json_text
from circleci_cost.warehouse.focus.export import Month, Source
from circleci_cost.warehouse.focus.files import (
    WrittenFile,
    join_csv,
    join_parquet,
    write_csv,
    write_parquet,
    write_parts,
)
from circleci_cost.warehouse.focus.rows import focus_query, receiver_query

CSV, PARQUET = "csv", "parquet"


def write_months(
    source: Source, months: Iterable[Month], version: Version, form: str, folder: Path
) -> list[WrittenFile]:
    """A file a month, `focus-2026-11.csv`. In: `CSV` or `PARQUET`, and months as `months_of_rows` gives them."""
    query = focus_query(version, source.grain, as_text=form == CSV)
    write = write_csv if form == CSV else write_parquet
    return [write(source.connection, query, folder / month_file(month.name, form)) for month in months]


def month_file(month: str, form: str) -> str:
    """The name of a month's file."""
    return f"focus-{month}.{form}"


def write_metadata(source: Source, version: Version, folder: Path) -> None:
    """The metadata that belong beside the files."""
    content = json_text(metadata(version, source.grain, source.style)) + "\n"
    write_atomic(folder / FILE, content.encode())


def join(source: Source, files: Sequence[WrittenFile], path: Path) -> WrittenFile:
    """One file of the files of months, which are of the same kind as `path`."""
    if path.suffix == f".{PARQUET}":
        return join_parquet(source.connection, files, path)
    return join_csv(files, path)


def write_received(source: Source, months: Iterable[Month], receiver: Receiver, folder: Path) -> list[WrittenFile]:
    """The files that a receiver accepts, for each month."""
    query = receiver_query(receiver, source.tags)
    if receiver is CLOUDZERO:
        return _drops(
            lambda at: write_parts(source.connection, query, receiver, at, name="circleci", ending=".csv.gz"),
            months,
            folder,
        )
    return [
        file
        for month in months
        for file in write_parts(
            source.connection, query, receiver, folder, name=f"{receiver.name}-{month.name}", ending=".csv"
        )
    ]


def _drops(write: Callable[[Path], list[WrittenFile]], months: Iterable[Month], folder: Path) -> list[WrittenFile]:
    """A drop for each month, as CloudZero reads them from a bucket; its id is that of its content."""
    written = []
    for month in months:
        first = month.days.first.replace(day=1)
        period = folder / f"{first:%Y%m%d}-{months_later(first, 1):%Y%m%d}"
        unnamed = period / "drop"
        unnamed.mkdir(parents=True)
        files = write(unnamed)
        content = hashlib.sha256(b"".join(hashlib.sha256(file.path.read_bytes()).digest() for file in files))
        drop = period / content.hexdigest()[:16]
        unnamed.rename(drop)
        _write(period / "manifest.json", json_text({"version": "1.0.0", "current_drop_id": drop.name}) + "\n")
        written += [WrittenFile(drop / file.path.name, file.rows) for file in files]
    return written


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    fsync_file(path)
