"""Inspects a whole data directory: manifests, checksums, sums, and what is at odds. Changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from circleci_cost.assets import DAILY_COSTS, PRICING_PERIODS
from circleci_cost.config.settings import Settings
from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import exports_by_day
from circleci_cost.warehouse.inspection import costs
from circleci_cost.warehouse.inspection.commands import commands
from circleci_cost.warehouse.inspection.damaged_exports import export_findings
from circleci_cost.warehouse.inspection.damaged_tables import days_with_job_runs, generation_damage, table_findings
from circleci_cost.warehouse.inspection.findings import Damage, Finding, Remedy, Step
from circleci_cost.warehouse.inspection.job_runs import (
    Comparison,
    JobRuns,
    job_run_findings,
    note_differing_days,
    read_job_runs,
)
from circleci_cost.warehouse.inspection.leftovers import leftover_findings
from circleci_cost.warehouse.inspection.listed_files import Listings, read_listings


@dataclass
class Inspection:
    """What was verified and what was found."""

    findings: list[Finding] = field(default_factory=list)
    damage: Damage = field(default_factory=Damage)
    sums: costs.Sums = field(default_factory=costs.Sums)
    files: int = 0
    bytes: int = 0
    days: int = 0
    jobs: int = 0
    history_start: date = date.min
    cost_centers: tuple[str, ...] = ()

    def commands(self, remedies: Sequence[Remedy] | None = None) -> list[str]:
        """The commands that do these remedies, by default those of all findings."""
        if remedies is not None:
            return commands(remedies, self.history_start, self.cost_centers)
        wanted = [remedy for finding in self.findings for remedy in finding.remedies]
        return commands(wanted, self.history_start, self.cost_centers, unpublished=self.damage.pointer)


def inspect(
    settings: Settings, lake: Lake, now: datetime, tell: Callable[[int, int], object] = lambda *_: None
) -> Inspection:
    """Look over `lake`; `tell` gets the bytes that were read and those of all files.

    Raises `StorageError` for what may not be read, and where there is no data directory.
    """
    if not lake.format_marker.exists():
        raise StorageError(
            f"{lake.root} is no data directory: there is no {lake.format_marker.name}; nothing was verified."
        )
    configured = [center.name for center in settings.cost_centers]
    names = sorted({*configured, *_names(lake)})
    result = Inspection(history_start=settings.history_start, cost_centers=tuple(configured))
    found = read_listings(lake, names, tell)
    result.files, result.bytes = found.files, found.bytes
    _look_at_files(lake, found, now, result)
    if not lake.earlier_warehouse.exists():
        _look_at_sums(settings, names, found, now, result)
    result.findings += leftover_findings(lake)
    steps = {remedy.step for finding in result.findings for remedy in finding.remedies}
    if result.damage.pointer and steps == {Step.DERIVE}:
        # `allocation apply` needs something that is published; from nothing, `reprice` makes all of it.
        result.findings = [_without_generation(finding) for finding in result.findings]
    return result


def _look_at_files(lake: Lake, found: Listings, now: datetime, result: Inspection) -> None:
    result.findings += table_findings(lake, found, result.damage)
    result.findings += export_findings(lake, found, now, result.damage)
    result.findings += generation_damage(lake, found, result.damage)
    if found.generation is not None and lake.published not in found.unreadable:
        result.findings += costs.generation_findings(found.generation, found)


def _look_at_sums(settings: Settings, names: Sequence[str], found: Listings, now: datetime, result: Inspection) -> None:
    lake = Lake(settings.data_dir)
    damaged = {each.place.table_set.name for each in result.damage.sets}
    with costs.present_tables(lake, found, settings.actors.patterns) as connection:
        result.sums = costs.present_sums(connection)
        costed = costs.costed_days(connection)
        costs_are_whole = not damaged.intersection((DAILY_COSTS.name, PRICING_PERIODS.name))
        if costs_are_whole:
            outdated = costs.outdated_sets(connection, found, damaged)
            if outdated:
                result.findings.append(costs.outdated_finding(outdated))
            if costs.is_allocation_current(outdated) and costs.is_allocation_current(damaged):
                result.findings += costs.allocation_findings(connection, result.sums)
        for name in names:
            job_runs = read_job_runs(lake, name)
            if costs_are_whole:
                note_differing_days(connection, lake, job_runs)
            comparison = Comparison(
                found.exports.get(name, []),
                {path.parent for path in found.damaged if path.is_relative_to(lake.exports(name))},
                {day.day: day for day in costed if day.cost_center == name},
                _days_of_damaged_costs(lake, name, result.damage),
                settings.history_start,
                now,
            )
            _compare_job_runs(lake, job_runs, comparison, result)


def _compare_job_runs(lake: Lake, job_runs: JobRuns, comparison: Comparison, result: Inspection) -> None:
    findings, unusable = job_run_findings(job_runs, comparison)
    result.findings += findings
    sources = exports_by_day(comparison.exports)
    result.damage.files += [
        lake.job_runs_file(job_runs.cost_center, day) for day in unusable if day in sources or day in job_runs.damaged
    ]
    result.days += len(job_runs.days)
    result.jobs += sum(jobs for jobs, _ in job_runs.days.values())


def _days_of_damaged_costs(lake: Lake, name: str, damage: Damage) -> frozenset[date]:
    """The days of which the costs, or what was noted of them, are in a damaged file."""
    days: set[date] = set()
    for each in damage.sets:
        if each.place.table_set.name == DAILY_COSTS.name and each.place.cost_center == name:
            months = [file.month for file in each.files] if each.manifest else [None]
            days.update(days_with_job_runs(lake, name, months))
    return frozenset(days)


def _names(lake: Lake) -> Iterator[str]:
    for path in (lake.root / "job_runs").glob("cost_center=*"):
        yield path.name.partition("=")[2]
    for folder in (lake.root / "exports", lake.tables / DAILY_COSTS.name):
        yield from (path.name for path in folder.glob("*") if path.is_dir())


def _without_generation(finding: Finding) -> Finding:
    remedies = tuple(Remedy(Step.REPRICE) if each.step is Step.DERIVE else each for each in finding.remedies)
    return replace(finding, remedies=remedies)
