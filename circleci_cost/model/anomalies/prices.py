"""Prices of usage in daily costs: what a credit cost on each day, and the days on which that changed.

A price change is known exactly: it is reported as one, and not judged as if more had been used.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats, Integers

PRICE_STEP = 0.01
"""The price change whose score is 1. A price change is a fact; its score only expresses its size."""

# A price that changes by less than this share is the same price, rounded.
_SAME_PRICE = 1e-3
# A price that changes more often within a fortnight is a mean of several prices, which cannot be followed. No series
# is judged before its first fortnight is over.
_FORTNIGHT, _MOST_CHANGES = 14, 2


@dataclass(frozen=True)
class PriceCourse:
    """For each series and day: whether the price `changed`, by which share (`step`), and the price `expected`.

    On the day of a change, `expected` is still the former price; it is 0 before the first known price.
    """

    expected: Floats
    changed: Flags
    step: Floats


def usage_and_price(cost: Floats, credits: Floats, begins: Integers) -> tuple[Floats, Floats]:
    """Return the usage to judge and its price (NaN where there is none); series without one price are judged by cost.

    A series has one price if credits are given with its first cost and its price changes at most twice in the
    fortnight after `begins`; later days do not change this, so that earlier judgements stay as they are. A later cost
    without credits is converted at the last price. Where cost is judged, the price is 1.
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
