"""The level of each series and its weekday profile, by robust exponential smoothing.

After Gelper, Fried and Croux (2010), "Robust forecasting with exponential and Holt-Winters smoothing": residuals are
cut off before they are learned from. How much days vary around a level belongs in `spread`.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, WEEKEND, Day, append_known, median_of_known
from circleci_cost.model.anomalies.residuals import where
from circleci_cost.model.forecast.panel import Flags, Floats

LEVEL_GAIN = 0.025
_PROFILE_GAIN = 0.05
# Expectations are at least this share of the level: smaller ones must not be divided by.
_LEAST_SHARE = 0.02
_PROFILE_FLOOR, _SEEN_FLOOR = 0.7, 0.3
_RECENT = 7
# When a level has fallen to the first share, the former level is remembered for some weeks: a series that rests
# usually comes back as it was. It is awake again on the first day that reaches the second share of its usual usage.
_RESTING_SHARE, _AWAKE_SHARE, _MOST_REST_DAYS = 0.1, 0.25, 28


class Level:
    """The expected usage of a day is `level × profile`; profiles [series × 7], from Monday, average 1."""

    def __init__(self, series: int) -> None:
        """Start with nothing learned."""
        self.level = np.zeros(series)
        self.profile = np.ones((series, 7))
        self._seen, self._sums = np.zeros((series, 7)), np.zeros((series, 7))
        self._recent = np.full((series, _RECENT), np.nan)
        self._level_before, self._profile_before = np.zeros(series), np.ones((series, 7))
        self._rested = np.zeros(series)

    def expected(self, weekday: int) -> Floats:
        """Return the expected usage of a day of this weekday."""
        return np.maximum(self.level * self.profile[:, weekday], _LEAST_SHARE * self.level + TINY)

    def rests(self, weekday: int) -> Flags:
        """Return the series that use next to nothing on this weekday: less than `expected` says, which is a floor."""
        return np.asarray(self.profile[:, weekday] < _LEAST_SHARE)

    def count(self, day: Day, starting: Flags) -> None:
        """Count a day, and add its usage to the sums of series that are starting."""
        self._sums[:, day.weekday] += where(starting, day.usage, 0.0)
        self._seen[:, day.weekday] += day.known

    def begin(self, begun: Flags, dispersion: Floats) -> Floats:
        """Estimate level and profile of series whose first days are over; return the usage of their weekdays.

        Weekdays seen once or twice are mixed with the mean of working days or weekends, the less the more they repeat
        (`dispersion` of these series).
        """
        sums, seen = self._sums[begun], self._seen[begun]
        parts = np.empty_like(sums)
        for days in (slice(0, WEEKEND), slice(WEEKEND, 7)):
            mean = sums[:, days].sum(axis=1) / np.maximum(seen[:, days].sum(axis=1), 1)
            parts[:, days] = mean[:, None]
        weight = 2.0 * dispersion[:, None]
        estimate = (sums + weight * parts) / (seen + weight)
        self.level[begun] = estimate.mean(axis=1)
        self.profile[begun] = estimate / np.maximum(self.level[begun], TINY)[:, None]
        return np.asarray(estimate)

    def learn(self, day: Day, moved: Floats, learning: Flags) -> None:
        """Learn from a residual in usage, cut off already."""
        weekday = self.profile[:, day.weekday]
        level = self.level + LEVEL_GAIN * moved / np.maximum(weekday, _PROFILE_FLOOR)
        self.level = where(learning, np.maximum(level, 0.0), self.level)
        gain = np.maximum(_PROFILE_GAIN, 1.0 / (self._seen[:, day.weekday] + 2))
        profile = np.maximum(weekday + gain * moved / np.maximum(self.level, TINY), 0.0)
        self.profile[:, day.weekday] = where(learning & (self.level > 0), profile, weekday)
        if day.weekday == 6:
            # A profile that no longer averages 1 is normalized; its mean moves into the level.
            mean = self.profile.mean(axis=1)
            positive = mean > 0
            self.profile[positive] /= mean[positive, None]
            self.level[positive] *= mean[positive]
        usual = self.profile[:, day.weekday]
        seen = np.divide(day.usage, usual, out=np.full(len(usual), np.nan), where=usual > _SEEN_FLOOR)
        append_known(self._recent, seen, day.known)

    def rest(self, weekday: int, series: Flags) -> None:
        """Expect nothing of some series on this weekday."""
        self.profile[series, weekday] = 0.0

    def rebase(self, series: Flags) -> Floats:
        """Make the last week the new level of some series; return the factors of the steps."""
        former, median = self.level[series], median_of_known(self._recent[series])
        level = where(np.isnan(median), former, median)
        rests = level <= _RESTING_SHARE * former
        falling_asleep = np.flatnonzero(series)[rests & (self._level_before[series] == 0)]
        self._level_before[np.flatnonzero(series)[~rests]] = 0.0
        self._level_before[falling_asleep] = self.level[falling_asleep]
        self._profile_before[falling_asleep] = self.profile[falling_asleep]
        self._rested[falling_asleep] = 0
        self.level[series] = level
        return np.divide(level, former, out=np.ones(len(level)), where=former > 0)

    def wake(self, day: Day) -> Flags:
        """Restore the former level of series that have stopped resting; return these series."""
        self._rested += 1
        usual = self._level_before * self._profile_before[:, day.weekday]
        woken = day.known & (self._level_before > 0) & (day.usage > _AWAKE_SHARE * usual)
        self.level[woken] = self._level_before[woken]
        self.profile[woken] = self._profile_before[woken]
        self._level_before[woken | (self._rested >= _MOST_REST_DAYS)] = 0.0
        return np.asarray(woken)
