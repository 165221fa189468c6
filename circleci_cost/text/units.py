"""Numbers with their unit, for people: things, bytes, seconds, times.

`amounts` writes money, credits, prices and percentages.
"""

from datetime import UTC, datetime


def counted(number: int, noun: str) -> str:
    """A number of things: `1 day`, `1,234 days`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def verb(number: int, singular: str, plural: str) -> str:
    """The form of a verb that agrees with a number of things: 1 day `is`, 2 days `are`."""
    return singular if number == 1 else plural


def size(count: int) -> str:
    """A count of bytes: `1.5 MiB`."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "bytes" else f"{count} byte{'' if count == 1 else 's'}"
        value /= 1024
    return f"{value:.1f} GiB"


def duration(seconds: float) -> str:
    """A length of time: `45 s`, `12 min`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def to_the_minute(moment: datetime) -> str:
    """An aware moment: `2026-11-21 10:30 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
