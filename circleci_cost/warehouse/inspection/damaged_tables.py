"""Findings about the files and manifests of tables and of the published generation."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from circleci_cost.assets import DAILY_COSTS, PRICING_PERIODS
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.warehouse.inspection.findings import Damage, DamagedSet, Finding, Remedy, Step
from circleci_cost.warehouse.inspection.listed_files import Listings
from circleci_cost.warehouse.inspection.parquet_files import read_intact
from circleci_cost.warehouse.tables.manifests import Place

_ROWS = "SELECT file_name, num_rows FROM parquet_file_metadata($files)"
_NO_MANIFEST = "its manifest is not readable"
_NO_PRICES = "there is none, though daily costs were computed at its prices"


def table_findings(lake: Lake, found: Listings, damage: Damage) -> Iterator[Finding]:
    """The manifests that are not readable and the files that are not as listed; `damage` gets their sets."""
    _count_rows(lake, found)
    for place in found.unreadable:
        if isinstance(place, Place):
            damage.sets.append(DamagedSet(place, None))
            where = place.current.relative_to(lake.root).as_posix()
            remedies = _remedies(lake, found, place, [None])
            yield Finding("tables", "error", where, _NO_MANIFEST, remedies, needs_repair=True)
    for place, manifest in found.tables.items():
        if place.table_set.name == PRICING_PERIODS.name and not manifest.version and _cost_centers(found):
            # What is derived next would be made, and published, without prices.
            where = place.current.relative_to(lake.root).as_posix()
            yield Finding("tables", "error", where, _NO_PRICES, _remedies(lake, found, place, [None]))
        damaged = tuple(file for file in manifest.files if lake.root / file.path in found.damaged)
        if damaged:
            damage.sets.append(DamagedSet(place, manifest, damaged))
        for file in damaged:
            remedies = _remedies(lake, found, place, [file.month])
            yield Finding(
                "tables", "error", file.path, found.damaged[lake.root / file.path], remedies, needs_repair=True
            )


def _remedies(lake: Lake, found: Listings, place: Place, months: Sequence[str | None]) -> tuple[Remedy, ...]:
    if place.table_set.name == DAILY_COSTS.name:
        return (Remedy(Step.REPRICE, place.cost_center, days_with_job_runs(lake, place.cost_center, months)),)
    if place.table_set.name == PRICING_PERIODS.name:
        # With days: without, `reprice` finds nothing to compute while the published prices are those of today.
        names = _cost_centers(found)
        return tuple(Remedy(Step.REPRICE, name, days_with_job_runs(lake, name, [None])) for name in names)
    return (Remedy(Step.DERIVE),)


def _cost_centers(found: Listings) -> list[str]:
    """The cost centers that have daily costs, or had them before their manifest was damaged."""
    sets = [place for place in (*found.tables, *found.unreadable) if isinstance(place, Place)]
    return sorted(place.cost_center for place in sets if place.table_set.name == DAILY_COSTS.name)


def days_with_job_runs(lake: Lake, cost_center: str, months: Sequence[str | None]) -> frozenset[date]:
    """The days with job runs in some months, such as `2026-11`; None stands for all of them."""
    days = lake.job_runs_days(cost_center)
    return frozenset(day for day in days if None in months or f"{day:%Y-%m}" in months)


def generation_damage(lake: Lake, found: Listings, damage: Damage) -> Iterator[Finding]:
    """Whether the published generations can be read; the files that are the tables' own are named there."""
    for path, why in found.unreadable.items():
        if path == lake.published:
            damage.pointer = True
            yield Finding(
                "published", "error", "published/current.json", why, (Remedy(Step.DERIVE),), needs_repair=True
            )
        elif isinstance(path, Path) and path.parent == lake.published:
            damage.generations.append(path)
            if found.generation is None or path != found.generation.directory:
                advice = "move its folder away"
                yield Finding("published", "error", f"published/{path.name}", _NO_MANIFEST, (), advice)
    if found.generation is None or found.generation.manifest.tables is None:
        return
    current = {file.path for manifest in found.tables.values() for file in manifest.files}
    listed = [file for files in found.generation.manifest.tables.values() for file in files]
    for file in listed:
        if (reason := found.damaged.get(lake.root / file.path)) and file.path not in current:
            yield Finding("published", "error", file.path, reason, (Remedy(Step.DERIVE),))
    damage.pointer |= any(each.place.table_set.name == DAILY_COSTS.name for each in damage.sets) and any(
        lake.root / file.path in found.damaged for file in listed
    )


def _count_rows(lake: Lake, found: Listings) -> None:
    """Note the files that are as listed, byte by byte, and hold another number of rows than is listed."""
    listed = {
        lake.root / file.path: file
        for manifest in found.tables.values()
        for file in found.intact(lake.root, manifest.files)
    }
    names = dict(zip(readable(listed, immutable=True), listed, strict=True))
    rows, unreadable = read_intact(_ROWS, list(names))
    counted = dict(rows)
    for name, path in names.items():
        if name in unreadable:
            found.damaged[path] = "it is no readable Parquet file"
        elif counted[name] != listed[path].rows:
            found.damaged[path] = f"it has {counted[name]:,} rows, and its manifest lists {listed[path].rows:,}"
