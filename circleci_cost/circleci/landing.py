"""Puts the verified parts of an export in place: renames temporary files, then writes the manifest.

`imports` lands files that a user already has; `lake.manifests` defines the manifest.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.downloads import Downloaded
from circleci_cost.circleci.intents import Intent
from circleci_cost.circleci.progress import ExportProgress
from circleci_cost.circleci.windows import Window
from circleci_cost.lake.files import TEMPORARY_PREFIX, fsync_directory, put_file, storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import MANIFEST, LandedExport, Manifest, Part, read_manifest, write_manifest
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.scratch import stage
from circleci_cost.text.units import counted


def land_export(
    lake: Lake,
    connection: Connection,
    intent: Intent,
    downloaded: Iterable[Downloaded],
    *,
    url_count: int,
    progress: ExportProgress,
) -> LandedExport:
    """Publish the parts of an intent's job as the export of its window; it replaces an earlier one.

    `exported_at` is the time of the request, not of the download: the export holds what CircleCI knew then.
    """
    window = Window(intent.first_day, intent.last_day)
    job_id = intent.usage_export_job_id or ""
    directory = lake.export(connection.cost_center, window.first_day, window.last_day)
    names = f"part-{{:04d}}-{job_id[:8]}.csv.gz"
    with put_in_place(directory, downloaded, names.format, progress.message) as parts:
        manifest = Manifest(
            cost_center=connection.cost_center,
            source="usage_export_job",
            complete=True,
            export_id=job_id,
            organization_id=connection.organization_id,
            shared_organization_ids=connection.shared_organization_ids,
            first_day=window.first_day,
            last_day=window.last_day,
            requested_at=intent.requested_at,
            exported_at=intent.requested_at,
            url_count=url_count,
            parts=parts,
        )
        write_manifest(directory, manifest)
    return LandedExport(directory=directory, manifest=manifest)


@contextmanager
def staging(directory: Path) -> Iterator[Path]:
    """Make `directory` for temporary files. Those that an exception or an earlier crash left there are removed.

    In place of one in an object store, it is a folder of this machine.
    """
    if isinstance(directory, StorePath):
        with stage() as folder:
            yield folder
        return
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _remove_temporary(directory)
    try:
        yield directory
    finally:
        _remove_temporary(directory)
        # Usually it is not empty: it holds a landed export, this one or an earlier one.
        with contextlib.suppress(OSError):
            directory.rmdir()


@contextmanager
def put_in_place(
    directory: Path, files: Iterable[Downloaded], name: Callable[[int], str], report: Callable[[str], None]
) -> Iterator[tuple[Part, ...]]:
    """Rename verified files to `name(index)` in `directory`; the manifest is written inside the context.

    They are numbered in the order of their hashes, so that the order of the URLs changes nothing; of equal
    files one is kept. After an exception no file stays that the manifest does not name.
    """
    distinct: dict[str, Downloaded] = {}
    for file in files:
        if file.part.sha256 in distinct:
            report(
                f"Two parts have the same content ({file.part.sha256[:12]}, {counted(file.part.lines, 'line')}); it is "
                "kept once."
            )
        else:
            distinct[file.part.sha256] = file
    placed: list[Part] = []
    try:
        with storage_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            for index, sha256 in enumerate(sorted(distinct)):
                file = distinct[sha256]
                part = file.part.model_copy(update={"name": name(index)})
                put_file(file.path, directory / part.name)
                placed.append(part)
            fsync_directory(directory)
        yield tuple(placed)
    except BaseException:
        named = landed_names(directory)
        for part in placed:
            if part.name not in named:
                (directory / part.name).unlink(missing_ok=True)
        raise


def landed_names(directory: Path) -> frozenset[str]:
    """Return the files that the manifest in `directory` names; none where there is no manifest."""
    if not (directory / MANIFEST).is_file():
        return frozenset()
    return frozenset(part.name for part in read_manifest(directory).parts)


def _remove_temporary(directory: Path) -> None:
    for path in directory.glob(f"{TEMPORARY_PREFIX}*"):
        if path.is_symlink() or path.is_file():
            path.unlink(missing_ok=True)
