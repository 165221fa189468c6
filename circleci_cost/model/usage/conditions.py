"""Conditions on the dimensions of a cost: what they are, and which dimensions they need.

Virtual tags and budgets consist of them. `condition_definition` reads them from the configuration, and
`warehouse.core.conditions` turns them into SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from circleci_cost.model.usage.dimensions import DIMENSIONS, IDS

# Conditions may name ids, too.
CONDITION_DIMENSIONS: tuple[str, ...] = (*DIMENSIONS, *IDS)


class Operator(Enum):
    """How a value is compared; a condition holds where one of its values fits."""

    IN = "in"
    GLOB = "glob"
    REGEX = "regex"
    CONTAINS = "contains"


@dataclass(frozen=True)
class Condition:
    """One dimension, or one virtual tag, compared with some values; `negated` inverts the result."""

    dimension: str
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False

    def __str__(self) -> str:
        """The condition in words, such as `project is not web-app`."""
        no = "not " if self.negated else ""
        verb = {
            Operator.IN: f"is {no}",
            Operator.GLOB: f"is {no}like ",
            Operator.REGEX: f"does {no}match ",
            Operator.CONTAINS: f"is {no}containing ",
        }
        if self.operator is Operator.REGEX and not self.negated:
            return f"{self.dimension} matches {' or '.join(self.values)}"
        return f"{self.dimension} {verb[self.operator]}{' or '.join(self.values)}"


AllOf: TypeAlias = tuple[Condition, ...]


@dataclass(frozen=True)
class Conditions:
    """Alternatives: hold where all conditions of at least one of them hold; without any, everywhere."""

    any_of: tuple[AllOf, ...] = ()

    def __iter__(self) -> Iterator[Condition]:
        """Iterate over the conditions of all alternatives."""
        return (condition for alternative in self.any_of for condition in alternative)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions and virtual tags that the conditions name, without repeats, in their order."""
        return tuple(dict.fromkeys(condition.dimension for condition in self))

    def __str__(self) -> str:
        """The conditions in words."""
        if not self.any_of:
            return "everything"
        return "; or ".join(" and ".join(str(condition) for condition in alternative) for alternative in self.any_of)


def among(values: Mapping[str, Sequence[str]]) -> Conditions:
    """The condition that each dimension or tag has one of its listed values; an empty list allows every value."""
    all_of = tuple(Condition(name, Operator.IN, tuple(allowed)) for name, allowed in values.items() if allowed)
    return Conditions((all_of,) if all_of else ())
