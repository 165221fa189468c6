"""The kind of an anomaly, as it looks on its day: a spike, a drop, an outage, a level shift, a drift, a weekend leak.

A kind uses only what is known on that day. Whether a day is an anomaly at all is `thresholds`' decision.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, WEEKEND, Day, Recent, Residuals
from circleci_cost.model.anomalies.residuals import positions
from circleci_cost.model.anomalies.state import State
from circleci_cost.model.anomalies.thresholds import Judgement
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

KINDS = ("spike", "drop", "level_shift", "drift", "outage", "vanished", "weekend_leak", "new", "price_change")
SPIKE, DROP, LEVEL_SHIFT, DRIFT, OUTAGE, VANISHED, WEEKEND_LEAK, NEW, PRICE_CHANGE = range(len(KINDS))

_SHIFT_DAYS = 3
# After this many days in alarm a level is the new normal; each day out of alarm subtracts half a day.
_NEW_NORMAL_DAYS, _BACK = 5.0, 0.5
OUTAGE_SHARE = 0.1
"""A day in alarm that uses no more than this share of its expectation is an outage."""

_VANISHED_DAYS = 7
_NEW_AFTER_DAYS = 28
# A weekend that usually uses less than the first share of a working day leaks when it reaches the second share.
_WEEKEND_SHARE, _LEAK_SHARE = 0.6, 0.6
_DRIFT_DAYS = 21
# A sum in alarm without a single day in alarm before it is a drift if a line explains it as well as the best step.
_NO_POINT_DAYS, _LINE_AGAINST_STEP = 10, 1.0
_MOST_LOG = 2.0


class Namer:
    """Names anomalies and decides when one has become the new normal."""

    def __init__(self, series: int) -> None:
        """Start with no anomalies seen."""
        self._fired = np.zeros(series)
        self._sign = np.zeros(series)
        self._silent = np.zeros(series)
        self._without_point = np.full(series, _NO_POINT_DAYS)
        self._drifting = np.zeros(series, dtype=np.bool_)
        # Usage over expectation.
        self._ratios = Recent(series, _DRIFT_DAYS, start=1.0)

    def kinds(self, state: State, day: Day, residuals: Residuals, judgement: Judgement) -> Integers:
        """Return the number of each series' kind in `KINDS`, −1 where there is no anomaly."""
        was_silent = self._silent
        self._count(day, judgement)
        self._watch_drifts(day, residuals, judgement)
        chosen, kinds = positions(judgement.is_anomaly), np.full(len(judgement.score), -1, dtype=np.int64)
        if not len(chosen):
            return kinds
        score, fired = judgement.score[chosen], self._fired[chosen]
        up, down = score > 0, score < 0
        named = np.select([up, down], [SPIKE, DROP], -1)
        named[judgement.of_sum[chosen] | (fired >= _SHIFT_DAYS)] = LEVEL_SHIFT
        named[judgement.of_drift[chosen] | self._drifting[chosen]] = DRIFT
        named[up & _is_leak(state, day, chosen) & (fired < _SHIFT_DAYS)] = WEEKEND_LEAK
        named[down & (day.usage[chosen] <= OUTAGE_SHARE * residuals.expected[chosen])] = OUTAGE
        named[down & (self._silent[chosen] >= _VANISHED_DAYS)] = VANISHED
        named[up & (was_silent[chosen] >= _NEW_AFTER_DAYS)] = NEW
        kinds[chosen] = named
        return kinds

    def settled(self, judgement: Judgement, irregular: Flags) -> Flags:
        """Return the series whose anomaly has become the new normal, and start counting their days anew."""
        settled = judgement.is_anomaly & ~irregular & (self._fired >= _NEW_NORMAL_DAYS)
        if settled.any():
            self._fired[settled] = 0.0
            self._sign[settled] = 0.0
            self._drifting[settled] = False
            self._ratios.values[..., settled] = 1.0
        return np.asarray(settled)

    def _count(self, day: Day, judgement: Judgement) -> None:
        sign = np.sign(judgement.score) * judgement.is_anomaly
        goes_on = (sign != 0) & (sign == self._sign)
        ended = np.maximum(self._fired - _BACK, 0.0)
        self._fired = np.where(goes_on, self._fired + 1, np.where(sign != 0, 1.0, ended))
        self._sign = np.where(sign != 0, sign, np.where(self._fired > 0, self._sign, 0.0))
        self._silent = np.where(day.known, np.where(day.usage > 0, 0.0, self._silent + 1), self._silent)

    def _watch_drifts(self, day: Day, residuals: Residuals, judgement: Judgement) -> None:
        known = day.known & ~residuals.irregular & (residuals.expected > 0)
        self._ratios.append(known, np.maximum(day.usage, TINY) / np.maximum(residuals.expected, TINY))
        begins = judgement.of_sum & (self._fired <= 1) & (self._without_point >= _NO_POINT_DAYS)
        chosen = positions(begins)
        if len(chosen):
            logs = np.clip(np.log(self._ratios.in_order(chosen)), -_MOST_LOG, _MOST_LOG)
            self._drifting[chosen] = _runs_along_a_line(logs)
        self._drifting &= self._fired > 0
        is_point = judgement.is_anomaly & ~judgement.of_sum
        self._without_point = np.where(is_point, 0, self._without_point + 1)


def _is_leak(state: State, day: Day, series: Integers) -> Flags:
    if day.weekday < WEEKEND:
        return np.zeros(len(series), dtype=np.bool_)
    profile = state.level.profile[:, series]
    working = profile[:WEEKEND].mean(axis=0)
    quiet = profile[day.weekday] < _WEEKEND_SHARE * working
    return np.asarray(quiet & (day.usage[series] >= _LEAK_SHARE * state.level.level[series] * working))


def _runs_along_a_line(ratios: Floats) -> Flags:
    """Return the rows that a straight line explains at least as well as the best single step."""
    days = np.arange(ratios.shape[1]) - (ratios.shape[1] - 1) / 2
    centred = ratios - ratios.mean(axis=1, keepdims=True)
    by_line = (centred @ days) ** 2 / (days**2).sum()
    before = np.arange(1, ratios.shape[1])
    by_step = np.cumsum(centred, axis=1)[:, :-1] ** 2 * (1.0 / before + 1.0 / (ratios.shape[1] - before))
    whole = (centred**2).sum(axis=1)
    return np.asarray(whole - by_line <= _LINE_AGAINST_STEP * (whole - by_step.max(axis=1)))
