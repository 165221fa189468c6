"""Filters of a question: `project=web-app`, `project!=web-app`, `project~web`; their one grammar, and what they mean.

`warehouse.core.filters` checks their values and applies them; conditions of the configuration are in
`model.usage.conditions`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from circleci_cost.errors import UsageError
from circleci_cost.model.reporting.names import dimension
from circleci_cost.model.usage.conditions import Condition, Conditions, Operator
from circleci_cost.model.usage.display_names import dimension_name


class FilterOperator(StrEnum):
    """How a value is compared; `contains` takes its text literally, in upper or lower case."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"


@dataclass(frozen=True)
class Filter:
    """One dimension or virtual tag compared with some values.

    Of one dimension a row has to fit one value of `is` or `contains`, and none of `is_not`; all dimensions must hold.
    """

    dimension: str
    operator: FilterOperator
    values: tuple[str, ...]


_SIGNS = {"!=": FilterOperator.IS_NOT, "~": FilterOperator.CONTAINS, "=": FilterOperator.IS}
# The first sign counts; the same signs within a value are part of it.
_FILTER = re.compile(r"(.*?)(!=|~|=)(.*)", re.DOTALL)


def parse_filters(where: Iterable[str], tags: Sequence[str] = (), *, of_runs: bool = False) -> tuple[Filter, ...]:
    """The filters of texts such as `project=web-app`, one for each dimension and operator. Raises `UsageError`.

    `of_runs`: whether dimensions that only single job runs tell may be asked for.
    """
    values: dict[tuple[str, FilterOperator], dict[str, None]] = {}
    for text in where:
        name, sign, value = split_filter(text)
        values.setdefault((dimension(name, tags, of_runs=of_runs), _SIGNS[sign]), {})[value] = None
    return tuple(Filter(name, operator, tuple(chosen)) for (name, operator), chosen in values.items())


def split_filter(text: str) -> tuple[str, str, str]:
    """The name, the sign and the value of one filter, as they are written. Raises `UsageError`."""
    parts = _FILTER.fullmatch(text)
    # Every value contains an empty text: such a filter would filter nothing.
    if parts is None or (parts[2], parts[3]) == ("~", ""):
        raise UsageError(f"The filter {text!r} has no value; write it as DIM=VALUE, such as project=web-app.")
    if parts[2] == "~" and not is_unicode(parts[3]):
        raise UsageError(f"The filter {text!r} holds bytes that are not UTF-8; no name contains them.")
    return parts[1], parts[2], parts[3]


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8; bytes of a command line that are none come as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def filter_text(name: str, operator: FilterOperator, value: str) -> str:
    """One value of a filter in the form that `parse_filters` reads."""
    sign = next(sign for sign, its_operator in _SIGNS.items() if its_operator is operator)
    return f"{name}{sign}{value}"


def named(filters: Iterable[Filter], operator: FilterOperator) -> dict[str, tuple[str, ...]]:
    """The values of one operator, by dimension."""
    return {each.dimension: each.values for each in filters if each.operator is operator}


def as_conditions(filters: Iterable[Filter]) -> tuple[Conditions, ...]:
    """The conditions that must all hold: of each dimension its alternatives, and its exclusions."""
    alternatives: dict[str, list[tuple[Condition, ...]]] = {}
    exclusions = []
    for each in filters:
        if each.operator is FilterOperator.IS_NOT:
            exclusions.append(Conditions(((Condition(each.dimension, Operator.IN, each.values, negated=True),),)))
        else:
            operator = Operator.IN if each.operator is FilterOperator.IS else Operator.CONTAINS
            alternatives.setdefault(each.dimension, []).append((Condition(each.dimension, operator, each.values),))
    return (*(Conditions(tuple(any_of)) for any_of in alternatives.values()), *exclusions)


def in_words(filters: Iterable[Filter]) -> list[str]:
    """The filters in words, a phrase for what must hold together: `project web or containing api`."""
    fitting: dict[str, list[str]] = {}
    excluded = []
    for each in filters:
        if each.operator is FilterOperator.IS_NOT:
            excluded.append(f"{dimension_name(each.dimension)} not {' or '.join(each.values)}")
        else:
            before = "containing " if each.operator is FilterOperator.CONTAINS else ""
            fitting.setdefault(each.dimension, []).extend(f"{before}{value}" for value in each.values)
    return [*(f"{dimension_name(name)} {' or '.join(values)}" for name, values in fitting.items()), *excluded]
