"""Which days of an incident are news: not what a series does time and again, nor the end of what was hardly there.

Whether a day is unusual is the detector's decision, and whether it matters in money that of `incidents`.
"""

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats
from circleci_cost.model.incidents.ledger import WEEK, Ledger

# A former rise of at least this share of a day's is like it. One of more days than a batch takes was a lasting change.
_ALIKE, _LONGEST = 0.5, 3
# A former day counts from this share of what alarms by itself. On the seeds 1 and 2, .5 and 1 found .004 fewer causes,
# and 1 told of a tenth more that were none.
_NOTABLE = 0.75
# Like rises in so many other weeks of the last ones are a habit: some projects have bursts every few weeks.
_HABIT_DAYS, _HABIT_WEEKS = 56, 2
# What was used in fewer of the weeks before, and on less than half of the days, is nothing that could end: a monthly
# batch is used in at most three of six.
_WEEKS, _WEEKS_USED = 6, 4


def is_news(ledger: Ledger, series: str, sign: float, first: int, last: int) -> Flags:
    """Return which days of a change of a series, up or down by `sign`, are news.

    The detector expects what comes with the month from the third time on; by the second, people have been notified of
    it a month before. A rise that lasts longer than a batch is news in any case.
    """
    news = np.ones(last - first + 1, dtype=np.bool_)
    if sign < 0:
        news[:] = _was_used(ledger, series, first)
        return news
    excess = _excess(ledger, series)
    short = np.where(_is_short(excess), excess, 0.0)
    days = np.arange(first, min(first + _LONGEST, last + 1))
    back = days[:, None] - np.arange(_LONGEST + 1, _LONGEST + 1 + _HABIT_DAYS)
    monthly, lately = (
        (short[places] > 0) & (short[places] >= _ALIKE * excess[days]) & (places >= 0)
        for places in (ledger.months_before[:, days], np.maximum(back.T, -1))
    )
    # One of the two former months may have had a holiday.
    weeks = lately.reshape(-1, WEEK, len(days)).any(axis=1).sum(axis=0)
    news[: len(days)] = ~(monthly.any(axis=0) | (weeks >= _HABIT_WEEKS))
    return news


def _is_short(excess: Floats) -> Flags:
    """Return which days' rises had like ones on no more days around them than a batch takes."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(excess, _LONGEST), 2 * _LONGEST + 1)
    return np.asarray((windows >= _ALIKE * excess[:, None]).sum(axis=1) <= _LONGEST)


def _excess(ledger: Ledger, series: str) -> Floats:
    """How far notable days rose above their expectation; in the first two weeks, which have none, above the median."""
    row = ledger.position[series]
    value, expected, band = ledger.value[row], ledger.expected[row], ledger.band[row]
    unjudged = ~np.isnan(value) & np.isnan(expected)
    usual = np.where(np.isnan(expected), np.median(value[unjudged]) if unjudged.any() else 0.0, expected)
    root = np.sqrt(np.maximum(value, 0.0) / np.where(usual > 0, usual, np.nan)) - 1.0
    return np.where(np.isnan(value) | (root < _NOTABLE * band), 0.0, value - usual)


def _was_used(ledger: Ledger, series: str, first: int) -> bool:
    before = ledger.value[ledger.position[series], max(first - _WEEKS * WEEK, 0) : first][::-1]
    used = np.flatnonzero(before > 0)
    return len(np.unique(used // WEEK)) >= _WEEKS_USED or (len(used) > 0 and 2 * len(used) > used[-1])
