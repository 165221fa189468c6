"""The timeline beside the list of incidents: where the bar of each lies, and the months above them.

Lengths are SVG units of the drawing; the template draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from circleci_cost.days import months_later

WIDTH = 260
_NARROWEST = 4.0
_LABELS = 5


@dataclass(frozen=True)
class Bar:
    """A bar from the first to the last day of an incident."""

    x: str
    width: str


@dataclass(frozen=True)
class Tick:
    """The first day of a month; only some have a label."""

    x: str
    label: str


@dataclass(frozen=True)
class Timeline:
    """The days from the month of the first incident to the last day with data."""

    first: date
    last: date

    @classmethod
    def of(cls, first_days: Sequence[date], through: date) -> "Timeline":
        """The timeline of incidents that began on these days; at least three months."""
        earliest = min([*first_days, through])
        return cls(min(earliest.replace(day=1), months_later(through.replace(day=1), -2)), through)

    def bar(self, first: date, last: date) -> Bar:
        """The bar of some days; a single day can still be seen."""
        begin, end = self._place(first), self._place(last) + self._day
        width = max(end - begin, _NARROWEST)
        return Bar(f"{min(begin, WIDTH - width):.1f}", f"{width:.1f}")

    @property
    def ticks(self) -> Sequence[Tick]:
        """The months, and the labels that find room."""
        months = [self.first]
        while (month := months_later(months[-1], 1)) <= self.last:
            months.append(month)
        every = -(-len(months) // _LABELS)
        return [
            Tick(f"{self._place(month):.1f}", _label(month) if number % every == 0 else "")
            for number, month in enumerate(months)
        ]

    @property
    def _day(self) -> float:
        return WIDTH / ((self.last - self.first).days + 1)

    def _place(self, day: date) -> float:
        return (day - self.first).days * self._day


def _label(month: date) -> str:
    return f"{month:%b %y}" if month.month == 1 else f"{month:%b}"
