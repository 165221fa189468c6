"""Costs that return every month on their day: a bill on the 28th, a batch on the first Monday or the last three days.

Which day of a month corresponds to which of another is `model.calendar.months`' knowledge; the cost of all other days
is forecast in `methods`.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from circleci_cost.model.calendar.months import analogues
from circleci_cost.model.forecast.former_weeks import mean_before
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

# A peak stands above the same weekdays of four weeks by a mean day's cost, and by four mean deviations.
_PEAK_LEVELS, _PEAK_DEVIATIONS = 1.0, 4.0
# A month apart, peaks are of one kind within a factor of two. Two within a tenth are a bill, else it takes three: of
# two peaks a month at random, a pair meets in every second month, a triple in one of thirty.
_ALIKE, _EQUAL, _SURE_CHAIN = 2.0, 1.1, 3
# Beside what returns, peaks may come to half of it: where many days are high, some are a month apart by chance.
_OTHERS = 0.5
_LONGEST_CHAIN = 6
_SHORTEST_MONTH = 28
# Peaks of two months and a day may still be followed; those of four months tell which scheme explains a series best.
_FOLLOWED_DAYS, _SCORED_DAYS = 62, 123
# A cost to come has been booked already if a peak of half its size stands in the ten days before, in its month.
_EARLY_DAYS, _EARLY_SIZE = 10, 0.5


@dataclass(frozen=True)
class Peaks:
    """Single high days in the order of days, of the series in which some follow one another by months.

    `row`, `day`, `size` (cost above the `usual` one) are [peak]; `former` [scheme × peak] is the peak a month before
    or −1, `chain` the length of the row of months up to it, `equal` whether it has nearly the size of the former one.
    `number` [series × day] is the peak of a day or −1; `following` [scheme × day] the day a month later or −1;
    `month` [day] numbers the months.
    """

    row: Integers
    day: Integers
    size: Floats
    usual: Floats
    former: Integers
    chain: Integers
    equal: Flags
    number: Integers
    following: Integers
    month: Integers


@dataclass(frozen=True)
class Bills:
    """Costs that return after a cut [bill]: of series `row`, first on day `target`, as the peak `source` was before.

    `scheme` tells the day of the months after that; `is_booked` that the first one came early. `learned` are the peaks
    that all this was learned from.
    """

    cut: int
    learned: Integers
    row: Integers
    source: Integers
    scheme: Integers
    target: Integers
    amount: Floats
    is_booked: Flags


def peaks_of(cost: Floats, usual: Floats, level: Floats, first: date, days: int) -> Peaks:
    """Find the peaks of a panel that begins on `first`, and which follow one another; `days` of its calendar.

    Each is judged by the days before it: `usual` is the cost of its weekday, `level` that of a mean day.
    """
    before = analogues(first, days)[:, 0]
    above = cost - usual
    high = above > np.maximum(_PEAK_LEVELS * level, _PEAK_DEVIATIONS * mean_before(np.abs(above)))
    day, row = np.nonzero(high.T)
    returning = np.zeros(len(cost), dtype=np.bool_)
    for former_day in before[:, day]:
        returning[row[(former_day >= 0) & high[row, former_day]]] = True
    day, row = day[returning[row]], row[returning[row]]
    size = above[row, day]
    number = np.full(cost.shape, -1, dtype=np.int64)
    number[row, day] = np.arange(len(row))
    former = np.where(before[:, day] >= 0, number[row, before[:, day]], -1)
    ratio = np.exp(np.abs(np.log(size[former] / size))) if len(size) else np.empty(former.shape)
    former = np.where((former >= 0) & (ratio <= _ALIKE), former, -1)
    chain = np.ones(former.shape, dtype=np.int64)
    for _ in range(_LONGEST_CHAIN - 1):
        chain = np.where(former >= 0, 1 + np.take_along_axis(chain, former, axis=1), 1)
    following = np.full(before.shape, -1, dtype=np.int64)
    for scheme, former_day in enumerate(before):
        known = np.flatnonzero(former_day >= 0)
        following[scheme, former_day[known]] = known
    month = (np.datetime64(first) + np.arange(days)).astype("datetime64[M]").astype(np.int64)
    return Peaks(row, day, size, usual[row, day], former, chain, ratio <= _EQUAL, number, following, month)


def bills_after(peaks: Peaks, cut: int) -> Bills | None:
    """Return what returns after `cut`, from the peaks known by then; None where nothing does."""
    begin, end = np.searchsorted(peaks.day, (cut - _SCORED_DAYS, cut), side="right")
    if begin == end:
        return None
    known = np.arange(begin, end)
    scheme = _schemes(peaks, known)
    former = peaks.former[scheme, known]
    chain = peaks.chain[scheme, known]
    continued = np.full(len(peaks.row), -1, dtype=np.int64)
    continued[known] = former
    returned = (chain >= _SURE_CHAIN) | ((chain > 1) & peaks.equal[scheme, known])
    usable = returned & _mostly_returning(peaks, known, np.where(returned, former, -1), cut)
    if not usable.any():
        return None
    source, scheme, former = known[usable], scheme[usable], former[usable]
    amount = (peaks.size[source] + peaks.size[former]) / 2.0
    target = peaks.following[scheme, peaks.day[source]]
    learned = np.unique(np.concatenate([source, former]))
    booked = np.zeros(len(source), dtype=np.bool_)
    bills = Bills(cut, learned, peaks.row[source], source, scheme, target, amount, booked)
    return replace(bills, is_booked=_booked(peaks, bills, continued))


def add_bills(coming: Floats, peaks: Peaks, bills: Bills) -> None:
    """Add to `coming` [series × day], the costs of the days after the cut of `bills`, what returns on them."""
    days = coming.shape[1]
    cut, target, booked = bills.cut, bills.target, bills.is_booked
    returning = np.zeros_like(coming)
    for _ in range(days // _SHORTEST_MONTH + 1):
        due = (target > cut) & (target <= cut + days) & ~booked
        # Two schemes may foresee the same cost on one day.
        np.maximum.at(returning, (bills.row[due], target[due] - cut - 1), bills.amount[due])
        target = np.where(target >= 0, peaks.following[bills.scheme, target], -1)
        booked = np.zeros_like(booked)
    coming += returning


def _schemes(peaks: Peaks, known: Integers) -> Integers:
    """Choose how each peak is continued: by its longest row of months, then by what explains its series best."""
    row = peaks.row[known]
    links = peaks.former[:, known] >= 0
    score = np.stack([np.bincount(row, weights=linked, minlength=len(peaks.number))[row] for linked in links])
    continued = peaks.following[:, peaks.day[known]] >= 0
    rank = np.where(continued, peaks.chain[:, known] * (len(peaks.month) + 1) + score, 0.0)
    return np.asarray(np.argmax(rank, axis=0))


def _mostly_returning(peaks: Peaks, known: Integers, former: Integers, cut: int) -> Flags:
    """Tell the recent peaks of series in which those that return, and their `former` ones, outweigh all others."""
    returning = np.zeros(len(peaks.row), dtype=np.bool_)
    returning[known[former >= 0]] = True
    returning[former[former >= 0]] = True
    row, size = peaks.row[known], peaks.size[known] * (peaks.day[known] > cut - _FOLLOWED_DAYS)
    signed = np.where(returning[known], _OTHERS * size, -size)
    balance = np.bincount(row, weights=signed, minlength=len(peaks.number))
    return (balance[row] >= 0) & (size > 0)


def _booked(peaks: Peaks, bills: Bills, former: Integers) -> Flags:
    """Tell which costs to come were booked some days early: by a peak that is no return of another one.

    `former` [peak] is the one that each known peak continues, −1 for none.
    """
    target = bills.target
    day = target[:, None] - np.arange(1, _EARLY_DAYS + 1)
    inside = (target[:, None] >= 0) & (day >= 0) & (day <= bills.cut)
    day = np.where(inside, day, 0)
    peak = np.where(inside, peaks.number[bills.row[:, None], day], -1)
    same_month = peaks.month[day] == peaks.month[target][:, None]
    its_own = (former[peak] < 0) | (former[peak] == bills.source[:, None])
    early = (peak >= 0) & same_month & its_own & (peaks.size[peak] >= _EARLY_SIZE * bills.amount[:, None])
    return np.asarray(early.any(axis=1))
