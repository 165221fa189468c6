"""Runs of whole days; needs neither Dagster nor a frame, so that a command that fetches nothing starts quickly."""

from collections.abc import Sequence
from datetime import date, timedelta

# There was no CircleCI before, so no day before it can have usage.
EARLIEST_USAGE = date(2011, 1, 1)


def days_between(first: date, last: date) -> Sequence[date]:
    """All days from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
