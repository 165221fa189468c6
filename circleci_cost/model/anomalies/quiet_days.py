"""How quiet each series is on the days of the calendar: holidays, closures, the end of the year.

People rest on such days, schedules do not. It is learned from the series' former days of this kind, those of the
present year's end among them. What a day means for the detector is decided in `exceptions`.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, WEEKEND, Day
from circleci_cost.model.anomalies.residuals import where
from circleci_cost.model.anomalies.state import State
from circleci_cost.model.calendar.special_days import KINDS
from circleci_cost.model.forecast.panel import Flags, Floats

# About one year's end with its working days.
_REMEMBERED = 10
# So many days of a kind tell what the next will be like. The days of one year's end are alike, as are closures; public
# holidays are not: in the United States many rest on Thanksgiving who work on Columbus Day.
_ENOUGH = {"closure": 3, "holiday": 5, "year_end": 3, "bridge": 5, "near_year_end": 3}
_ALIKE = ("closure", "year_end")
_LIKE_WEEKENDS = ("year_end", "near_year_end")
# A series that kept this share on each of such days does not rest on them, nor, where none was seen, does one whose
# weekends are as busy as that: schedules that run on all days.
_RESTLESS, _RESTLESS_WEEKEND = 0.7, 0.85
# Days that are alike are at most so many times as busy as the busiest: public projects had .14 to .39 of a weekday on
# days of one year's end. Up to a usual day nothing is too much on the others.
_TIMES_BUSIEST = 2.5
# A day tells how quiet its kind is only where its weekday has this share of the mean day: a weekend is quiet anyway.
_TELLING = 0.5
_MOST_RATIO = 1.5
# A special day alarms only where it is below what is left of a usual one where people rest: births, flights, traffic,
# electricity and payments had .61 to .85 of a usual day on holidays, also where those of the year before were busy.
_LEFT = 0.5


class QuietDays:
    """The shares of their usual usage that series had on special days, by kind."""

    def __init__(self, series: int) -> None:
        """Start with nothing seen."""
        self._ratios = np.full((len(KINDS), series, _REMEMBERED), np.nan)

    def shares(self, kind: int, weekday: int, state: State) -> tuple[Floats, Floats, Floats, Flags]:
        """Return the lowest, the highest and the expected share of a day of this kind, and which series rest on it.

        To those that do not rest the lowest share applies all the same: less than usual is no news on such a day.
        """
        profile = state.level.profile
        weekend = profile[WEEKEND:].mean(axis=0) / np.maximum(profile[:WEEKEND].mean(axis=0), TINY)
        ratios = self._ratios[kind]
        seen = (~np.isnan(ratios)).sum(axis=1)
        known = np.asarray(seen >= _ENOUGH[KINDS[kind]])
        least, most = np.nanmin(ratios, axis=1, initial=_MOST_RATIO), np.nanmax(ratios, axis=1, initial=0.0)
        mean = np.nansum(ratios, axis=1) / np.maximum(seen, 1)
        # Where a kind is not known, a day of the year's end may be as quiet as a weekend, or as any other special day
        # was; on a holiday schedules may rest that run on all weekends.
        elsewhere = np.nanmin(self._ratios, axis=(0, 2), initial=_MOST_RATIO)
        if KINDS[kind] not in _LIKE_WEEKENDS:
            elsewhere = np.zeros(len(weekend))
        rests = np.where(known, least < _RESTLESS, (weekend < _RESTLESS_WEEKEND) | (elsewhere < _RESTLESS))
        low = _at_least(where(known, least, np.minimum(weekend, elsewhere)))
        if weekday >= WEEKEND:
            low = np.minimum(low, _at_least(weekend))
        alike = known & (KINDS[kind] in _ALIKE) & (weekday < WEEKEND)
        high = where(alike, np.minimum(_TIMES_BUSIEST * most, 1.0), 1.0)
        low = where(rests, np.minimum(low, _LEFT), _LEFT)
        expected = np.clip(where(known, mean, 1.0), low, high)
        return low, where(rests, high, 1.0), where(rests, expected, 1.0), rests

    def learn(self, kind: int, day: Day, state: State, usual: Floats) -> None:
        """Remember a day of this kind; `usual` is what its weekday usually brings."""
        telling = state.ready(day) & (usual >= _TELLING * state.level.level) & (usual > TINY)
        ratio = np.divide(day.usage, usual, out=np.zeros(len(usual)), where=telling)
        ratios = self._ratios[kind]
        ratios[telling, :-1] = ratios[telling, 1:]
        ratios[telling, -1] = np.minimum(ratio[telling], _MOST_RATIO)


def _at_least(share: Floats) -> Floats:
    """What is left at least where the quietest day had such a share: the more people there are in it, the less."""
    return np.clip(2.0 * share - 1.0, 0.0, 1.0)
