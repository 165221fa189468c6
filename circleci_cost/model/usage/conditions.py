"""Conditions on the dimensions of a cost: what they are, and which dimensions they need.

Virtual tags and budgets are made of them. How they are written in the configuration is `condition_definition`', their
SQL `warehouse.core.conditions`'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from circleci_cost.model.usage.schema import DIMENSIONS, IDS

# Ids may be asked for, too.
CONDITION_DIMENSIONS: tuple[str, ...] = (*DIMENSIONS, *IDS)


class Operator(Enum):
    """How a value is compared; each holds where one of the condition's values fits."""

    IN = "in"
    GLOB = "glob"
    REGEX = "regex"


@dataclass(frozen=True)
class Condition:
    """One dimension, or one virtual tag, compared with some values; `negated` turns the answer round."""

    dimension: str
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False

    def __str__(self) -> str:
        """The condition in words, such as `project is not web-app`."""
        no = "not " if self.negated else ""
        verb = {Operator.IN: f"is {no}", Operator.GLOB: f"is {no}like ", Operator.REGEX: f"does {no}match "}
        if self.operator is Operator.REGEX and not self.negated:
            return f"{self.dimension} matches {' or '.join(self.values)}"
        return f"{self.dimension} {verb[self.operator]}{' or '.join(self.values)}"


AllOf: TypeAlias = tuple[Condition, ...]


@dataclass(frozen=True)
class Conditions:
    """Holds where all conditions of one of the alternatives hold; without any alternative, everywhere."""

    any_of: tuple[AllOf, ...] = ()

    def __iter__(self) -> Iterator[Condition]:
        """Each condition, whatever alternative it is of."""
        return (condition for alternative in self.any_of for condition in alternative)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions and virtual tags that are asked for, each once, in their order."""
        return tuple(dict.fromkeys(condition.dimension for condition in self))

    def __str__(self) -> str:
        """The conditions in words."""
        if not self.any_of:
            return "everything"
        return "; or ".join(" and ".join(str(each) for each in alternative) for alternative in self.any_of)


def among(values: Mapping[str, Sequence[str]]) -> Conditions:
    """The conditions that each dimension or tag has one of its values; without any it may have all."""
    held = tuple(Condition(name, Operator.IN, tuple(asked)) for name, asked in values.items() if asked)
    return Conditions((held,) if held else ())
