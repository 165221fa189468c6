"""The course of one amount as small bars within a line of a table; the exact amounts stand elsewhere on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

HEIGHT = 20
_STEP, _GAP = 4, 1
_WIDEST = 160

Course = Sequence[Decimal | None]


@dataclass(frozen=True)
class Bar:
    """A rectangle; `y` grows downwards."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Sparkline:
    """The bars of an SVG of this width and of `HEIGHT`."""

    width: int
    bars: Sequence[Bar]


def sparkline(course: Course) -> Sparkline:
    """The course by its largest amount; what is unknown, zero or negative has no bar."""
    step = min(float(_STEP), _WIDEST / max(len(course), 1))
    top = max((float(amount) for amount in course if amount is not None), default=0.0)
    return Sparkline(
        max(round(step * len(course)), 1),
        [
            _bar(index * step, step, max(float(amount) / top * HEIGHT, 1))
            for index, amount in enumerate(course)
            if amount is not None and amount > 0
        ],
    )


def _bar(x: float, step: float, height: float) -> Bar:
    gap = _GAP if step > _GAP * 2 else 0
    return Bar(f"{x:.2f}", f"{HEIGHT - height:.2f}", f"{step - gap:.2f}", f"{height:.2f}")
