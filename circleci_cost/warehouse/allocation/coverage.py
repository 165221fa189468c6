"""How much of a tag's cost has a value, month by month, and the rules that would help most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from circleci_cost.model.reporting.report import add_exactly
from circleci_cost.text.literals import toml_string
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class Coverage:
    """Exact sums of a month, or of several (`month` is None), and what of them is not under the default value."""

    month: date | None
    cost: Decimal
    allocated_cost: Decimal
    credits: Decimal
    allocated_credits: Decimal

    @property
    def share(self) -> Decimal:
        """The allocated share of the cost, or of the credits where nothing costs anything; 1 of nothing."""
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
        """The rule in TOML, to be put behind the others; its value is a proposal."""
        where = {"project": self.project} | ({"workflow": self.workflow} if self.workflow else {})
        written = ", ".join(f"{name} = {toml_string(value)}" for name, value in where.items())
        return f"[[virtual_tags.rules]]\nvalue = {toml_string(self.project)}\nwhere = {{ {written} }}"


def coverage(
    connection: duckdb.DuckDBPyConnection, tag: str, default: str, months: int | None = None
) -> list[Coverage]:
    """The last months (all where None) of a tag, in order, and at the end all of these together."""
    rows = connection.execute(sql("allocation/coverage"), {"tag": tag, "default": default}).fetchall()
    found = [Coverage(*row) for row in (rows if months is None else rows[-months:])]
    return [*found, _together(found)]


def _together(found: Sequence[Coverage]) -> Coverage:
    return Coverage(
        None,
        add_exactly(each.cost for each in found),
        add_exactly(each.allocated_cost for each in found),
        add_exactly(each.credits for each in found),
        add_exactly(each.allocated_credits for each in found),
    )


def suggestions(connection: duckdb.DuckDBPyConnection, tag: str, default: str, limit: int = 10) -> list[Suggestion]:
    """The largest groups under the tag's default value: projects, or workflows of projects with other values, too."""
    # With `shown_dimensions`.
    connection.execute(sql("core/questions"))
    parameters = {"tag": tag, "default": default, "limit": limit}
    return [Suggestion(*row) for row in connection.execute(sql("allocation/suggestions"), parameters).fetchall()]
