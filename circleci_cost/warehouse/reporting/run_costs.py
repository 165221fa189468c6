"""Takes the published costs of some days apart by what only their job runs tell: the users, and the pipelines.

Sums are those of the published costs, whatever became of the job runs since. `report` answers the questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import present, readable
from circleci_cost.model.usage.dimensions import NO_VALUE, TRIGGER_USER
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class _OfRuns:
    """The columns of job runs that a dimension follows from, and its value, never NULL, in a row of `{runs}`."""

    keys: str
    value: str


_DIMENSIONS = {
    TRIGGER_USER: _OfRuns(
        "pipeline_trigger_user_id", f"coalesce(users.name, {{runs}}.pipeline_trigger_user_id, '{NO_VALUE}')"
    ),
    "pipeline": _OfRuns(
        "pipeline_id, pipeline_number",
        "coalesce(coalesce({costs}.project, {costs}.project_id) || ' #' || {runs}.pipeline_number, "
        f"{{runs}}.pipeline_id, '{NO_VALUE}')",
    ),
}
# The names are those of `name_users`.
_USERS = "LEFT JOIN user_names AS users ON {}.pipeline_trigger_user_id = users.id"


def run_values(runs: str, costs: str) -> dict[str, str]:
    """The SQL of each dimension's value in a job run and its cost, with `users_of(runs)` among what is joined."""
    return {name: each.value.format(runs=runs, costs=costs) for name, each in _DIMENSIONS.items()}


def users_of(runs: str) -> str:
    """The join that gives job runs the names of their users, as `users`."""
    return _USERS.format(runs)


def name_users(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> None:
    """Let the connection know the users' names, by id. They are kept in its memory and go with it."""
    connection.execute(
        "CREATE OR REPLACE TEMPORARY TABLE user_names AS SELECT unnest(CAST($ids AS VARCHAR[])) AS id, "
        "unnest(CAST($names AS VARCHAR[])) AS name",
        {"ids": list(names), "names": list(names.values())},
    )


def make_run_costs(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    dimensions: Sequence[str],
    days: Sequence[DayRange],
    names: Mapping[str, str],
) -> None:
    """Make `run_costs`: the costs of some days with these dimensions, some of `RUN_DIMENSIONS`, as columns.

    The days whose job runs no longer come to the published costs, or are not kept, are in `run_days_changed`; their
    costs are there, too, without a value. In: a generation's connection, and the users' names by id.
    """
    connection.execute(sql("core/macros"))
    name_users(connection, names)
    published: list[tuple[str, date]] = []
    for part in days:
        published += connection.execute(
            "SELECT cost_center, date FROM usage_days WHERE date BETWEEN $first AND $last",
            {"first": part.first, "last": part.last},
        ).fetchall()
    connection.execute(
        "CREATE OR REPLACE TEMPORARY TABLE run_days AS SELECT DISTINCT unnest(CAST($days AS DATE[])) AS date",
        {"days": [day for _, day in published]},
    )
    paths = [lake.job_runs_file(center, day) for center, day in dict.fromkeys(published)]
    files = readable(present(paths))
    none = ", ".join(f"'{NO_VALUE}' AS {name}" for name in dimensions)
    if not files:
        connection.execute(sql("reporting/no_run_costs").format(none=none))
        return
    keys = ", ".join(_DIMENSIONS[name].keys for name in dimensions)
    connection.execute(sql("reporting/run_parts").format(keys=keys), {"files": files})
    connection.execute(sql("reporting/run_days_changed"))
    values = run_values("parts", "costs")
    query = sql("reporting/run_costs").format(
        values=", ".join(f"{values[name]} AS {name}" for name in dimensions),
        joined=users_of("parts") if TRIGGER_USER in dimensions else "",
        none=none,
    )
    connection.execute(query)
