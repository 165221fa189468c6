"""What somebody imagines, such as `job=reindex class=large` or `price=0.0005`, and how costs would follow from it.

Which costs it concerns is `warehouse.efficiency.what_if`'s job; what a class does to a job is `advice`'s.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeAlias

from circleci_cost.errors import UsageError
from circleci_cost.model.pricing.definition import price_per_credit
from circleci_cost.text.suggestions import did_you_mean

_HOW = 'write "job=NAME class=NAME", with project=NAME where several have the job, or "price=0.0005"'
_KEYS = ("job", "project", "class", "price", "cost_center")


@dataclass(frozen=True)
class ClassMove:
    """A job gets another class."""

    job: str
    resource_class: str
    project: str | None = None


@dataclass(frozen=True)
class NewPrice:
    """A credit costs so many USD, in one cost center or in all."""

    price: Decimal
    cost_center: str | None = None


WhatIf: TypeAlias = ClassMove | NewPrice


class Factors(NamedTuple):
    """Costs relative to today's: likely, and the bounds."""

    likely: float
    low: float
    high: float


def parse_what_if(text: str) -> WhatIf:
    """Read one. Raises `UsageError`."""
    given = _pairs(text)
    if set(given) in ({"job", "class"}, {"job", "class", "project"}):
        return ClassMove(given["job"], given["class"], given.get("project"))
    if set(given) in ({"price"}, {"price", "cost_center"}):
        return NewPrice(_price(given["price"]), given.get("cost_center"))
    raise UsageError(f"--what-if {text!r} is not understood; {_HOW}.")


def _pairs(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--what-if {text!r} cannot be read ({error}); {_HOW}.") from None
    given: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in _KEYS or not value or key in given:
            hint = did_you_mean(key, _KEYS) if key not in _KEYS else None
            raise UsageError(f"--what-if: {word!r} is not understood; {hint or f'{_HOW}.'}")
        given[key] = value
    return given


def _price(text: str) -> Decimal:
    try:
        return price_per_credit(Decimal(text))
    except (InvalidOperation, ValueError):
        raise UsageError(f"--what-if: {text!r} is no price; write USD per credit, such as price=0.0005.") from None


@dataclass(frozen=True)
class Spending:
    """What a scope spent lately: in all, by cost center, and on the compute of each moved job in its cost center."""

    total: Decimal
    centers: Mapping[str, Decimal]
    jobs: Sequence[tuple[str, Decimal]]


def relative_cost(spending: Spending, prices: Mapping[str, float], moves: Sequence[Factors]) -> Factors:
    """The scope's cost relative to today's, if it goes on as lately.

    In: `prices`, the new price relative to today's by cost center (1 where missing); `moves`, the compute cost of each
    of `spending.jobs` relative to today's.
    """
    if spending.total <= 0:
        return Factors(1.0, 1.0, 1.0)

    def imagined(bound: int) -> float:
        by_center = {name: float(amount) for name, amount in spending.centers.items()}
        for (center, amount), factors in zip(spending.jobs, moves, strict=True):
            by_center[center] = by_center.get(center, 0.0) + float(amount) * (factors[bound] - 1)
        return sum(amount * prices.get(name, 1.0) for name, amount in by_center.items()) / float(spending.total)

    return Factors(*(imagined(bound) for bound in range(3)))
