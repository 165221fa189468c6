"""Conditions as SQL, with their values as parameters.

Conditions are defined in `model.usage.conditions`; each statement decides which rows they are applied to.
"""

from circleci_cost.model.usage.conditions import Condition, Conditions, Operator

# `contains` compares literally: no character is a wildcard.
_FORMS = {
    Operator.GLOB: "{} GLOB {}",
    Operator.REGEX: "regexp_matches({}, {})",
    Operator.CONTAINS: "contains(lower({}), lower({}))",
}


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
        " AND ".join(_condition(condition, columns[condition.dimension], parameters) for condition in alternative)
        or "true"
        for alternative in conditions.any_of
    )
    return " OR ".join(f"({alternative})" for alternative in alternatives)


def _condition(condition: Condition, column: str, parameters: Parameters) -> str:
    if condition.operator is Operator.IN:
        if len(condition.values) == 1:
            expression = f"{column} = {parameters.add(condition.values[0])}"
        else:
            expression = f"list_contains({parameters.add(list(condition.values))}, {column})"
    else:
        form = _FORMS[condition.operator]
        expression = " OR ".join(form.format(column, parameters.add(value)) for value in condition.values)
    return f"NOT ({expression})" if condition.negated else f"({expression})"
