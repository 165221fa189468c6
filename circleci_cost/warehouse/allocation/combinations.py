"""Finds the distinct combinations of values that a plan's rules ask for, far fewer than daily costs, and each row's.

Values of a dimension that meet the same conditions count as one: the least of them stands for all. Applying the rules
to a combination is `decisions`' job.
"""

from collections import defaultdict
from collections.abc import Sequence

import duckdb

from circleci_cost.model.allocation.plan import Lookup, Plan, Rules
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.conditions import Condition, Conditions, Operator
from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.warehouse.core.conditions import Parameters, to_sql
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.tables.views import NUMBERED


def number_rows(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Number the daily costs of `source`, a table or view of our own, and make the macros for them."""
    *schema, name = source.split(".")
    views = "SELECT schema_name FROM duckdb_views() WHERE view_name = $name"
    ours = connection.execute(views, {"name": NUMBERED["daily_costs"]}).fetchall()
    numbered = f"SELECT rowid AS daily_row, * FROM {source}"  # noqa: S608 - our names
    if name == "daily_costs" and ("".join(schema) or "main",) in ours:
        numbered = f"FROM {'.'.join([*schema, NUMBERED[name]])}"
    connection.execute(f"CREATE OR REPLACE TEMPORARY VIEW numbered_daily_costs AS {numbered}")
    # Rules compare the values that reports show.
    for name in ("core/questions", "core/charge_rows", "core/allocation_parts"):
        connection.execute(sql(name))


def combine(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[str, object]:
    """Fill `allocation_keys` (daily_row, combination) and `combinations` from the numbered daily costs.

    A combination has a `key`, the `first` day of its segment of time, a column for each dimension that the plan asks
    for, and `charge_type`, the first one of a kind that no rule tells apart. Returns the parameters with which SQL
    computes a key: combination × `kinds` + the kind of the row's charge type in `kind_of`.
    """
    used = dimensions_used(plan)
    for name in used:
        _distinct_values(connection, plan, name)
    connection.execute(sql("allocation/segments"), {"boundaries": plan.boundaries})
    numbers = "".join(f", values_{name}.number AS {name}" for name in used)
    rows = f"SELECT daily_row, segment{numbers} FROM shown_dimensions('numbered_daily_costs') AS daily {joins(used)}"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE allocation_numbered AS {rows}")
    columns = ", ".join(["segment", *used])
    connection.execute(
        "CREATE OR REPLACE TEMPORARY TABLE allocation_distinct AS SELECT CAST(row_number() OVER () - 1 AS INTEGER) "  # noqa: S608
        f"AS combination, * FROM (SELECT DISTINCT {columns} FROM allocation_numbered)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMPORARY TABLE allocation_keys AS SELECT daily_row, combination FROM allocation_numbered "  # noqa: S608
        f"JOIN allocation_distinct USING ({columns})"
    )
    connection.execute("DROP TABLE allocation_numbered")
    kinds, kind_of = _charge_types(plan)
    values = "".join(f", values_{name}.stands_for AS {name}" for name in used)
    value_joins = "".join(
        f" JOIN (SELECT DISTINCT number, stands_for FROM allocation_values_{name}) AS values_{name} "  # noqa: S608
        f"ON combinations.{name} = values_{name}.number"
        for name in used
    )
    connection.execute(
        "CREATE OR REPLACE TEMPORARY TABLE allocation_combinations AS SELECT "  # noqa: S608
        f"combination * {len(kinds)} + kind AS key, segments.first AS first{values}, kinds.charge_type AS charge_type "
        "FROM allocation_distinct AS combinations "
        "JOIN (SELECT DISTINCT segment, first FROM allocation_segments) AS segments USING (segment)"
        f"{value_joins} CROSS JOIN "
        "(SELECT generate_subscripts($kinds, 1) - 1 AS kind, unnest($kinds) AS charge_type) AS kinds",
        {"kinds": kinds},
    )
    return {"kinds": len(kinds), "kind_of": kind_of}


def joins(used: Sequence[str]) -> str:
    """The joins that give a row, named `daily`, its segment and the numbers of its values."""
    return "JOIN allocation_segments AS segments ON daily.date = segments.date" + "".join(
        f" JOIN allocation_values_{name} AS values_{name} ON daily.{name} = values_{name}.value" for name in used
    )


def dimensions_used(plan: Plan) -> list[str]:
    """The dimensions of a daily cost that rules, files and CODEOWNERS ask for."""
    tags = {tag.name for tag in plan.tags}
    dimensions: set[str] = set()
    return sorted(dimensions.union(*(tag.asked_for for tag in plan.tags)) - tags - {CHARGE_TYPE})


def _charge_types(plan: Plan) -> tuple[list[str], list[int]]:
    """The charge types that rules and splits tell apart, the first of each kind, and the kind of every charge type."""
    conditions = conditions_on(plan).get(CHARGE_TYPE, [])
    restricted = {
        planned.split.charge_types for tag in plan.tags for planned in tag.splits if planned.split.charge_types
    }
    told_apart = [condition.values for condition in conditions if condition.operator is Operator.IN]
    if len(told_apart) < len(conditions) or _is_taken_as_it_is(plan, CHARGE_TYPE):
        return list(CHARGE_TYPES), list(range(len(CHARGE_TYPES)))
    kinds: dict[tuple[bool, ...], str] = {}
    for charge_type in CHARGE_TYPES:
        kinds.setdefault(_kind(charge_type, [*told_apart, *sorted(restricted)]), charge_type)
    numbers = {kind: number for number, kind in enumerate(kinds)}
    return list(kinds.values()), [
        numbers[_kind(charge_type, [*told_apart, *sorted(restricted)])] for charge_type in CHARGE_TYPES
    ]


def _kind(charge_type: str, sets: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    return tuple(charge_type in values for values in sets)


def _distinct_values(connection: duckdb.DuckDBPyConnection, plan: Plan, dimension: str) -> None:
    parameters = Parameters()
    if _is_taken_as_it_is(plan, dimension):
        stands_for = "value"
    else:
        held = [
            to_sql(Conditions(((condition,),)), {dimension: "value"}, parameters)
            for condition in conditions_on(plan)[dimension]
        ]
        stands_for = f"min(value) OVER (PARTITION BY [{', '.join(held)}])"
    connection.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE allocation_values_{dimension} AS "  # noqa: S608
        "SELECT value, stands_for, CAST(dense_rank() OVER (ORDER BY stands_for) AS INTEGER) AS number FROM ("
        f"SELECT value, {stands_for} AS stands_for FROM ("
        f"SELECT DISTINCT {dimension} AS value FROM shown_dimensions('numbered_daily_costs')))",
        parameters.values,
    )


def _is_taken_as_it_is(plan: Plan, dimension: str) -> bool:
    stages = [stage for tag in plan.tags for stage in tag.stages]
    in_files = any(dimension in stage.dimensions for stage in stages if isinstance(stage, Lookup))
    copied = any(rule.value_of == dimension for stage in stages if isinstance(stage, Rules) for rule in stage.rules)
    return in_files or copied


def conditions_on(plan: Plan) -> dict[str, list[Condition]]:
    """The conditions of all rules by dimension or tag, each once."""
    by_name: dict[str, dict[Condition, None]] = defaultdict(dict)
    for tag in plan.tags:
        for rule in tag.rules:
            for condition in rule.where:
                by_name[condition.dimension][condition] = None
    return {name: list(conditions) for name, conditions in by_name.items()}
