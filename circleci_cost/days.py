"""Runs of whole days and months; needs neither Dagster nor a frame, so that a command that fetches nothing starts fast.

What a period of a budget or a window of an export is belongs to these.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

# There was no CircleCI before, so no day before it can have usage.
EARLIEST_USAGE = date(2011, 1, 1)
# How far back a history begins where nobody says otherwise.
HISTORY_MONTHS = 13


def days_between(first: date, last: date) -> Sequence[date]:
    """All days from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def months_later(day: date, months: int) -> date:
    """The same day of the month, or the month's last one, so many months later; earlier where they are negative."""
    year, index = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, index + 1, min(day.day, monthrange(year, index + 1)[1]))
