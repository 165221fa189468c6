"""What lies in a data directory that nothing reads: unlisted files, the database of an earlier version."""

from collections.abc import Iterator

from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake
from circleci_cost.text.units import counted, size, verb
from circleci_cost.warehouse.inspection.findings import Finding
from circleci_cost.warehouse.publishing.generations import KEPT_SECONDS
from circleci_cost.warehouse.publishing.unlisted_files import unlisted_files


def leftover_findings(lake: Lake) -> Iterator[Finding]:
    """Remarks about what is left over. Raises `StorageError` where a folder may not be read."""
    if lake.earlier_warehouse.exists():
        what = (
            "the tables of an earlier version, which are not verified, nor are job runs: the next run, such as "
            "`circleci-cost reprice`, takes them over and removes it"
        )
        yield Finding("earlier version", "remark", lake.earlier_warehouse.name, what)
    try:
        unlisted = unlisted_files(lake)
    except StorageError:
        return  # a manifest that is not readable: it has a finding of its own
    if unlisted:
        young = sum(age <= KEPT_SECONDS for _, age in unlisted)
        total = sum(path.stat().st_size for path, _ in unlisted if path.exists())
        waiting = f"; {counted(young, 'file')} {verb(young, 'is', 'are')} younger than an hour" if young else ""
        what = (
            f"{counted(len(unlisted), 'file')} ({size(total)}) that no manifest lists: the next publication removes "
            f"those that are older than an hour{waiting}"
        )
        yield Finding("unlisted files", "remark", "tables", what)
