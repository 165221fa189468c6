"""Removes table files that no manifest lists any more, nor any generation that is kept.

Which generations are kept is decided in `generations`.
"""

from contextlib import suppress
from pathlib import Path

from circleci_cost.clock import file_age
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.publishing.generations import KEPT_SECONDS, finished_generations
from circleci_cost.warehouse.tables.manifests import take_snapshot


def remove_unlisted(lake: Lake) -> list[Path]:
    """Remove the files below `tables/` that nothing lists; return them.

    A file younger than an hour may be that of a run that has not switched its manifest yet. Raises `StorageError`.
    """
    removed = []
    for path, _ in unlisted_files(lake):
        with suppress(FileNotFoundError):  # removed by another run meanwhile
            # Asked now: its grace may have begun since the listing, which takes long where files are many.
            if file_age(path.stat()) > KEPT_SECONDS:
                path.unlink()
                removed.append(path)
    return removed


def unlisted_files(lake: Lake) -> list[tuple[Path, float]]:
    """The files below `tables/` that nothing lists, and how old each is in seconds. Raises `StorageError`."""
    current = (file for manifest in take_snapshot(lake).manifests.values() for file in manifest.files)
    published = (
        file
        for generation in finished_generations(lake)
        for files in (generation.manifest.tables or {}).values()
        for file in files
    )
    listed = {file.path for file in (*current, *published)}
    unlisted = []
    for path in lake.tables.glob("**/*.parquet"):
        if path.relative_to(lake.root).as_posix() not in listed:
            with suppress(FileNotFoundError):  # its own writer has just removed it
                unlisted.append((path, file_age(path.stat())))
    return unlisted
