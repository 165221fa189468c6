"""How long a 429 or 503 asks us to stay away, read from its headers.

Who waits, and whether it is worth it, is each caller's to decide.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DEFAULT_SECONDS = 60.0
# A week: a longer wait is a mistake, and would lock the organization out.
MAX_SECONDS = 7 * 24 * 3600.0
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that `Retry-After` names, None where it is missing, past or unreadable.

    A date is measured against the answer's own `Date` if it has one, so that a wrong clock here
    does not shorten the wait. Rounded up; never more than a week.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(math.ceil(float(value))), MAX_SECONDS)
    until = http_date(value)
    if until is None:
        return None
    seconds = math.ceil((until - (http_date(headers.get("date", "")) or now)).total_seconds())
    return min(float(seconds), MAX_SECONDS) if seconds >= 0 else None


def http_date(value: str) -> datetime | None:
    """Read an HTTP date; None where the text is not one."""
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
