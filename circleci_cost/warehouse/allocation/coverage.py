"""How much of a tag's cost has a value, month by month, and the rules that would help most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.reporting.report import add_exactly
from circleci_cost.text.amounts import percent
from circleci_cost.text.literals import toml_string
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class Coverage:
    """Exact sums of a month, or of several (`month` is None), and the part that is not under the default value."""

    month: date | None
    cost: Decimal
    allocated_cost: Decimal
    credits: Decimal
    allocated_credits: Decimal

    @property
    def share(self) -> Decimal:
        """The allocated share of the cost, or of the credits where the cost is 0; 1 where both are 0."""
        if self.cost:
            return self.allocated_cost / self.cost
        return self.allocated_credits / self.credits if self.credits else Decimal(1)


@dataclass(frozen=True)
class Suggestion:
    """A group without a value, its cost, and a rule for it; `workflow` is None for a whole project."""

    project: str
    workflow: str | None
    cost: Decimal
    credits: Decimal

    @property
    def rule(self) -> str:
        """The rule in TOML, to be put after the others; its value is a proposal."""
        where = {"project": self.project} | ({"workflow": self.workflow} if self.workflow else {})
        written = ", ".join(f"{name} = {toml_string(value)}" for name, value in where.items())
        return f"[[virtual_tags.rules]]\nvalue = {toml_string(self.project)}\nwhere = {{ {written} }}"


def coverage(
    connection: duckdb.DuckDBPyConnection, tag: str, default: str, months: int | None = None
) -> list[Coverage]:
    """The last months of a tag (all where None), in order, and at the end the sum of these."""
    rows = connection.execute(sql("allocation/coverage"), {"tag": tag, "default": default}).fetchall()
    by_month = [Coverage(*row) for row in (rows if months is None else rows[-months:])]
    return [*by_month, _together(by_month)]


def shortfall(tag: VirtualTag, together: Coverage) -> str | None:
    """A sentence about a tag whose cost has a value less often than its `min_coverage` asks for; else None."""
    if tag.min_coverage is None or together.share >= tag.min_coverage:
        return None
    return (
        f"{tag.name}: {percent(together.share, 1)} of the cost has a value, less than min_coverage = "
        f"{tag.min_coverage:f}"
    )


def _together(months: Sequence[Coverage]) -> Coverage:
    return Coverage(
        None,
        add_exactly(month.cost for month in months),
        add_exactly(month.allocated_cost for month in months),
        add_exactly(month.credits for month in months),
        add_exactly(month.allocated_credits for month in months),
    )


def suggestions(connection: duckdb.DuckDBPyConnection, tag: str, default: str, limit: int = 10) -> list[Suggestion]:
    """The largest groups under the tag's default value: projects, or workflows of projects with other values."""
    # For the macro `shown_dimensions`.
    connection.execute(sql("core/questions"))
    parameters = {"tag": tag, "default": default, "limit": limit}
    return [Suggestion(*row) for row in connection.execute(sql("allocation/suggestions"), parameters).fetchall()]
