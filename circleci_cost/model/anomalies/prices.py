"""Prices of usage in daily costs: what a credit cost on each day, and the days on which that changed.

A change of the price is known exactly; it is told as such, and not judged as if more had been used.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats, Integers

PRICE_STEP = 0.01
"""The change of a price whose score is 1: it is a fact, and its score only tells its size."""

# A price that changes by less than this is the same one, rounded.
_SAME_PRICE = 1e-3
# One that changes more often within a fortnight is the mean of several prices: there is none to follow. No series is
# judged before its first fortnight is over.
_FORTNIGHT, _MOST_CHANGES = 14, 2


@dataclass(frozen=True)
class PriceCourse:
    """Of each series and day: whether the price `changed` and by which share (`step`), and the one to expect at.

    On the day of a change, `expected` is still the former price; before any is known, 0.
    """

    expected: Floats
    changed: Flags
    step: Floats


def usage_and_price(cost: Floats, credits: Floats, begins: Integers) -> tuple[Floats, Floats]:
    """Return what is to be judged and its price, NaN where there is none; of series without one price, cost at 1.

    Series have one if credits are given with their first cost and their price is one in the fortnight after `begins`:
    what comes later changes nothing of what has been judged. A later cost without credits is taken at the last price.
    """
    price = np.divide(cost, credits, out=np.full(cost.shape, np.nan), where=(credits > 0) & (cost > 0))
    changed, _ = _steps(price)
    days = np.arange(cost.shape[1])
    begun = (changed & (days < begins[:, None] + _FORTNIGHT)).sum(axis=1)
    first = ((cost > 0) | (credits > 0)).argmax(axis=1)
    without = ((begun > _MOST_CHANGES) | (np.take_along_axis(credits, first[:, None], axis=1)[:, 0] <= 0))[:, None]
    missing = (cost > 0) & (credits <= 0) & ~without
    price = np.where(missing, _last_known_before(price), price)
    usage = np.divide(cost, price, out=credits.copy(), where=missing & (price > 0))
    return np.where(without, cost, usage), np.where(without, np.where(cost > 0, 1.0, np.nan), price)


def price_course(price: Floats) -> PriceCourse:
    """Follow the prices [series × days], NaN where there is none."""
    changed, step = _steps(price)
    summed = np.cumsum(changed, axis=1)
    of_fortnight: Integers = summed - np.pad(summed, ((0, 0), (_FORTNIGHT, 0)))[:, : summed.shape[1]]
    changed &= of_fortnight <= _MOST_CHANGES
    before = _last_known_before(price)
    today = np.where(np.isnan(price), before, price)
    return PriceCourse(np.nan_to_num(np.where(changed, before, today)), changed, step)


def _steps(price: Floats) -> tuple[Flags, Floats]:
    """Return where a price differs from the last one known before, and by which share."""
    before = _last_known_before(price)
    step = np.divide(price, before, out=np.ones(price.shape), where=~np.isnan(price) & (before > 0)) - 1.0
    return np.abs(step) > _SAME_PRICE, step


def _last_known_before(price: Floats) -> Floats:
    """Return the last price known before each day, NaN where there is none."""
    days = np.arange(price.shape[1])
    last = np.maximum.accumulate(np.where(np.isnan(price), -1, days), axis=1)
    last = np.concatenate([np.full((len(price), 1), -1), last[:, :-1]], axis=1)
    return np.where(last < 0, np.nan, np.take_along_axis(price, np.maximum(last, 0), axis=1))
