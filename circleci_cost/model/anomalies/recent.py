"""The last known values of each series, in rings: a new one takes the place of the oldest, so that nothing moves.

What they are kept for is up to `level`, `rate`, `course` and `kinds`.
"""

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats, Integers


class Recent:
    """The last `days` values of each series, of one or several kinds that are known together.

    `values` [kinds × days × series] is in no order of time.
    """

    def __init__(self, series: int, days: int, kinds: int = 1, start: float = np.nan) -> None:
        """Begin with `start` for all values."""
        self.values = np.full((kinds, days, series), start)
        self._flat = self.values.reshape(kinds, days * series)
        # Where the oldest values of each series are.
        self._oldest = np.arange(series)

    def append(self, known: Flags, *values: Floats) -> None:
        """Keep a value of each kind of the series that are known."""
        chosen = np.flatnonzero(known)
        place = self._oldest[chosen]
        for flat, value in zip(self._flat, values, strict=True):
            flat[place] = value[chosen]
        place += len(self._oldest)
        self._oldest[chosen] = np.where(place < self._flat.shape[1], place, place - self._flat.shape[1])

    def oldest(self) -> Floats:
        """Return the oldest value of each kind and series: [kinds × series]."""
        return np.asarray(self._flat[:, self._oldest], dtype=np.float64)

    def in_order(self, series: Integers) -> Floats:
        """Return the values of the first kind of some series, the oldest first: [series × days]."""
        later = np.arange(self.values.shape[1]) * len(self._oldest)
        ordered = self._flat[0][(self._oldest[series][:, None] + later) % self._flat.shape[1]]
        return np.asarray(ordered, dtype=np.float64)

    def medians(self, series: Flags) -> Floats:
        """Return the median of the known values of some series; NaN where there is none."""
        # NumPy's own takes ten times as long for a few rows.
        recent = self.values[0][:, series].T
        known = (~np.isnan(recent)).sum(axis=1)
        # What is not known comes last.
        ordered, row, last = np.sort(recent, axis=1), np.arange(len(recent)), recent.shape[1] - 1
        of_middle = ordered[row, np.maximum(known - 1, 0) // 2] + ordered[row, np.minimum(known // 2, last)]
        return np.where(known > 0, of_middle / 2.0, np.nan)
