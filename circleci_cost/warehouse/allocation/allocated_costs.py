"""Fills `allocated_costs`: every daily cost and charge type under every virtual tag, after the splits.

The order of the work is here; combinations, decisions, shares and warnings are modules of their own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import as_ranges, say_ranges
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.model.allocation.plan import Plan, PlannedTag
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.warehouse.allocation.combinations import combine, number_rows
from circleci_cost.warehouse.allocation.decisions import decide
from circleci_cost.warehouse.allocation.findings import never_seen
from circleci_cost.warehouse.allocation.shares import find_users, share
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import transaction


@dataclass(frozen=True)
class Fallback:
    """A split that could not be made by its method: what was used instead, and on which days."""

    split: str
    used: str
    days: tuple[date, ...]

    def __str__(self) -> str:
        """What happened in one sentence."""
        instead = "its cost stays where it is" if self.used == "keep" else f"the fallback {self.used!r} was used"
        ranges = say_ranges(as_ranges(self.days))
        return f"split {self.split!r} has no amounts on {ranges}; {instead}"


@dataclass(frozen=True)
class TagResult:
    """The exact sums of one tag, the part left under the default value, and what the user should know."""

    tag: str
    rows: int
    cost_usd: Decimal
    credits: Decimal
    unallocated_cost_usd: Decimal
    unallocated_credits: Decimal
    min_coverage: Decimal | None
    fallbacks: tuple[Fallback, ...]
    warnings: tuple[str, ...]

    @property
    def coverage(self) -> Decimal:
        """The allocated share of the cost, or of the credits where the cost is 0; 1 where both are 0."""
        whole, rest = (
            (self.cost_usd, self.unallocated_cost_usd) if self.cost_usd else (self.credits, self.unallocated_credits)
        )
        return 1 - rest / whole if whole else Decimal(1)


@dataclass(frozen=True)
class AllocationResult:
    """What was written, by tag in the order of their evaluation, and warnings about the tags' files.

    `problems` are the files that could not be used.
    """

    rows: int
    tags: tuple[TagResult, ...]
    warnings: tuple[str, ...]
    problems: tuple[FileProblem, ...] = ()


def job_run_files(lake: Lake, cost_centers: Sequence[str]) -> list[str]:
    """The Parquet files of all job runs: what `allocate` reads where a split counts users."""
    return readable(lake.job_runs_file(name, day) for name in cost_centers for day in lake.job_runs_days(name))


def allocate(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    job_run_files: Callable[[], Sequence[str]] = list,
    source: str = "daily_costs",
) -> AllocationResult:
    """Replace `allocated_costs` by what the plan makes of the daily costs, in one transaction.

    In: a plan from `planning.prepare`, a function that names the Parquet files of the job runs (called only
    where a split counts users), and the table of the daily costs, a name of our own. Without tags the table ends up
    empty. After an error it is as it was.
    """
    with _unordered(connection), transaction(connection):
        connection.execute("DELETE FROM allocated_costs")
        results = list(_allocated(connection, plan, job_run_files, source)) if plan.tags else []
    return AllocationResult(sum(result.rows for result in results), tuple(results), plan.warnings, plan.problems)


@contextmanager
def _unordered(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let rows be written as they come: keeping their order would keep them in memory."""
    ((before,),) = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()
    connection.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute(f"SET preserve_insertion_order = {before}")


def _allocated(
    connection: duckdb.DuckDBPyConnection, plan: Plan, job_run_files: Callable[[], Sequence[str]], source: str
) -> Iterator[TagResult]:
    number_rows(connection, source)
    key_of = combine(connection, plan)
    find_users(connection, plan, job_run_files, key_of)
    columns = {name: f"combinations.{name}" for name in CONDITION_DIMENSIONS}
    for number, tag in enumerate(plan.tags):
        column = decide(connection, tag, columns, number)
        fallbacks = share(connection, tag, key_of)
        connection.execute(sql("allocation/allocated_costs"), {"tag": tag.name, **key_of})
        yield _result(
            connection, tag, fallbacks, never_seen(connection, tag, columns, [planned.name for planned in plan.tags])
        )
        columns[tag.name] = f"combinations.{column}"


def _result(
    connection: duckdb.DuckDBPyConnection,
    tag: PlannedTag,
    fallbacks: Sequence[tuple[str, str, Sequence[date]]],
    warnings: Sequence[str],
) -> TagResult:
    rows, cost_usd, credits, unallocated_cost_usd, unallocated_credits = one_row(
        connection, sql("allocation/sums"), {"tag": tag.name, "default": tag.default}
    )
    return TagResult(
        tag=tag.name,
        rows=rows,
        cost_usd=cost_usd,
        credits=credits,
        unallocated_cost_usd=unallocated_cost_usd,
        unallocated_credits=unallocated_credits,
        min_coverage=tag.min_coverage,
        fallbacks=tuple(Fallback(split, used, tuple(days)) for split, used, days in fallbacks),
        warnings=tuple(warnings),
    )
