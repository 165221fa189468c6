"""How conditions are written: `where = { project = "web-app", branch = { not = "main" } }`, or a list of these.

A plain value means `is`, a list `in`; a table has one or more of `is`, `in`, `not`, `glob` and `regex`, which must
all hold. All dimensions of one table must hold; a list of tables holds where one of them does. What conditions mean
is `conditions`' subject.
"""

from collections.abc import Iterator
from typing import Annotated, TypeAlias

from pydantic import PlainValidator

from circleci_cost.model.usage import conditions as model
from circleci_cost.model.usage.conditions import Condition, Operator
from circleci_cost.sections.regular_expressions import why_unreadable
from circleci_cost.sections.section import shown_key
from circleci_cost.text.plain import same_name

_OPERATORS = {"is": Operator.IN, "in": Operator.IN, "glob": Operator.GLOB, "regex": Operator.REGEX}
_HOW = 'write { project = "web-app" }, { project = ["a", "b"] } or { project = { glob = "web-*" } }'


def _parse(value: object) -> model.Conditions:
    if isinstance(value, model.Conditions):
        return value
    alternatives = value if isinstance(value, list | tuple) else [value]
    if not alternatives:
        raise ValueError(f"an empty list holds nowhere; {_HOW}, or leave the key out")
    return model.Conditions(tuple(_all_of(table) for table in alternatives))


def _all_of(table: object) -> model.AllOf:
    if not isinstance(table, dict) or not table:
        raise ValueError(f"this is no condition; {_HOW}")
    return tuple(condition for name, expected in table.items() for condition in _of_dimension(str(name), expected))


def _of_dimension(name: str, expected: object) -> Iterator[Condition]:
    if not isinstance(expected, dict):
        yield Condition(name, Operator.IN, _values(name, expected))
        return
    if not expected:
        raise ValueError(f"{shown_key(name)} has no condition; {_HOW}")
    for operator, value in expected.items():
        if operator == "not":
            denied = list(_of_dimension(name, value))
            if len(denied) > 1:
                raise ValueError(f"{shown_key(name)} denies several conditions at once; write each as one of its own")
            for condition in denied:
                yield Condition(name, condition.operator, condition.values, not condition.negated)
        elif operator in _OPERATORS:
            values = _values(name, value)
            if _OPERATORS[operator] is Operator.REGEX:
                _check_regex(name, values)
            yield Condition(name, _OPERATORS[operator], values)
        else:
            raise ValueError(
                f"{shown_key(name)} has the condition {shown_key(operator)!r}; there are is, in, not, glob and regex"
            )


def _values(name: str, given: object) -> tuple[str, ...]:
    values = given if isinstance(given, list) else [given]
    if not values:
        raise ValueError(f"{shown_key(name)} has an empty list, which fits nothing; write a value")
    for value in values:
        if not isinstance(value, str):
            raise ValueError(f"{shown_key(name)} is not compared with text; write it in quotes, such as 'main'")
    return tuple(map(same_name, values))


def _check_regex(name: str, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        reason = why_unreadable(pattern)
        if reason is not None:
            raise ValueError(f"the regular expression for {shown_key(name)} cannot be read ({reason})")


Conditions: TypeAlias = Annotated[model.Conditions, PlainValidator(_parse)]
EVERYTHING = model.Conditions()
