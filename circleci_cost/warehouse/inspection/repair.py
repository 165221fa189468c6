"""Sets aside what an inspection found damaged, so that the next run makes it again. Deletes nothing.

All that stops being used stays in `state/damaged/`, below the path that it had.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from circleci_cost.assets import DAILY_COSTS, INFRASTRUCTURE_COSTS
from circleci_cost.database import connect
from circleci_cost.errors import StorageError
from circleci_cost.lake.files import fsync_directory, storage_errors, write_atomic
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import MANIFEST
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import turn
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.inspection.findings import Damage, DamagedSet
from circleci_cost.warehouse.publishing.generations import POINTER
from circleci_cost.warehouse.tables.manifests import TableFile
from circleci_cost.warehouse.tables.schemas import statements
from circleci_cost.warehouse.tables.table_sets import MONTHLY_ORDER, NEWEST_NAMES
from circleci_cost.warehouse.tables.views import rows_of
from circleci_cost.warehouse.tables.writing import write_tables

_USAGE_DAYS = "usage_days"


@dataclass
class SetAside:
    """The folder of what was set aside, and the paths that it had below the data directory."""

    folder: Path
    paths: list[str] = field(default_factory=list)


def repair(lake: Lake, damage: Damage, now: datetime) -> SetAside:
    """Set aside what is damaged. Killed in the middle, the next one does the rest. Raises `StorageError`."""
    aside = SetAside(lake.damaged / f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for each in damage.sets:
        with turn(lake.table_lock(each.place.described.replace(" of ", "."))):
            _refuse_changed(each)
            _mend_set(lake, each, aside, now)
    for path in (*damage.files, *(export.directory / MANIFEST for export in damage.exports)):
        _move(lake, path, aside)
    with turn(lake.publishing_lock):
        if damage.pointer:
            _move(lake, lake.published / POINTER, aside)
        for folder in damage.generations:
            _move(lake, folder, aside)
    return aside


def _refuse_changed(damaged: DamagedSet) -> None:
    """A run may have written the set since it was inspected."""
    if damaged.manifest is not None and damaged.place.read() != damaged.manifest:
        raise StorageError(
            f"{damaged.place.current} was replaced by a run meanwhile; its files were left as they are. Run the same "
            "command again."
        )


def _mend_set(lake: Lake, damaged: DamagedSet, aside: SetAside, now: datetime) -> None:
    place, manifest = damaged.place, damaged.manifest
    if manifest is not None and place.table_set.name == DAILY_COSTS.name:
        for file in damaged.files:
            _keep(lake, lake.root / file.path, aside)
        _keep(lake, place.current, aside)
        with storage_errors(place.folder), closing(connect()) as connection:
            months = _load_intact(connection, lake, damaged)
            write_tables(connection, place, manifest, now, months=months)
        return
    # Its other tables were made together with it; what was intact stays here when nothing lists it any more.
    with storage_errors(place.folder):
        for path in sorted(place.folder.glob("*.parquet")):
            _keep(lake, path, aside)
    if place.table_set.name == INFRASTRUCTURE_COSTS.name:
        _move(lake, lake.infrastructure_state, aside)
    _move(lake, place.current, aside)


def _load_intact(connection: duckdb.DuckDBPyConnection, lake: Lake, damaged: DamagedSet) -> set[str]:
    """Load the set's tables without the days whose costs are damaged; return the months that have no file any more.

    The next run computes every day that `usage_days` lacks. Names are gathered from the days that a run computes:
    where they are lost, all days are computed again.
    """
    connection.execute(sql("core/macros"))
    place, broken = damaged.place, set(damaged.files)
    months = {file.month for file in broken if file.month}
    for table in (*place.table_set.tables, "derived_from"):
        connection.execute(statements()[table])
    forget_all = any(file.table == NEWEST_NAMES for file in broken)
    for table in place.table_set.tables:
        files = [file for file in _files(damaged, table) if file not in broken]
        if not files or table in MONTHLY_ORDER or (table == _USAGE_DAYS and forget_all):
            continue
        rows = rows_of(connection, lake.root, table, files)
        where = " WHERE NOT list_contains($months, strftime(date, '%Y-%m'))" if table == _USAGE_DAYS else ""
        parameters = {"months": sorted(months)} if where else {}
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM ({rows}){where}", parameters)  # noqa: S608
    return months


def _files(damaged: DamagedSet, table: str) -> Iterator[TableFile]:
    return iter(damaged.manifest.of(table) if damaged.manifest else ())


def _keep(lake: Lake, path: Path, aside: SetAside) -> None:
    """Keep a file under another name, too: it stays where readers of a generation look for it."""
    if not path.exists():
        return
    target = _target(lake, path, aside)
    with storage_errors(target):
        if target.exists():
            return
        if isinstance(path, StorePath):
            write_atomic(target, path.read_bytes())
            return
        try:
            target.hardlink_to(path)
        except OSError:
            # A file system without links, or with a limit on them.
            shutil.copy2(path, target)
        fsync_directory(target.parent)


def _move(lake: Lake, path: Path, aside: SetAside) -> None:
    if not path.exists():
        return
    if isinstance(path, StorePath) and path.is_dir():
        # A store has no folders: only what is in them moves.
        for each in path.rglob("*"):
            if each.is_file():
                _move(lake, each, aside)
        return
    target = _target(lake, path, aside)
    with storage_errors(path):
        path.replace(target)
        fsync_directory(target.parent)
        fsync_directory(path.parent)


def _target(lake: Lake, path: Path, aside: SetAside) -> Path:
    relative = path.relative_to(lake.root)
    target = aside.folder / relative
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    aside.paths.append(relative.as_posix())
    return target
