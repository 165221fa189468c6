"""The named periods of a report, `30d` or `last_month`, as days.

They end where the data do: the last complete day is that through which every cost center has data, or yesterday where
nothing is known yet. Which days they are compared with is `comparison`'s subject.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import suggestion_or_all

_MONTHS_OF_QUARTER, _MONTHS_OF_YEAR = 3, 12


@dataclass(frozen=True)
class Reach:
    """How far the data reach: the last complete day, the days with any data, and yesterday in UTC."""

    through: date | None
    available: DayRange | None
    yesterday: date

    @property
    def end(self) -> date:
        """The last complete day, or yesterday."""
        return self.through or self.yesterday

    @property
    def latest(self) -> date:
        """The last day that is over or has data."""
        return max(self.end, self.yesterday, self.available.last if self.available else self.end)


def preset_days(name: str, reach: Reach) -> DayRange:
    """The days of a preset. Raises `UsageError` for an unknown one.

    * `7d`, `30d`, `90d`: the last so many complete days;
    * `this_month`, `this_quarter`: those of the last complete day, from their first day to the last one that has data
      or is over, so that incomplete days at the end are shown;
    * `last_month`: the calendar month before that month, whole;
    * `12m`: the last twelve calendar months that are complete, whole;
    * `all`: all days with data.
    """
    if name not in _PRESETS:
        raise UsageError(f"There is no period {quoted(name)}; {suggestion_or_all(name, PRESETS)}")
    return _PRESETS[name](reach)


def _last_days(count: int) -> Callable[[Reach], DayRange]:
    return lambda reach: DayRange(date.fromordinal(max(1, reach.end.toordinal() - count + 1)), reach.end)


def _this(months: int) -> Callable[[Reach], DayRange]:
    """The month or quarter of the last complete day, as far as it has come."""

    def days(reach: Reach) -> DayRange:
        month = _month(reach.end) // months * months
        return DayRange(_first(month), min(_last(month + months - 1), reach.latest))

    return days


def _last_month(reach: Reach) -> DayRange:
    month = _month(reach.end) - 1
    return DayRange(_first(month), _last(month))


def _last_twelve_months(reach: Reach) -> DayRange:
    month = _month(reach.end)
    last = month if reach.end == _last(month) else month - 1
    return DayRange(_first(last - _MONTHS_OF_YEAR + 1), _last(last))


def _all(reach: Reach) -> DayRange:
    return reach.available or DayRange(reach.end, reach.end)


def _month(day: date) -> int:
    """The number of a day's month since year 0."""
    return day.year * _MONTHS_OF_YEAR + day.month - 1


def _year_and_month(number: int) -> tuple[int, int]:
    """A month by its number; the first there is where it lies before the calendar."""
    year, month = divmod(max(number, _month(date.min)), _MONTHS_OF_YEAR)
    return year, month + 1


def _first(number: int) -> date:
    return date(*_year_and_month(number), 1)


def _last(number: int) -> date:
    year, month = _year_and_month(number)
    return date(year, month, monthrange(year, month)[1])


_PRESETS: dict[str, Callable[[Reach], DayRange]] = {
    "30d": _last_days(30),
    "7d": _last_days(7),
    "90d": _last_days(90),
    "this_month": _this(1),
    "last_month": _last_month,
    "this_quarter": _this(_MONTHS_OF_QUARTER),
    "12m": _last_twelve_months,
    "all": _all,
}
PRESETS = tuple(_PRESETS)
"""The names, in the order in which they are offered; the first is the default."""
