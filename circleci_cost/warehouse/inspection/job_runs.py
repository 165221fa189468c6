"""Compares the job runs of each day with the exports that they were read from and the costs that were computed of them.

No manifest lists the checksums of job runs: each file carries its own. Files of earlier versions have none: every
value is read, and their credits are added up.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from circleci_cost.circleci import plan_windows
from circleci_cost.day_ranges import as_ranges, say_ranges
from circleci_cost.errors import StorageError
from circleci_cost.lake.days import read_exports
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import LandedExport, exports_by_day
from circleci_cost.lake.readable import readable
from circleci_cost.lake.seals import is_as_sealed
from circleci_cost.text.units import counted
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.inspection.costs import CostedDay
from circleci_cost.warehouse.inspection.findings import Finding, Remedy, State, Step
from circleci_cost.warehouse.inspection.parquet_files import read_intact

_FROM_BACKUP = "restore {} from a backup, or import usage files that you have of these days"


@dataclass
class JobRuns:
    """The job runs of one cost center: what each day's file holds, and the days whose file is damaged."""

    cost_center: str
    days: dict[date, tuple[int, Decimal]] = field(default_factory=dict)
    provenance: dict[date, frozenset[str]] = field(default_factory=dict)
    damaged: list[date] = field(default_factory=list)
    differing: frozenset[date] = frozenset()


def read_job_runs(lake: Lake, cost_center: str) -> JobRuns:
    """Read the job runs of all days. Raises `StorageError` for a file that may not be read."""
    days = lake.job_runs_days(cost_center)
    by_path = dict(zip(readable(lake.job_runs_file(cost_center, day) for day in days), days, strict=True))
    rows, damaged = read_intact(sql("inspection/job_run_sums"), list(by_path))
    found = JobRuns(cost_center, damaged=[by_path[path] for path in damaged])
    sums = {path: (jobs, credits) for path, jobs, credits, *_ in rows}
    with storage_errors(lake.job_runs(cost_center), "read"):
        found.damaged += [day for path, day in by_path.items() if path not in damaged and not is_as_sealed(Path(path))]
    for path, day in by_path.items():
        if day not in found.damaged:
            try:
                found.provenance[day] = frozenset(read_exports(lake.job_runs_file(cost_center, day)))
            except StorageError:
                # DuckDB has read the file: it is its footer that is damaged.
                found.damaged.append(day)
                continue
            # A day without usage has no rows.
            found.days[day] = sums.get(path, (0, Decimal(0)))
    return found


def note_differing_days(connection: duckdb.DuckDBPyConnection, lake: Lake, found: JobRuns) -> None:
    """Note the days whose job runs add up to other rows than their daily costs: sums alone hide a changed name.

    In: a connection with the present tables, see `costs.present_tables`. Raises what DuckDB raises.
    """
    days = sorted(found.days)
    files = readable(lake.job_runs_file(found.cost_center, day) for day in days)
    if files:
        parameters = {"files": files, "cost_center": found.cost_center, "days": days}
        rows = connection.execute(sql("inspection/differing_days"), parameters).fetchall()
        found.differing = frozenset(day for (day,) in rows)


@dataclass(frozen=True)
class Comparison:
    """What the job runs of a cost center are compared with."""

    exports: Sequence[LandedExport]
    damaged_exports: Collection[Path]
    costed: Mapping[date, CostedDay]
    without_costs: Collection[date]
    """Days whose costs are in a damaged file: nothing can be said of them."""
    history_start: date
    now: datetime


def job_run_findings(found: JobRuns, against: Comparison) -> tuple[list[Finding], list[date]]:
    """The findings about a cost center, and the days whose job runs are damaged or not those of their export."""
    sources = exports_by_day(against.exports)
    intact = {
        day
        for day, exports in sources.items()
        if not any(export.directory in against.damaged_exports for export in exports)
    }
    days = _sorted_out(found, against, sources)
    findings = [
        finding for what, chosen in days.brought.items() for finding in _bring(found, chosen, what, intact, against)
    ]
    if days.behind:
        remedy = Remedy(Step.REPRICE, found.cost_center, frozenset(days.behind))
        what = f"{_days(days.behind)} without daily costs, or with those of earlier job runs"
        findings.append(Finding("costs", "error", f"tables/daily_costs/{found.cost_center}", what, (remedy,)))
    return findings, sorted({*found.damaged, *days.at_odds})


@dataclass
class _Days:
    brought: dict[str, list[date]] = field(default_factory=dict)
    behind: list[date] = field(default_factory=list)
    at_odds: list[date] = field(default_factory=list)


def _sorted_out(found: JobRuns, against: Comparison, sources: Mapping[date, Sequence[LandedExport]]) -> _Days:
    missing = sorted(({*against.costed} | {*sources}) - {*found.days, *found.damaged})
    unread, sourceless = [], []
    for day, ids in found.provenance.items():
        wanted = {export.manifest.export_id for export in sources.get(day, ())}
        if not wanted:
            sourceless.append(day)
        elif wanted != ids:
            unread.append(day)
    days = _Days()
    for day, (jobs, credits) in found.days.items():
        costs = against.costed.get(day)
        if day in against.without_costs:
            continue
        if costs is None or costs.noted_jobs is None:
            days.behind += [day] if day >= against.history_start else []
        elif (costs.noted_jobs, costs.noted_credits) != (costs.jobs, costs.credits):
            days.behind.append(day)
        elif (costs.jobs, costs.credits) != (jobs, credits) or day in found.differing:
            # Costs of the same export as the job runs: one of the two was changed since.
            same = costs.export_id in found.provenance[day] and day not in unread
            (days.at_odds if same else days.behind).append(day)
    days.brought = {
        "damaged": found.damaged,
        "no file of job runs": missing,
        "not read from the exports that have landed": unread,
        "read from an export that is not there": sourceless,
        "other jobs than those that its daily costs were computed of": days.at_odds,
    }
    return days


def _bring(
    found: JobRuns, days: Sequence[date], what: str, intact: Collection[date], against: Comparison
) -> Iterator[Finding]:
    """Findings about days that are to be read again, from an export that is there or after another fetch."""
    where = f"job_runs/cost_center={found.cost_center}"
    name = found.cost_center
    landed = [day for day in days if day in intact]
    others = [day for day in days if day not in intact]
    out_of_reach = set(plan_windows(others, against.now).out_of_reach)
    needs_repair = what.startswith(("damaged", "other"))
    parts: tuple[tuple[list[date], State, tuple[Remedy, ...], str], ...] = (
        (landed, "error", (Remedy(Step.REREAD, name, frozenset(landed)),), ""),
        (
            fetched := [day for day in others if day not in out_of_reach],
            "fetch",
            (Remedy(Step.REFETCH, name, frozenset(fetched)),),
            "",
        ),
        (sorted(out_of_reach), "error", (), _FROM_BACKUP.format(where)),
    )
    for chosen, state, remedies, advice in parts:
        if chosen:
            repair = needs_repair and bool(remedies)
            yield Finding("job runs", state, where, f"{_days(chosen)}: {what}", remedies, advice, repair)


def _days(days: Sequence[date]) -> str:
    return f"{counted(len(days), 'day')} ({say_ranges(as_ranges(days))})"
