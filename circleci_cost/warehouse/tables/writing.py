"""Writes the rows of a connection's tables as new immutable Parquet files of a set, and switches its manifest.

Nothing is visible before the switch. Files that nobody lists are removed by `unlisted_files`.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import duckdb

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import fsync_directory, new_file, storage_errors
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.tables.manifests import Place, TableFile, TableManifest
from circleci_cost.warehouse.tables.schemas import schema_mark
from circleci_cost.warehouse.tables.table_sets import MONTHLY_ORDER


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    replaced: TableManifest,
    at: datetime,
    *,
    rows: Mapping[str, str] | None = None,
    months: Collection[str] | None = None,
    fence: Callable[[], object] = lambda: None,
) -> TableManifest:
    """Write the tables of a set to new files and make them the current ones; return the manifest that lists them.

    In: a connection with tables of these names (or with `rows`, queries of our own instead of some), the manifest that
    they replace. With `months` (such as `2026-11`) a monthly table holds the rows of these months only: the files of
    all others stay listed. A file that would hold what its predecessor holds takes the predecessor's place and name.
    `fence` is called last and raises where the tables are no longer wanted. After an error, and where nothing has
    changed, the set is as it was. Raises `StorageError`.
    """
    root = place.lake.root
    files: list[TableFile] = []
    with _removed_after_errors(root) as fresh, storage_errors(place.folder):
        place.folder.mkdir(parents=True, exist_ok=True)
        for table in place.table_set.tables:
            earlier = replaced.of(table)
            known = {(file.month, file.sha256, file.columns): file for file in earlier}
            if months is not None and table in MONTHLY_ORDER:
                files += (file for file in earlier if file.month not in months)
            for file in write_files(connection, root, place.folder, table, (rows or {}).get(table)):
                same = known.get((file.month, file.sha256, file.columns))
                if same is None or not _take_place(root, file, same):
                    fresh.append(file)
                    files.append(file)
                else:
                    files.append(same)
        fsync_directory(place.folder)
        stamp = _stamp(connection, place.table_set.name)
        # Before the switch: a process that is killed after it must not cut short what somebody reads.
        _begin_grace(root, set(replaced.files).difference(files))
        fence()
        _require_present(root, fresh)
    if replaced.version and (set(files), stamp) == (set(replaced.files), replaced.made_from):
        return replaced
    manifest = TableManifest(version=replaced.version + 1, written_at=at, made_from=stamp, files=tuple(files))
    # Where this fails, the rename may have been made: the files stay, and go with the unlisted ones if it was not.
    place.switch(replaced, manifest)
    return manifest


def _take_place(root: Path, file: TableFile, same: TableFile) -> bool:
    """Let a new file replace the one that should hold the same bytes, in case that was damaged; say whether it did.

    In a store, an object of another size stays what it is, and the new one is listed.
    """
    path, there = root / file.path, root / same.path
    if not isinstance(root, StorePath):
        path.replace(there)
        return True
    try:
        size = there.stat().st_size
    except FileNotFoundError:
        return False
    if size != same.bytes:
        return False
    path.unlink(missing_ok=True)
    return True


def _require_present(root: Path, files: Iterable[TableFile]) -> None:
    """Refuse to list what a cleanup took for abandoned while a very long write was under way. Raises `StorageError`."""
    for file in files:
        if not (root / file.path).exists():
            raise StorageError(
                f"{root / file.path} was removed before it was listed; nothing was changed. Run the same command again."
            )


def _begin_grace(root: Path, files: Iterable[TableFile]) -> None:
    """Have the hour of grace of files that are listed no more begin now: somebody may be reading them."""
    if isinstance(root, StorePath):
        return  # whoever reads them has copies
    for file in files:
        with suppress(FileNotFoundError):
            os.utime(root / file.path)


def write_files(
    connection: duckdb.DuckDBPyConnection, root: Path, folder: Path, table: str, rows: str | None = None
) -> Iterator[TableFile]:
    """Write all rows of a table into new files in `folder` below `root`: one a month, or one in all; none for none.

    `rows` is a query in brackets that stands for the table.
    """
    rows = rows or table
    if table not in MONTHLY_ORDER:
        if not connection.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchall():  # noqa: S608 - our names
            return
        query = f"SELECT * FROM {rows} ORDER BY ALL"  # noqa: S608 - our names
        yield _write(connection, query, folder / table, root)
        return
    months = f"SELECT DISTINCT strftime(date, '%Y-%m') FROM {rows} ORDER BY ALL"  # noqa: S608 - our names
    for (month,) in connection.execute(months).fetchall():
        query = (
            f"SELECT * FROM {rows} WHERE date >= DATE '{month}-01' "  # noqa: S608 - our names
            f"AND date < DATE '{month}-01' + INTERVAL 1 MONTH ORDER BY {MONTHLY_ORDER[table]}"
        )
        yield _write(connection, query, folder / f"{table}.{month}", root).model_copy(update={"month": month})


def _write(connection: duckdb.DuckDBPyConnection, query: str, stem: Path, root: Path) -> TableFile:
    table = stem.name.partition(".")[0]
    path = stem.with_name(f"{stem.name}.{uuid.uuid4().hex[:16]}.parquet")
    with new_file(path) as local:
        copy = f"COPY ({query}) TO {sql_text(str(local))} (FORMAT parquet, COMPRESSION zstd)"
        ((rows,),) = connection.execute(copy).fetchall()
        with local.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        size = local.stat().st_size
    return TableFile(
        table=table,
        path=path.relative_to(root).as_posix(),
        rows=rows,
        bytes=size,
        sha256=digest,
        columns=schema_mark(table),
    )


def _stamp(connection: duckdb.DuckDBPyConnection, asset: str) -> str:
    """The stamp of the daily costs that the set was made from; empty for a set that is not derived from them."""
    query = "SELECT costs_stamp FROM derived_from WHERE derived = $name"
    rows = connection.execute(query, {"name": asset}).fetchall()
    return str(rows[0][0]) if rows else ""


@contextmanager
def _removed_after_errors(root: Path) -> Iterator[list[TableFile]]:
    fresh: list[TableFile] = []
    try:
        yield fresh
    except BaseException:
        for file in fresh:
            (root / file.path).unlink(missing_ok=True)
        raise
