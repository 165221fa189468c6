"""Findings about landed exports: manifests that are not readable, parts that are not as received."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from circleci_cost.circleci import plan_windows
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import MANIFEST, LandedExport, exports_by_day
from circleci_cost.warehouse.inspection.findings import Damage, Finding, Remedy, Step
from circleci_cost.warehouse.inspection.listed_files import Listings

_IMPORTED = "restore it from a backup, or import the file again; its job runs are there and stay as they are"
_TOO_OLD = "restore it from a backup: CircleCI no longer serves its days; its job runs are there and stay as they are"


def export_findings(lake: Lake, found: Listings, now: datetime, damage: Damage) -> Iterator[Finding]:
    """The damaged parts of each export; `damage` gets the exports that can be fetched again or that no day needs."""
    for path, why in found.unreadable.items():
        if isinstance(path, Path) and path.name == MANIFEST:
            damage.files.append(path)
            where = path.relative_to(lake.root).as_posix()
            yield Finding("exports", "error", where, "it is not readable", (), why, needs_repair=True)
    for exports in found.exports.values():
        sources = exports_by_day(exports)
        for export in exports:
            parts = [path for path in export.part_paths() if path in found.damaged]
            if not parts:
                continue
            days = [day for day, used in sources.items() if export in used]
            whole = plan_windows(days, now).out_of_reach == [] and export.manifest.source != "import"
            if whole or not days:
                damage.exports.append(export)
            for path in parts:
                yield _finding(path.relative_to(lake.root).as_posix(), found.damaged[path], export, days, whole)


def _finding(where: str, why: str, export: LandedExport, days: Sequence[date], fetchable: bool) -> Finding:
    if not days:
        advice = "restore it from a backup, or leave it: later exports have replaced it, and no job runs rest on it"
        return Finding("exports", "error", where, why, (), advice)
    if fetchable:
        remedy = Remedy(Step.REFETCH, export.manifest.cost_center, frozenset(days))
        return Finding("exports", "fetch", where, why, (remedy,))
    return Finding("exports", "error", where, why, (), _IMPORTED if export.manifest.source == "import" else _TOO_OLD)
