"""What months bring to each series: a batch on the first, on the last Friday, at the quarter's end, or a day's pause.

It is what the analogues of a day in former months were beyond their expectation. What that means for a day is decided
in `exceptions`; which days are analogues is known in `calendar.recurrences`.
"""

import numpy as np
import numpy.typing as npt

from circleci_cost.model.anomalies.day import TINY
from circleci_cost.model.anomalies.residuals import inverse_root_residual, positions
from circleci_cost.model.calendar.recurrences import Recurrences
from circleci_cost.model.forecast.panel import Flags, Floats

# Analogues with a residual from here on count, half of the threshold of an alarm; so many of the same sign are needed.
_RESIDUAL, _NEEDED = 2.0, 2
# An analogue counts up to twice the second largest: one that was an anomaly itself explains no other.
_TIMES_SECOND = 2.0
# All analogues alike within this share make a batch certain, so that one that is missing is an anomaly.
_ALIKE = 0.5
# What goes on for more days than this within a week is a shift and no batch, and explains nothing.
_LONGEST = 3


class Monthly:
    """The excess of each series on each day, and what follows from it for later days."""

    def __init__(self, recurrences: Recurrences, series: int) -> None:
        """Start with nothing seen."""
        self._recurrences = recurrences
        days = recurrences.positions.shape[2]
        # The last row stays empty: −1 leads there.
        self._sign = np.zeros((days + 1, series), dtype=np.int8)
        self._seen = self._sign.copy()
        self._excess, self._residual = np.zeros((days + 1, series)), np.zeros((days + 1, series))

    def excess(self, number: int, usual: Floats, variance: Floats) -> tuple[Floats, Floats, Floats] | None:
        """Return by how much a day may lie above and below its `usual` usage, and by how much it certainly lies above.

        Batches add the same usage on any day, pauses take away a share of it. None where that is zero for all series.
        """
        places = self._recurrences.positions[:, :, number]
        # The nearest former days come first.
        rules = positions(places[:, _NEEDED - 1] >= 0)
        places = places[rules]
        signs = self._sign[places]
        if not signs.any():
            return None
        up, down, certain = np.zeros((3, len(usual)))
        for sign, result in ((1, up), (-1, down)):
            agreeing = _times(signs == sign, axis=1) >= _NEEDED
            chosen = positions(np.asarray(agreeing.any(axis=0)))
            if not len(chosen):
                continue
            counted = (signs[:, :, chosen] == sign) & agreeing[:, None, chosen]
            seen, residuals = (
                np.sort(np.where(counted, sign * values[places[:, :, None], chosen], 0.0), axis=1)
                for values in (self._excess, self._residual)
            )
            result[chosen] = _most(seen)
            if sign > 0:
                of_residual = inverse_root_residual(_most(residuals), usual[chosen], variance[chosen])
                largest = seen[:, -1].max(axis=0)
                result[chosen] = np.clip(of_residual - usual[chosen], result[chosen], largest)
                sure = (seen[:, 0] >= _ALIKE * seen[:, -1]) & self._recurrences.unambiguous[rules, number, None]
                certain[chosen] = np.where(sure, seen[:, 0], 0.0).max(axis=0)
        return up, np.minimum(down, 1.0) * usual, certain

    def learn(self, number: int, residual: Floats, usage: Floats, expected: Floats, ready: Flags) -> None:
        """Remember a day's residual, and its usage against what was expected without regard to months."""
        sign = np.where(ready & (np.abs(residual) >= _RESIDUAL), np.sign(residual), 0).astype(np.int8)
        self._seen[number] = self._sign[number] = sign
        self._residual[number] = residual
        excess = usage - expected
        self._excess[number] = np.where(residual > 0, excess, excess / np.maximum(expected, TINY))
        week = slice(max(number + 1 - 7, 0), number + 1)
        shifted = (sign != 0) & (_times(self._seen[week] == sign, axis=0) > _LONGEST)
        self._sign[week, shifted] = 0


def _times(flags: Flags, axis: int) -> npt.NDArray[np.int8]:
    """How many of a few flags are set; a sum of bytes takes a fraction of the time of one of flags."""
    return np.asarray(flags.view(np.int8).sum(axis=axis, dtype=np.int8))


def _most(ordered: Floats) -> Floats:
    """The most that the former days of any rule speak for; [rules × days × series], in order along the days."""
    return np.asarray(np.minimum(ordered[:, -1], _TIMES_SECOND * ordered[:, -2]).max(axis=0))
