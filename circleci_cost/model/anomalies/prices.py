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

    All are [days × series]. A series has one price if credits are given with its first cost and its price changes at
    most twice in the fortnight after `begins`; later days do not change this, so that earlier judgements stay as they
    are. A later cost without credits is converted at the last price. Where cost is judged, the price is 1.
    """
    price = np.full(cost.shape, np.nan)
    np.divide(cost, credits, out=price, where=(credits > 0) & (cost > 0))
    before = _last_known_before(price)
    changed = np.abs(_steps(price, before)) > _SAME_PRICE
    days = np.arange(len(cost))[:, None]
    begun = (changed & (days < begins + _FORTNIGHT)).sum(axis=0)
    first = ((cost > 0) | (credits > 0)).argmax(axis=0)
    without = (begun > _MOST_CHANGES) | (credits[first, np.arange(credits.shape[1])] <= 0)
    missing = (cost > 0) & (credits <= 0) & ~without
    price[missing] = before[missing]
    usage = np.divide(cost, price, out=credits.copy(), where=missing & (price > 0))
    usage[:, without] = cost[:, without]
    price[:, without] = np.where(cost[:, without] > 0, 1.0, np.nan)
    return usage, price


def price_course(price: Floats) -> PriceCourse:
    """Follow the prices [series × days], NaN where there is none."""
    prices = price.T
    before = _last_known_before(prices)
    step = _steps(prices, before)
    changed = np.abs(step) > _SAME_PRICE
    summed: Integers = np.cumsum(changed, axis=0)
    summed[_FORTNIGHT:] -= summed[:-_FORTNIGHT].copy()
    changed &= summed <= _MOST_CHANGES
    expected = np.where(changed | np.isnan(prices), before, prices)
    expected[np.isnan(expected)] = 0.0
    return PriceCourse(expected.T, changed.T, step.T)


def _steps(price: Floats, before: Floats) -> Floats:
    """Return by which share prices differ from the last ones known before."""
    step = np.ones(price.shape)
    np.divide(price, before, out=step, where=~np.isnan(price) & (before > 0))
    return step - 1.0


def _last_known_before(price: Floats) -> Floats:
    """Return the last price known before each day, NaN where there is none."""
    before = np.full(price.shape, np.nan)
    for day in range(1, len(price)):
        before[day] = np.where(np.isnan(price[day - 1]), before[day - 1], price[day - 1])
    return before
