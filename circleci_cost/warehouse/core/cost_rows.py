"""Chooses the rows that can answer a question about costs: daily costs, their charge types, or values of virtual tags.

The views are made here, for reports, budgets, incidents and messages alike; the callers decide what to add up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from circleci_cost.errors import UsageError
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS, Conditions
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, RUN_DIMENSIONS
from circleci_cost.warehouse.core.conditions import Parameters, to_sql
from circleci_cost.warehouse.core.present_tables import is_present
from circleci_cost.warehouse.core.statements import sql

VALUE = "value"
RUN_COSTS = "run_costs"
_DAILY, _CHARGES, _ALLOCATED = "series_daily", "series_charges", "series_allocated"


@dataclass(frozen=True)
class CostRows:
    """A view of costs, with dimensions as they are shown, and the virtual tags whose values it has.

    `costs` are what it is a view of. Only its rows with this `tag` count; `seat_credits` and `seat_cost_usd` are the
    seats' part of a row.
    """

    view: str
    tags: tuple[str, ...] = ()
    costs: str = "daily_costs"

    @property
    def tag(self) -> str:
        """The value of the rows' column `tag`: the first tag, empty where the view has none."""
        return self.tags[0] if self.tags else ""

    @property
    def has_charge_types(self) -> bool:
        """Whether there is a row for each charge type."""
        return self.view != _DAILY

    def column(self, name: str) -> str:
        """The column of a dimension, an id or one of the tags."""
        place = self.tags.index(name) if name in self.tags else None
        return name if place is None else _value(place)

    def holding(self, conditions: Conditions, parameters: Parameters) -> str:
        """The conditions in SQL, their values in `parameters`."""
        return to_sql(conditions, {name: self.column(name) for name in conditions.dimensions}, parameters)


def rows_for(dimensions: Iterable[str]) -> CostRows:
    """Choose the rows that tell these dimensions, ids and virtual tags apart.

    Raises `UsageError` for a virtual tag together with a dimension of job runs: shares of a cost have no job runs.
    """
    names = tuple(dict.fromkeys(dimensions))
    tags = tuple(name for name in names if name not in {*CONDITION_DIMENSIONS, *RUN_DIMENSIONS})
    of_runs = [name for name in RUN_DIMENSIONS if name in names]
    if tags and of_runs:
        raise UsageError(
            f"{of_runs[0]} is told by single job runs, and the virtual tag {tags[0]!r} is not: ask for one of them."
        )
    if tags:
        return CostRows(_ALLOCATED if len(tags) == 1 else f"{_ALLOCATED}_{len(tags)}", tags)
    return CostRows(_CHARGES if CHARGE_TYPE in names else _DAILY, costs=RUN_COSTS if of_runs else "daily_costs")


def make_view(connection: duckdb.DuckDBPyConnection, rows: CostRows) -> None:
    """Make the view. In: a connection with the costs that the rows are of; for virtual tags, `allocated_costs`."""
    for name in ("core/questions", "core/charge_rows"):
        connection.execute(sql(name))
    if not rows.tags:
        connection.execute(sql(f"core/{rows.view}").format(costs=rows.costs))
        return
    connection.execute(sql(f"core/{_ALLOCATED}"))
    connection.execute(sql("core/allocation_parts"))
    before = _ALLOCATED
    for place, tag in list(enumerate(rows.tags))[1:]:
        connection.execute(f"SET VARIABLE {_value(place)} = $tag", {"tag": tag})
        view = f"{_ALLOCATED}_{place + 1}"
        connection.execute(sql("core/next_tag").format(view=view, before=before, value=_value(place)))
        before = view


def values_of(connection: duckdb.DuckDBPyConnection, name: str, among: Sequence[str] | None = None) -> list[str]:
    """All values of a dimension, id or virtual tag, whatever the days; only those of `among`, where it is given.

    Of a dimension of job runs those of the days that `run_costs` has.
    """
    if name == CHARGE_TYPE:
        return [value for value in CHARGE_TYPES if among is None or value in among]
    parameters = {"among": None if among is None else list(among)}
    if name not in RUN_DIMENSIONS and _has_published_values(connection):
        values = connection.execute(sql("core/published_values"), {"dimension": name, **parameters}).fetchall()
    else:
        rows = rows_for([name])
        make_view(connection, rows)
        query = sql("core/values").format(view=rows.view, column=rows.column(name))
        values = connection.execute(query, {"tag": rows.tag, **parameters}).fetchall()
    return [value for (value,) in values]


def largest_values(connection: duckdb.DuckDBPyConnection, name: str, limit: int) -> list[str] | None:
    """The values with the most credits of the whole history, in order; None where no list of them is published."""
    if name == CHARGE_TYPE or not _has_published_values(connection):
        return None
    rows = connection.execute(sql("core/largest_values"), {"dimension": name, "limit": limit}).fetchall()
    return [value for (value,) in rows]


def listed_tags(connection: duckdb.DuckDBPyConnection) -> list[str] | None:
    """The virtual tags, in order; None where no list of the values is published."""
    if not _has_published_values(connection):
        return None
    query = "SELECT DISTINCT dimension FROM dimension_values ORDER BY dimension"
    return [name for (name,) in connection.execute(query).fetchall() if name not in CONDITION_DIMENSIONS]


def _has_published_values(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether this is a generation that lists the values; the warehouse and earlier generations do not."""
    return is_present(connection, "dimension_values")


def _value(place: int) -> str:
    return VALUE if place == 0 else f"{VALUE}_{place + 1}"
