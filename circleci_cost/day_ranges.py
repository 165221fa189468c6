"""Ranges of whole days, and how sentences name them.

Arithmetic with single days is in `days`; ranges of partitions are Dagster's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from circleci_cost.text.units import counted

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayRange:
    """Whole days, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        """Return the days as text, such as `2026-01-01 to 2026-01-31`."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1


def as_ranges(days: Iterable[date]) -> list[DayRange]:
    """Join days to ranges of consecutive days."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        if ranges and day - ranges[-1].last == _ONE_DAY:
            ranges[-1] = DayRange(ranges[-1].first, day)
        else:
            ranges.append(DayRange(day, day))
    return ranges


def say_ranges(ranges: Sequence[DayRange], most: int = 5) -> str:
    """Name up to `most` ranges in a sentence; of the others only their number and days."""
    named = ", ".join(str(days) for days in ranges[:most])
    rest = ranges[most:]
    if not rest:
        return named
    return f"{named} and {counted(len(rest), 'more range')} ({counted(sum(days.days for days in rest), 'day')})"
