"""The drivers of a change as the steps of a waterfall, rounded so that they add up to the change as it is shown.

Lengths are SVG units; the template draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from circleci_cost.model.drivers.text import driver_text, effects_of
from circleci_cost.text.amounts import WIDE

WIDTH = 320
_NARROWEST = 2.0


@dataclass(frozen=True)
class Bar:
    """Where a bar lies, and in which direction it goes."""

    x: str
    width: str
    direction: str


@dataclass(frozen=True)
class Step:
    """One driver: its name, its figures if they say more, its effect, its share of the change, its bar."""

    driver: str
    figures: str
    amount: Decimal
    share: Decimal | None
    bar: Bar


@dataclass(frozen=True)
class Waterfall:
    """The steps from no change to the whole change, the largest first, and where zero lies."""

    steps: Sequence[Step]
    total: Bar
    zero: str
    amount: Decimal


def waterfall(row: Mapping[str, Any]) -> Waterfall:
    """The steps of a row of `decomposition.decompose`."""
    effects = effects_of(row)
    whole = sum((amount for _, amount in effects), start=Decimal(0))
    ends = [Decimal(0)]
    for _, amount in effects:
        ends.append(ends[-1] + amount)
    scale = _Scale(min(ends), max(ends))
    steps = []
    for (name, amount), begin in zip(effects, ends, strict=False):
        words, figures = driver_text(name, row, amount)
        share = WIDE.divide(amount, whole) if whole else None
        steps.append(Step(words, figures.strip(), amount, share, scale.bar(begin, begin + amount)))
    zero = min(scale.place(Decimal(0)), WIDTH - 1.0)
    return Waterfall(steps, scale.bar(Decimal(0), whole), f"{zero:.1f}", whole)


@dataclass(frozen=True)
class _Scale:
    low: Decimal
    high: Decimal

    def place(self, amount: Decimal) -> float:
        return WIDTH * float((amount - self.low) / (self.high - self.low)) if self.high > self.low else 0.0

    def bar(self, begin: Decimal, end: Decimal) -> Bar:
        left, right = sorted((self.place(begin), self.place(end)))
        width = max(right - left, _NARROWEST)
        return Bar(f"{min(left, WIDTH - width):.1f}", f"{width:.1f}", "up" if end >= begin else "down")
