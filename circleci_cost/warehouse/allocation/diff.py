"""Compares the published allocation with what another set of rules would make of the same costs; nothing is written.

The allocation itself is `allocated_costs`' job: the same code that the next run uses.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from circleci_cost.database import connect
from circleci_cost.day_ranges import DayRange
from circleci_cost.model.allocation.plan import Plan
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult, allocate
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.publishing.earlier_versions import rows_with_columns
from circleci_cost.warehouse.publishing.generations import ALLOCATED, Generation


@dataclass(frozen=True)
class Change:
    """One value of a tag in USD and credits, before and after; unpriced credits are in no USD amount."""

    tag: str
    value: str
    before: Decimal
    after: Decimal
    change: Decimal
    credits_before: Decimal
    credits_after: Decimal


@dataclass(frozen=True)
class Move:
    """USD that go from one value of a tag to another."""

    tag: str
    from_value: str
    to_value: str
    cost: Decimal


@dataclass(frozen=True)
class Difference:
    """All values of the tags, what moves between them, and the result of the allocation with its warnings."""

    changes: tuple[Change, ...]
    moves: tuple[Move, ...]
    result: AllocationResult


def difference(
    generation: Generation,
    plan: Plan,
    job_run_files: Callable[[], Sequence[str]],
    days: DayRange,
    tags: Sequence[str] = (),
) -> Difference:
    """Allocate a generation's daily costs by a plan and compare with what it holds, on some days.

    `tags` are those to compare, all where none is named. The work is done in a temporary folder, which is removed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="circleci_cost-") as folder,
        connect(Path(folder) / "scratch.duckdb") as connection,
    ):
        costs, before = _published(connection, generation)
        result = allocate(connection, plan, job_run_files, costs)
        if ALLOCATED not in generation.manifest.rows:
            # A generation that an earlier version published has no such table; an empty one stands for it.
            before = f"FROM {ALLOCATED} LIMIT 0"
        connection.execute(f"CREATE TEMPORARY VIEW allocation_before AS {before}")
        connection.execute("CREATE TEMPORARY VIEW allocation_after AS FROM allocated_costs")
        parameters = {"first": days.first, "last": days.last, "tags": list(tags)}
        connection.execute(sql("core/questions"))
        connection.execute(sql("allocation/sides"), parameters)
        changes = connection.execute(sql("allocation/changes")).fetchall()
        moves = connection.execute(sql("allocation/moves")).fetchall()
    return Difference(tuple(Change(*row) for row in changes), tuple(Move(*row) for row in moves), result)


def _published(connection: duckdb.DuckDBPyConnection, generation: Generation) -> tuple[str, str]:
    """Let the connection see a generation; return its daily costs' name and the query of its allocated costs."""
    if generation.manifest.tables is not None:
        connection.execute("CREATE SCHEMA generation")
        generation.show_tables(connection, "generation")
        return "generation.daily_costs", f"FROM generation.{ALLOCATED}"
    connection.execute(f"ATTACH {sql_text(str(generation.database))} AS generation (READ_ONLY)")
    queries = rows_with_columns(connection, "generation")
    costs = "generation.daily_costs"
    if "daily_costs" in queries:
        # A table and no view: rows are numbered.
        connection.execute(f"CREATE TEMPORARY TABLE earlier_costs AS {queries['daily_costs']}")
        costs = "earlier_costs"
    return costs, queries.get(ALLOCATED, f"FROM generation.{ALLOCATED}")
