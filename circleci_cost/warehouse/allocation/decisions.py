"""Applies the stages of a tag to each combination: its value, the rule that gave it, and the split that it falls to.

Values go in as parameters; the SQL that is put together here holds our own names only.
"""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from circleci_cost.model.allocation.plan import Lookup, PlannedSplit, PlannedTag, Rules, TagRule
from circleci_cost.warehouse.core.conditions import Parameters, to_sql
from circleci_cost.warehouse.core.full_refresh import unregister

DEFAULT = "default"
# The parts of a decision.
_VALUE, _RULE = "['value']", "['rule']"


def decide(connection: duckdb.DuckDBPyConnection, tag: PlannedTag, columns: Mapping[str, str], number: int) -> str:
    """Add the tag's decision to `combinations`; make `decisions` (key, value, rule, split).

    In: the columns of the dimensions and of the tags before it, and the tag's number. Returns the column of its
    value, which later tags may ask for: a value before any split.
    """
    parameters = Parameters()
    decisions, lookups = [], []
    try:
        for index, stage in enumerate(tag.stages):
            if isinstance(stage, Rules):
                decisions.append(_first_rule(stage.rules, columns, parameters))
            else:
                connection.register(f"lookup_{index}", _with_pattern(stage))
                lookups.append(_lookup(stage, index, columns))
                decisions.append(f"matched_{index}.decision")
        otherwise = _decision(parameters.add(tag.default), parameters.add(DEFAULT))
        connection.execute(
            "CREATE OR REPLACE TEMPORARY TABLE allocation_combinations AS SELECT combinations.*, "  # noqa: S608
            f"coalesce({', '.join([*decisions, otherwise])}) AS decision_{number} "
            f"FROM allocation_combinations AS combinations {' '.join(lookups)}",
            parameters.values,
        )
    finally:
        for index, stage in enumerate(tag.stages):
            if isinstance(stage, Lookup):
                unregister(connection, f"lookup_{index}")
    parameters = Parameters()
    value = f"decision_{number}{_VALUE}"
    split = _split_number(tag.splits, value, parameters)
    connection.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE allocation_decisions AS SELECT CAST(key AS BIGINT) AS key, "  # noqa: S608
        f"{value} AS value, decision_{number}{_RULE} AS rule, {split} AS split FROM allocation_combinations",
        parameters.values,
    )
    return value


def _decision(value: str, rule: str) -> str:
    return f"{{'value': CAST({value} AS VARCHAR), 'rule': CAST({rule} AS VARCHAR)}}"


def _first_rule(rules: Sequence[TagRule], columns: Mapping[str, str], parameters: Parameters) -> str:
    cases = []
    for rule in rules:
        held = [f"({to_sql(rule.where, dict(columns), parameters)})"]
        # Segments begin and end where rules do, so the first day of a segment decides for all of its days.
        held += [f"first >= {parameters.add(rule.first)}"] if rule.first else []
        held += [f"first <= {parameters.add(rule.last)}"] if rule.last else []
        if rule.of_tag:
            origin = columns[rule.of_tag].removesuffix(_VALUE) + _RULE
            held.append(f"list_contains({parameters.add(list(rule.of_rules))}, {origin})")
        value = columns[rule.value_of] if rule.value_of else parameters.add(rule.value)
        cases.append(f"WHEN {' AND '.join(held)} THEN {_decision(value, parameters.add(rule.label))}")
    return f"CASE {' '.join(cases)} END"


def _with_pattern(lookup: Lookup) -> pl.DataFrame:
    """The rows with the number of their pattern: which of the dimensions they name."""
    filled = [pl.col(name).is_not_null().cast(pl.Int32) * 2**bit for bit, name in enumerate(lookup.dimensions)]
    return lookup.rows.with_columns(pl.sum_horizontal(pl.lit(0), *filled).alias("pattern"))


def _lookup(lookup: Lookup, index: int, columns: Mapping[str, str]) -> str:
    """The join with the first row that fits: an equality join for each pattern of named dimensions."""
    matches = []
    for pattern in sorted(_with_pattern(lookup).get_column("pattern").unique().to_list()):
        named = [name for bit, name in enumerate(lookup.dimensions) if pattern >> bit & 1]
        held = " AND ".join([f"lookup.pattern = {pattern}", *(f"{columns[name]} = lookup.{name}" for name in named)])
        matches.append(
            "SELECT key, line, value, rule FROM allocation_combinations AS combinations "  # noqa: S608
            f"JOIN lookup_{index} AS lookup ON {held} "
            "WHERE coalesce(combinations.first >= lookup.first, true) "
            "AND coalesce(combinations.first <= lookup.last, true)"
        )
    return (
        f"LEFT JOIN (SELECT key, arg_min({_decision('value', 'rule')}, line) AS decision "  # noqa: S608
        f"FROM ({' UNION ALL '.join(matches) or 'SELECT NULL AS key, NULL AS line, NULL AS value, NULL AS rule'}) "
        f"GROUP BY key) AS matched_{index} ON combinations.key = matched_{index}.key"
    )


def _split_number(splits: Sequence[PlannedSplit], value: str, parameters: Parameters) -> str:
    cases = []
    for number, planned in enumerate(splits):
        split = planned.split
        held = [f"{value} = {parameters.add(split.value)}"]
        held += [f"first >= {parameters.add(split.from_)}"] if split.from_ else []
        held += [f"first <= {parameters.add(split.until)}"] if split.until else []
        held += (
            [f"list_contains({parameters.add(list(split.charge_types))}, charge_type)"] if split.charge_types else []
        )
        cases.append(f"WHEN {' AND '.join(held)} THEN {number}")
    return f"CAST(CASE {' '.join(cases)} END AS INTEGER)" if cases else "CAST(NULL AS INTEGER)"
