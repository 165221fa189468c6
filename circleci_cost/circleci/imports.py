"""Lands usage exports that a user already has as files, verified like downloads.

The caller says which days and organization they are of; nothing here reads their rows.
"""

import gzip
import hashlib
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from circleci_cost.circleci.downloads import Downloaded
from circleci_cost.circleci.gzip_check import MAGIC, PLAIN_CSV, kind_of, verify_gzip
from circleci_cost.circleci.landing import put_in_place, staging
from circleci_cost.circleci.limits import MIB, DownloadLimits
from circleci_cost.circleci.progress import SILENT, ExportProgress
from circleci_cost.clock import Clock
from circleci_cost.errors import ExportDataError, UsageError
from circleci_cost.lake.files import TEMPORARY_PREFIX, storage_errors
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.manifests import LandedExport, Manifest, landed_exports, write_manifest
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import TurnWords, turn
from circleci_cost.named_files.regular_files import require_regular_file

_STAGE = f"{TEMPORARY_PREFIX}import-"

_IMPORTING = TurnWords("Another import is at work: this one waits for it.")


@dataclass(frozen=True)
class Imported:
    """The result of an import; `already` where the same files had landed before and nothing was changed."""

    landed: LandedExport
    already: bool


def land_files(
    lake: Lake,
    cost_center: str,
    files: Sequence[Path],
    first_day: date,
    last_day: date,
    *,
    organization_id: str,
    shared_organization_ids: tuple[str, ...] = (),
    clock: Clock,
    limits: DownloadLimits | None = None,
    progress: ExportProgress = SILENT,
) -> Imported:
    """Copy files (gz, or plain CSV, which is compressed) into the lake as one incomplete export.

    Raises `UsageError` for a file that cannot be read, `ExportDataError` for one that is neither CSV nor whole
    gzip; then nothing is landed. Imports take turns: two imports of the same files would write the same names.
    """
    bounds = limits or DownloadLimits()
    claim(lake)
    with (
        turn(lake.imports_lock, progress.message, _IMPORTING),
        _staging(lake.exports(cost_center)) as stage,
    ):
        staged = [_stage(path, stage / f"{TEMPORARY_PREFIX}{index:04d}", bounds) for index, path in enumerate(files)]
        hashes = sorted({file.part.sha256 for file in staged})
        for export in landed_exports(lake, cost_center):
            if export.manifest.parts and sorted(part.sha256 for part in export.manifest.parts) == hashes:
                return Imported(export, already=True)
        import_id = f"import-{hashlib.sha256(''.join(hashes).encode()).hexdigest()[:12]}"
        directory = lake.imported(cost_center, first_day, last_day, import_id)
        now = clock.now()
        with put_in_place(directory, staged, "part-{:04d}.csv.gz".format, progress.message) as parts:
            manifest = Manifest(
                cost_center=cost_center,
                source="import",
                complete=False,
                export_id=import_id,
                organization_id=organization_id,
                shared_organization_ids=shared_organization_ids,
                first_day=first_day,
                last_day=last_day,
                requested_at=now,
                exported_at=now,
                url_count=len(files),
                parts=parts,
            )
            write_manifest(directory, manifest)
    progress.finished()
    return Imported(LandedExport(directory=directory, manifest=manifest), already=False)


@contextmanager
def _staging(exports: Path) -> Iterator[Path]:
    """A folder for copies. Folders that killed imports left are removed: no other import is running."""
    if isinstance(exports, StorePath):
        with staging(exports) as stage:
            yield stage
        return
    for folder in exports.glob(f"{_STAGE}*"):
        shutil.rmtree(folder, ignore_errors=True)
    with staging(exports / f"{_STAGE}{uuid.uuid4().hex[:12]}") as stage:
        yield stage


def _stage(path: Path, target: Path, limits: DownloadLimits) -> Downloaded:
    """Copy one file, compressed, and verify the copy: the bytes that were checked are those that land."""
    require_regular_file(path, UsageError, "Nothing was imported.")
    try:
        with path.open("rb") as source:
            start = source.read(4096)
            source.seek(0)
            plain = not start.startswith(MAGIC)
            if plain and kind_of(start) != PLAIN_CSV:
                raise ExportDataError(f"{path} is {kind_of(start)}, neither a CSV nor gzip; nothing was imported.")
            with storage_errors(target), target.open("wb") as file:
                if plain:
                    # No name and no time in the header: the same CSV always gives the same file.
                    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as compressed:
                        shutil.copyfileobj(source, compressed, MIB)
                else:
                    shutil.copyfileobj(source, file, MIB)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UsageError(f"{path} is not a file; nothing was imported.") from None
    except PermissionError:
        raise UsageError(f"{path} cannot be read; give this user read access to it.") from None
    return Downloaded(target, verify_gzip(target, limits, name=str(path)))
