"""Compares all files that manifests list with what they list: those of tables, of the published generation, of exports.

What their rows add up to is looked at in `sums` and `job_runs`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import MANIFEST, LandedExport, in_order, read_export
from circleci_cost.warehouse.inspection.checksums import Listed, compare
from circleci_cost.warehouse.publishing.generations import (
    Generation,
    NothingPublishedError,
    current_generation,
    generation_folders,
    read_generation,
)
from circleci_cost.warehouse.tables.manifests import Place, TableFile, TableManifest, places


@dataclass
class Listings:
    """All manifests of a data directory, those that cannot be read with the reason, and the files that are damaged."""

    tables: dict[Place, TableManifest] = field(default_factory=dict)
    generation: Generation | None = None
    exports: dict[str, list[LandedExport]] = field(default_factory=dict)
    unreadable: dict[Path | Place, str] = field(default_factory=dict)
    damaged: dict[Path, str] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0

    def intact(self, root: Path, files: Sequence[TableFile]) -> list[TableFile]:
        """Those of `files` that are as listed."""
        return [file for file in files if root / file.path not in self.damaged]


def read_listings(
    lake: Lake, cost_centers: Sequence[str], tell: Callable[[int, int], object] = lambda *_: None
) -> Listings:
    """Read all manifests and compare the files that they list; `tell` gets the bytes read, and those of all files.

    Raises `StorageError` for what may not be read.
    """
    found = Listings()
    for place in places(lake):
        try:
            found.tables[place] = place.read()
        except CircleciCostError as error:
            found.unreadable[place] = str(error)
    _read_generations(lake, found)
    for name in cost_centers:
        _read_exports(lake, name, found)
    listed = _listed(lake, found)
    found.files, found.bytes = len(listed), sum(file.bytes for file in listed.values())
    done = 0

    def told(read: int) -> None:
        nonlocal done
        done += read
        tell(done, found.bytes)

    found.damaged = compare(listed, told)
    return found


def _read_generations(lake: Lake, found: Listings) -> None:
    try:
        found.generation = current_generation(lake)
    except NothingPublishedError:
        pass
    except CircleciCostError:
        found.unreadable[lake.published] = "it names no readable generation"
    if not lake.published.exists():
        return
    with storage_errors(lake.published, "read"):
        for folder in generation_folders(lake):
            try:
                read_generation(folder)
            except CircleciCostError as error:
                found.unreadable[folder] = str(error)
            except FileNotFoundError:
                continue  # a publication has just removed it


def _read_exports(lake: Lake, cost_center: str, found: Listings) -> None:
    exports = []
    with storage_errors(lake.exports(cost_center), "read"):
        for path in lake.exports(cost_center).glob(f"*/{MANIFEST}"):
            try:
                exports.append(read_export(path.parent))
            except CircleciCostError as error:
                found.unreadable[path] = str(error)
            except FileNotFoundError:
                continue  # a run has just replaced it
    found.exports[cost_center] = in_order(exports)


def _listed(lake: Lake, found: Listings) -> Mapping[Path, Listed]:
    files = [file for manifest in found.tables.values() for file in manifest.files]
    if found.generation and found.generation.manifest.tables:
        files += [file for listed in found.generation.manifest.tables.values() for file in listed]
    listed = {lake.root / file.path: Listed(file.bytes, file.sha256) for file in files}
    for exports in found.exports.values():
        for export in exports:
            for part in export.manifest.parts:
                listed[export.directory / part.name] = Listed(part.bytes, part.sha256)
    return listed
