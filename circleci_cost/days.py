"""Arithmetic with whole days and months, without Dagster or Polars, so that commands start fast.

Periods of budgets are in `model.budgets.periods`, windows of exports in `circleci.windows`.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from circleci_cost.errors import UsageError

# CircleCI did not exist before, so no earlier day can have usage.
EARLIEST_USAGE = date(2011, 1, 1)
# How many months back the history begins by default.
HISTORY_MONTHS = 13
# A month on average, for amounts per month.
DAYS_A_MONTH = 365.25 / 12


def days_between(first: date, last: date) -> Sequence[date]:
    """All days from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def months_later(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month; earlier where `months` is negative."""
    year, index = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, index + 1, min(day.day, monthrange(year, index + 1)[1]))


def parse_day(text: str) -> date:
    """Read a day; dates with a time or in another form are refused. Raises `UsageError`."""
    try:
        day = date.fromisoformat(text)
        # It also reads 20260131 and 2026-W05-6.
        if day.isoformat() != text:
            raise ValueError(text)
        return day
    except ValueError as error:
        raise UsageError(f"{text!r} is no day; write it as YYYY-MM-DD, such as 2026-01-31.") from error
