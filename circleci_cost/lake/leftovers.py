"""Removes what killed processes left in a data directory and nothing else would find again.

A writer removes the leftovers beside its own target (see `files`); here are those beside targets that nobody writes
any more, and folders of imports and exports that were cut off. Notes of export jobs are `circleci.intents`' own.
"""

import shutil
from pathlib import Path

from circleci_cost.clock import file_age
from circleci_cost.lake.files import ABANDONED_AFTER_SECONDS, TEMPORARY_PREFIX
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.stores.paths import StorePath

# Where temporary names can be: below the directory itself, never through a link that leads out of it.
_PLACES = (
    "",
    "state/",
    "state/export_jobs/*/",
    "exports/*/",
    "exports/*/*/",
    "job_runs/*/*/",
    "restatements/*/",
    "tables/*/",
    "tables/*/*/",
    "focus/",
    "published/",
    "published/*/",
)


def remove_leftovers(lake: Lake) -> int:
    """Remove temporary files and folders that are older than any work takes; return how many.

    A store has none: what is on its way there is on this machine's disk, and removed by the next one that goes there.
    """
    if isinstance(lake.root, StorePath):
        return 0
    removed = 0
    for place in _PLACES:
        for path in lake.root.glob(f"{place}{TEMPORARY_PREFIX}*"):
            removed += _remove(path)
    return removed


def _remove(path: Path) -> bool:
    try:
        age = file_age(path.lstat())
    except FileNotFoundError:
        return False  # its own writer is done with it
    if age <= ABANDONED_AFTER_SECONDS or path.is_symlink():
        return False
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True
