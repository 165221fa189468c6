"""The manifests of table sets: which immutable files are the tables now. A manifest is replaced as a whole, last.

Reading the files is `views`' job, writing them `writing`'s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import storage_errors, write_atomic
from circleci_cost.lake.layout import FORMAT, Lake
from circleci_cost.lake.readable import each_of
from circleci_cost.warehouse.tables.table_sets import TABLE_SETS, TableSet

CURRENT = "current.json"
_DAMAGED = "Restore it from a backup; without one, `circleci-cost doctor --repair` has it made again from the job runs."


class TableFile(BaseModel):
    """One immutable Parquet file of a table; `path` is relative to the data directory, `month` as `2026-11`."""

    model_config = ConfigDict(frozen=True)

    table: str
    path: str
    month: str | None = None
    rows: int
    bytes: int
    sha256: str
    columns: str
    """The mark of its columns, see `schemas.schema_mark`."""


class TableManifest(BaseModel):
    """The files of a set of tables; `made_from` is the stamp of the daily costs that a derived set was made from."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    version: int = 0
    written_at: datetime | None = None
    made_from: str = ""
    files: tuple[TableFile, ...] = ()

    def of(self, table: str) -> list[TableFile]:
        """The files of one table, in the order of their months."""
        return sorted(
            (file for file in self.files if file.table == table), key=lambda file: (file.month or "", file.path)
        )


NOTHING_WRITTEN = TableManifest()


@dataclass(frozen=True)
class Snapshot:
    """All manifests as they were when it was taken, by set and cost center (empty for sets of all cost centers)."""

    manifests: Mapping[tuple[str, str], TableManifest]

    def of(self, table: str) -> list[TableFile]:
        """The files of a table, those of all cost centers."""
        return [file for manifest in self.manifests.values() for file in manifest.of(table)]

    def stamps(self) -> dict[str, str]:
        """The stamps of the daily costs that the derived sets were made from, by asset."""
        return {name: manifest.made_from for (name, _), manifest in self.manifests.items() if manifest.made_from}


@dataclass(frozen=True)
class Place:
    """Where a set of tables lives in a data directory; `cost_center` is empty for the sets of all cost centers."""

    lake: Lake
    table_set: TableSet
    cost_center: str = ""

    @property
    def folder(self) -> Path:
        """The folder of the set's files and of its manifest."""
        return self.lake.tables / self.table_set.name / self.cost_center

    @property
    def current(self) -> Path:
        """The file of the set's manifest."""
        return self.folder / CURRENT

    @property
    def described(self) -> str:
        """The place for a message, such as `daily_costs of acme`."""
        return f"{self.table_set.name} of {self.cost_center}" if self.cost_center else self.table_set.name

    def read(self) -> TableManifest:
        """The manifest, one without files where nothing was written yet. Raises `StorageError`."""
        return _read(self.current)

    def switch(self, replaced: TableManifest, manifest: TableManifest) -> None:
        """Make `manifest` the current one, in one step, where `replaced` still is. Raises `StorageError`."""
        if (present := self.read()).version != replaced.version:
            raise StorageError(
                f"{self.current} was replaced by another run meanwhile (version {present.version}, not "
                f"{replaced.version}); nothing of this one was kept. Run the same command again."
            )
        write_atomic(self.current, manifest.model_dump_json(indent=1).encode())


def take_snapshot(lake: Lake) -> Snapshot:
    """Read all manifests. Raises `StorageError`."""
    found = list(places(lake))
    manifests = each_of(lake.root, found, Place.read)
    names = ((place.table_set.name, place.cost_center) for place in found)
    return Snapshot(dict(zip(names, manifests, strict=True)))


def places(lake: Lake) -> Iterator[Place]:
    """The places of all sets of tables. Raises `StorageError`."""
    for table_set in TABLE_SETS.values():
        if not table_set.by_cost_center:
            yield Place(lake, table_set)
            continue
        with storage_errors(lake.tables, "read"):
            for path in sorted((lake.tables / table_set.name).glob(f"*/{CURRENT}")):
                yield Place(lake, table_set, path.parent.name)


def _read(path: Path) -> TableManifest:
    try:
        with storage_errors(path, "read"):
            text = path.read_bytes()
    except FileNotFoundError:
        return NOTHING_WRITTEN
    try:
        return TableManifest.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(f"{path} is no readable manifest of tables; nothing was changed. {_DAMAGED}") from error
