"""What is published of the budgets, and what of the configured ones is not; for the command line and the pages.

Making `budget_status` is the job of `budget_status`.
"""

from collections.abc import Sequence

import duckdb
import polars as pl

from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.findings import scope_findings
from circleci_cost.model.budgets.status import STATUS_SCHEMA
from circleci_cost.model.budgets.text import Row, as_json, tree
from circleci_cost.text.suggestions import suggestion_or_all
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost.warehouse.forecast.series import known_values
from circleci_cost.warehouse.publishing.generations import Generation

_TABLE = "budget_status"


def published_states(connection: duckdb.DuckDBPyConnection, generation: Generation, periods: Periods) -> pl.DataFrame:
    """The states of these periods; none in a generation of a version without budgets. `connection` is open on it."""
    if _TABLE not in generation.manifest.rows:
        return pl.DataFrame(schema=STATUS_SCHEMA)
    return read_budget_status(connection, periods)


def published_names(connection: duckdb.DuckDBPyConnection, generation: Generation) -> list[str]:
    """The budgets that have a published state in any period, in the order of their names."""
    return sorted(set(published_states(connection, generation, Periods.ALL).get_column("budget")))


def budgets_tree(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    periods: Periods,
    configured: Sequence[str],
    names: Sequence[str] = (),
) -> list[tuple[int, Row]]:
    """The states with their depth below a parent, of the named budgets or of all.

    In: the names of the configured budgets. Raises `UsageError` for a name that there is not, and `CircleciCostError`
    where the state of a configured budget is not published yet.
    """
    states = published_states(connection, generation, periods)
    known = published_names(connection, generation)
    refuse_unknown(names, [*configured, *known])
    if sentence := not_published([name for name in names or configured if name not in known], generation):
        raise CircleciCostError(sentence)
    return list(tree(states.filter(states.get_column("budget").is_in(list(names or known)))))


def budgets_json(generation: Generation, rows: Sequence[tuple[int, Row]]) -> dict[str, object]:
    """The states in the form of `budgets --json`."""
    return {
        **generation.manifest.as_of,
        "budgets": as_json(row for _, row in rows),
    }


def refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise `UsageError` for a name that is not among the known ones, with the nearest of them."""
    for name in names:
        if name not in known:
            raise UsageError(f"There is no budget {name!r}; {suggestion_or_all(name, known)}")


def not_published(names: Sequence[str], generation: Generation) -> str:
    """The sentence about budgets that have no published state yet, with what to do; empty where there are none."""
    if not names:
        return ""
    return f"No state of {', '.join(map(repr, names))} is published yet; {generation.how_to_publish}."


def unmatched_values(
    connection: duckdb.DuckDBPyConnection, generation: Generation, budgets: Sequence[Budget]
) -> list[str]:
    """Sentences about values that budgets name and no usage has: such a budget would be on track for ever."""
    if _TABLE not in generation.manifest.rows:
        return []
    findings = [finding.message for finding in scope_findings(budgets, (), known_values(connection, budgets))]
    return [finding if finding.endswith("?") else f"{finding}." for finding in findings]
