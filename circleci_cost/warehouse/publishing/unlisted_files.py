"""Removes table files that no manifest lists any more, nor any generation that is kept.

Which generations are kept is decided in `generations`.
"""

from pathlib import Path

from circleci_cost.clock import file_age
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.publishing.generations import KEPT_SECONDS, finished_generations
from circleci_cost.warehouse.tables.manifests import take_snapshot


def remove_unlisted(lake: Lake) -> list[Path]:
    """Remove the files below `tables/` that nothing lists; return them.

    A file younger than an hour may be that of a run that has not switched its manifest yet. Raises `StorageError`.
    """
    current = (file for manifest in take_snapshot(lake).manifests.values() for file in manifest.files)
    published = (
        file
        for generation in finished_generations(lake)
        for files in (generation.manifest.tables or {}).values()
        for file in files
    )
    listed = {file.path for file in (*current, *published)}
    removed = []
    unlisted = (
        path for path in lake.tables.glob("**/*.parquet") if path.relative_to(lake.root).as_posix() not in listed
    )
    for path in unlisted:
        try:
            old = file_age(path.stat()) > KEPT_SECONDS
        except FileNotFoundError:
            continue  # its own writer has just removed it
        if old:
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed
