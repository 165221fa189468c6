"""The level of each series and its weekday profile, by robust exponential smoothing.

After Gelper, Fried and Croux (2010), "Robust forecasting with exponential and Holt-Winters smoothing": residuals are
cut off before they are learned from. How much days vary around a level belongs in `spread`.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, WEEKEND, Day, Recent
from circleci_cost.model.anomalies.residuals import positions, where
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

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
    """The expected usage of a day is `level × profile`; profiles [7 × series], from Monday, average 1."""

    def __init__(self, series: int) -> None:
        """Start with nothing learned."""
        self.level = np.zeros(series)
        self.profile = np.ones((7, series))
        self._seen, self._sums = np.zeros((7, series)), np.zeros((7, series))
        self._recent = Recent(series, _RECENT)
        self._level_before, self._profile_before = np.zeros(series), np.ones((7, series))
        self._rested = np.zeros(series)

    def expected(self, weekday: int, times: Floats) -> Floats:
        """Return the expected usage of a day of this weekday, so many times the weekday's mean."""
        return np.asarray(np.maximum(self.level * self.profile[weekday] * times, _LEAST_SHARE * self.level + TINY))

    def rests(self, weekday: int) -> Flags:
        """Return the series that use next to nothing on this weekday: less than `expected` says, which is a floor."""
        return np.asarray(self.profile[weekday] < _LEAST_SHARE)

    def count(self, day: Day, starting: Flags) -> None:
        """Count a day, and add its usage to the sums of series that are starting."""
        self._sums[day.weekday] += where(starting, day.usage, 0.0)
        self._seen[day.weekday] += day.known

    def begin(self, begun: Flags, dispersion: Floats) -> Floats:
        """Estimate level and profile of series whose first days are over; return [7 × series] the usage of weekdays.

        Weekdays seen once or twice are mixed with the mean of working days or weekends, the less the more they repeat
        (`dispersion` of these series).
        """
        sums, seen = self._sums[:, begun], self._seen[:, begun]
        parts = np.empty_like(sums)
        for days in (slice(0, WEEKEND), slice(WEEKEND, 7)):
            parts[days] = sums[days].sum(axis=0) / np.maximum(seen[days].sum(axis=0), 1)
        weight = 2.0 * dispersion
        estimate = (sums + weight * parts) / (seen + weight)
        self.level[begun] = estimate.mean(axis=0)
        self.profile[:, begun] = estimate / np.maximum(self.level[begun], TINY)
        return np.asarray(estimate)

    def learn(self, day: Day, moved: Floats, learning: Flags) -> None:
        """Learn from a residual in usage, cut off already."""
        weekday = self.profile[day.weekday]
        level = self.level + LEVEL_GAIN * moved / np.maximum(weekday, _PROFILE_FLOOR)
        self.level = where(learning, np.maximum(level, 0.0), self.level)
        gain = np.maximum(_PROFILE_GAIN, 1.0 / (self._seen[day.weekday] + 2))
        profile = np.maximum(weekday + gain * moved / np.maximum(self.level, TINY), 0.0)
        self.profile[day.weekday] = where(learning & (self.level > 0), profile, weekday)
        if day.weekday == 6:
            # A profile that no longer averages 1 is normalized; its mean moves into the level.
            mean = self.profile.mean(axis=0)
            mean = where(mean > 0, mean, 1.0)
            self.profile /= mean
            self.level *= mean
        usual = self.profile[day.weekday]
        self._recent.append(day.known & (usual > _SEEN_FLOOR), day.usage / np.maximum(usual, _SEEN_FLOOR))

    def rest(self, weekday: int, series: Flags) -> None:
        """Expect nothing of some series on this weekday."""
        self.profile[weekday, series] = 0.0

    def rebase(self, series: Flags) -> Floats:
        """Make the last week the new level of some series; return the factors of the steps."""
        former, median = self.level[series], self._recent.medians(series)
        level = where(np.isnan(median), former, median)
        rests = level <= _RESTING_SHARE * former
        falling_asleep = positions(series)[rests & (self._level_before[series] == 0)]
        self._level_before[positions(series)[~rests]] = 0.0
        self._level_before[falling_asleep] = self.level[falling_asleep]
        self._profile_before[:, falling_asleep] = self.profile[:, falling_asleep]
        self._rested[falling_asleep] = 0
        self.level[series] = level
        return np.divide(level, former, out=np.ones(len(level)), where=former > 0)

    def wake(self, day: Day) -> Integers:
        """Restore the former level of series that have stopped resting; return these series."""
        self._rested += 1
        resting = positions(self._level_before)
        if not len(resting):
            return resting
        usual = self._level_before[resting] * self._profile_before[day.weekday, resting]
        woken = resting[day.known[resting] & (day.usage[resting] > _AWAKE_SHARE * usual)]
        self.level[woken] = self._level_before[woken]
        self.profile[:, woken] = self._profile_before[:, woken]
        self._level_before[woken] = 0.0
        self._level_before[resting[self._rested[resting] >= _MOST_REST_DAYS]] = 0.0
        return np.asarray(woken)
