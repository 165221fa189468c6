"""Conditions as SQL, with their values as parameters.

What conditions are is `model.usage.conditions`' to say, which rows they are asked of each statement's.
"""

from circleci_cost.model.usage.conditions import Condition, Conditions, Operator


class Parameters:
    """The values of a statement that is being put together: SQL holds their names only."""

    def __init__(self) -> None:
        """Begin without any."""
        self.values: dict[str, object] = {}

    def add(self, value: object) -> str:
        """Keep a value; return how SQL names it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def to_sql(conditions: Conditions, columns: dict[str, str], parameters: Parameters) -> str:
    """The conditions as a SQL expression that is true or false, never NULL.

    In: for each dimension that is asked for, its column, which must be one of our own names and hold no NULL.
    Values go into `parameters`.
    """
    if not conditions.any_of:
        return "true"
    alternatives = (
        " AND ".join(_condition(each, columns[each.dimension], parameters) for each in alternative) or "true"
        for alternative in conditions.any_of
    )
    return " OR ".join(f"({each})" for each in alternatives)


def _condition(condition: Condition, column: str, parameters: Parameters) -> str:
    if condition.operator is Operator.IN:
        if len(condition.values) == 1:
            found = f"{column} = {parameters.add(condition.values[0])}"
        else:
            found = f"list_contains({parameters.add(list(condition.values))}, {column})"
    else:
        form = "{} GLOB {}" if condition.operator is Operator.GLOB else "regexp_matches({}, {})"
        found = " OR ".join(form.format(column, parameters.add(value)) for value in condition.values)
    return f"NOT ({found})" if condition.negated else f"({found})"
