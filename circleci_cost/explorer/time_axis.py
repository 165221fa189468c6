"""The periods of a chart over days: how long they are, what they are called, and which are not complete.

What is drawn over them is `charts`' matter, which days are asked for that of `periods`.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.explorer.charts import Period
from circleci_cost.explorer.rendering import day_text
from circleci_cost.model.reporting.report import Granularity

# Up to so many days there is a bar for each day, then for each week.
_DAILY, _WEEKLY = 92, 200


def fitting_granularity(days: DayRange) -> Granularity:
    """The length of period that makes a readable number of them."""
    if days.days <= _DAILY:
        return Granularity.DAY
    return Granularity.WEEK if days.days <= _WEEKLY else Granularity.MONTH


def starts_of(days: DayRange, granularity: Granularity) -> list[date]:
    """The first day of each period, as reports have it."""
    return sorted({start_of(day, granularity) for day in days_between(days.first, days.last)})


def periods_of(days: DayRange, granularity: Granularity, is_known: Callable[[date], bool]) -> Sequence[Period]:
    """The periods in order; one that holds a day of which nothing is known, or ends outside, is incomplete."""
    periods = []
    for start in starts_of(days, granularity):
        end = _end(start, granularity)
        known = sum(map(is_known, days_between(max(start, days.first), min(end, days.last))))
        whole = (end - start).days + 1
        label = _label(start, granularity)
        if whole > 1 and known < whole:
            label += f", {known} of {whole} days"
        periods.append(Period(label, _short(start, granularity), incomplete=known < whole))
    return periods


def period_of(day: date) -> Period:
    """One day, by itself."""
    return Period(_label(day, Granularity.DAY), _short(day, Granularity.DAY))


def start_of(day: date, granularity: Granularity) -> date:
    """The first day of the period of a day."""
    if granularity is Granularity.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity is Granularity.MONTH else day


def _end(start: date, granularity: Granularity) -> date:
    if granularity is Granularity.MONTH:
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return start + timedelta(days=6) if granularity is Granularity.WEEK else start


def _label(start: date, granularity: Granularity) -> str:
    if granularity is Granularity.MONTH:
        return f"{start:%B %Y}"
    return f"Week of {day_text(start)}" if granularity is Granularity.WEEK else day_text(start)


def _short(start: date, granularity: Granularity) -> str:
    if granularity is Granularity.MONTH:
        return f"{start:%b %Y}" if start.month == 1 else f"{start:%b}"
    return f"{start.day} {start:%b}"
