"""A chart as data: what `static/charts.js` draws, and its JSON.

Which questions a chart answers, and its sentence, are the pages' (`chart_sentences` writes the usual one). Amounts are
rounded here for drawing only; the exact ones stand in the table beside the chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from circleci_cost.explorer.palette import SLOTS
from circleci_cost.text.amounts import WIDE
from circleci_cost.text.plain import one_line

Amounts = Sequence[Decimal | None]


class Kind(StrEnum):
    """How a chart draws its keys; previous periods, forecasts, budgets and second axes are lines in both."""

    BARS = "bars"
    LINES = "lines"


class Role(StrEnum):
    """What a series is. Keys, `(other)` and the actual amounts make up a period's total; the others compare."""

    KEY = "key"
    OTHER = "other"
    ACTUAL = "actual"
    PREVIOUS = "previous"
    FORECAST = "forecast"
    EXPECTED = "expected"
    BUDGET = "budget"


_PARTS = (Role.KEY, Role.OTHER, Role.ACTUAL)


@dataclass(frozen=True)
class Period:
    """One place of the horizontal axis: `Thu 1 Oct 2026` in the tooltip, `1 Oct` on the axis."""

    label: str
    short: str
    incomplete: bool = False


@dataclass(frozen=True)
class Axis:
    """What the amounts of an axis are: `USD`, `USD per run`, `credits`, `runs`, …, and to how many decimals."""

    unit: str
    decimals: int


@dataclass(frozen=True)
class Series:
    """One amount a period; None where there is none.

    A key and an actual amount have a `color`, a slot of `palette`; the other roles have their own colours. `href` is
    where a click leads, an address on this site. `axis` is the index of the chart's axis.
    """

    name: str
    values: Amounts
    role: Role = Role.KEY
    color: int | None = None
    href: str | None = None
    axis: int = 0


@dataclass(frozen=True)
class Band:
    """A range around a forecast or an expected amount, on the first axis."""

    name: str
    low: Amounts
    high: Amounts


@dataclass(frozen=True)
class Mark:
    """Something that happened in a period, such as a new price."""

    index: int
    text: str


@dataclass(frozen=True)
class Chart:
    """A figure: its `id` in the page, the sentence that says what it shows, and what is drawn.

    `stacked` concerns bars. The series keep their order, from the baseline upwards, but `(other)` always comes last of
    the parts, and what is compared after them. Raises `ValueError` where the parts do not fit each other.
    """

    id: str
    sentence: str
    periods: Sequence[Period]
    series: Sequence[Series]
    axes: Sequence[Axis] = (Axis("USD", 2),)
    kind: Kind = Kind.BARS
    stacked: bool = True
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()

    def __post_init__(self) -> None:
        rows = [*(each.values for each in self.series), *(row for band in self.bands for row in (band.low, band.high))]
        if any(len(row) != len(self.periods) for row in rows):
            raise ValueError(f"chart {self.id}: each series and band needs one amount for each period")
        if any(not 0 <= mark.index < len(self.periods) for mark in self.marks):
            raise ValueError(f"chart {self.id}: a mark lies outside the periods")
        if not 1 <= len(self.axes) <= 2 or any(not 0 <= each.axis < len(self.axes) for each in self.series):
            raise ValueError(f"chart {self.id}: a series needs an axis that exists; there are one or two")
        if any((each.color is None) == (each.role in {Role.KEY, Role.ACTUAL}) for each in self.series):
            raise ValueError(f"chart {self.id}: keys and actual amounts have a colour of the palette, no other series")
        if any(each.color is not None and not 0 <= each.color < SLOTS for each in self.series):
            raise ValueError(f"chart {self.id}: colours are slots from 0 to {SLOTS - 1}")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(value is None for each in self.series for value in each.values)

    @property
    def document(self) -> dict[str, object]:
        """What the page holds as JSON, by the `tojson` filter."""
        first = self.axes[0]
        series = sorted(self.series, key=lambda each: (each.role not in _PARTS, each.role is Role.OTHER))
        return {
            "kind": self.kind.value,
            "unit": first.unit,
            "decimals": first.decimals,
            "stacked": self.stacked,
            "periods": [
                {"label": one_line(each.label), "short": one_line(each.short), "incomplete": each.incomplete}
                for each in self.periods
            ],
            "hatched": [index for index, each in enumerate(self.periods) if each.incomplete],
            "series": [self._drawn(each) for each in series],
            "totals": self._totals(),
            "bands": [
                {"name": one_line(each.name), "low": _written(each.low, first), "high": _written(each.high, first)}
                for each in self.bands
            ],
            "marks": [
                {"index": each.index, "text": one_line(each.text)}
                for each in sorted(self.marks, key=lambda each: each.index)
            ],
            "axes": [{"unit": each.unit, "decimals": each.decimals} for each in self.axes],
        }

    def _drawn(self, series: Series) -> dict[str, object]:
        return {
            "name": one_line(series.name),
            "color": series.color,
            "role": series.role.value,
            "values": _written(series.values, self.axes[series.axis]),
            "href": series.href,
            "axis": series.axis,
        }

    def _totals(self) -> list[str | None]:
        """What the parts of a stack come to, summed before it is rounded."""
        if self.kind is not Kind.BARS or not self.stacked:
            return [None] * len(self.periods)
        parts = [each.values for each in self.series if each.role in _PARTS and each.axis == 0]
        return _written([_sum(row) for row in zip(*parts, strict=True)] or [None] * len(self.periods), self.axes[0])


def drawn_number(amount: Decimal, decimals: int) -> str:
    """An amount rounded for drawing, half to even; one that would become zero keeps its first digit instead."""
    rounded = WIDE.quantize(amount, Decimal(1).scaleb(-decimals))
    if rounded == 0 and amount != 0:
        rounded = WIDE.quantize(amount, Decimal(1).scaleb(amount.adjusted()))
    return f"{WIDE.plus(rounded):f}"


def _written(amounts: Amounts, axis: Axis) -> list[str | None]:
    return [None if amount is None else drawn_number(amount, axis.decimals) for amount in amounts]


def _sum(amounts: Amounts) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    total = Decimal(0)
    for amount in known:
        total = WIDE.add(total, amount)
    return total if known else None
