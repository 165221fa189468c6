"""When CircleCI has the usage of a day: it brings a UTC day between 08:00 and 10:00 UTC of the next one.

Pure; which days are asked for is decided in `windows`, and in SQL `holds_whole_day` judges a landed export.
"""

from datetime import UTC, date, datetime, time, timedelta

_DAY = timedelta(days=1)
# The hours of the next day (one source says so): no export requested earlier can hold the day, any later one does.
_EARLIEST, _LATEST = timedelta(hours=8), timedelta(hours=10)
DELIVERED_BY = "10:00"
DELIVERY = f"CircleCI brings a day between 08:00 and {DELIVERED_BY} UTC of the next one"


def newest_day(now: datetime) -> date:
    """The last UTC day that an export requested at `now` (aware) can hold."""
    return (now.astimezone(UTC) - _EARLIEST).date() - _DAY


def is_awaited(day: date, now: datetime) -> bool:
    """Whether CircleCI may still lack `day`, or some of it, at `now` (aware)."""
    return now < datetime.combine(day + _DAY, time(), UTC) + _LATEST


def awaited_sentence(now: datetime, first: date) -> str | None:
    """What a reader should know of the newest UTC day that is over; None where all of it is there by now.

    `first` is the first day that is wanted at all.
    """
    day = now.astimezone(UTC).date() - _DAY
    if day < first or not is_awaited(day, now):
        return None
    state = "is not there yet" if day > newest_day(now) else "may not be there yet, or not all of it"
    return f"{day} {state}: {DELIVERY}. The first sync after {DELIVERED_BY} UTC fetches it."
