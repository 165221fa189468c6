"""What an export made too early lacks: late rows and credits not yet booked, for the last two days.

`generator` makes the final rows; a day older than two days is final.
"""

from datetime import date, datetime, timedelta

import numpy as np

from circleci_cost.simulator.credits import Credits
from circleci_cost.simulator.draws import Flags, child
from circleci_cost.simulator.rows import Rows

REFRESH_HOUR = 9
"""CircleCI makes the previous UTC day available between 08:00 and 10:00 UTC."""

_SHARE_BY_AGE = {1: 0.03, 2: 0.01}
_LATE, _CHANGED = 60, 61


def last_available_day(as_of: datetime) -> date:
    """Return the newest day that an export made at `as_of` holds."""
    return as_of.date() - timedelta(days=1 if as_of.hour >= REFRESH_HOUR else 2)


def late_rows(rows: Rows, days: list[date], as_of: datetime) -> Flags:
    """Tell which rows have not arrived yet: a few of each of the last two days, at least one."""
    return _few_young_rows(rows, _LATE, np.ones(len(rows.key), dtype=np.bool_), days, as_of)


def unbook(credits: Credits, rows: Rows, late: Flags, days: list[date], as_of: datetime) -> None:
    """Take storage and a quarter of compute off a few rows of the last two days, which get them later."""
    charged = rows.ran & ~late & (credits.compute > 0)
    early = _few_young_rows(rows, _CHANGED, charged, days, as_of)
    credits.compute[early] -= (credits.compute[early] + 3) // 4
    credits.storage[early] = 0


def _few_young_rows(rows: Rows, purpose: int, eligible: Flags, days: list[date], as_of: datetime) -> Flags:
    """Choose a share of the eligible rows of each day that is not final, at least one row."""
    chosen = np.zeros(len(eligible), dtype=np.bool_)
    for position, one_day in enumerate(days):
        share = _SHARE_BY_AGE.get((as_of.date() - one_day).days)
        if share is not None:
            candidates = np.flatnonzero(eligible & (rows.day == position))
            rank = np.argsort(child(rows.key[candidates], purpose))
            chosen[candidates[rank[: max(1, round(share * len(candidates)))]]] = True
    return chosen
