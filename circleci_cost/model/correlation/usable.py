"""Which series have enough data to be compared, and why others do not. Comparing is `correlation`'s job."""

import numpy as np
import numpy.typing as npt

from circleci_cost.model.correlation.statistics import Flags, Floats

Texts = npt.NDArray[np.object_]

# A change of the logarithm of less than a hundredth of a percent a day is rounding.
_SMALLEST_CHANGE = 1e-4
_MOSTLY = 0.5


def unusable(cost: Floats, known: Flags, scale: Floats, minimum_days: int) -> Texts:
    """For each series, why it cannot be compared; an empty text if it can.

    In: `cost` and `known` (days that count) [series × days], and the usual size of a day's change on the log scale.
    """
    days = known.sum(axis=1)
    zeros = ((cost == 0) & known).sum(axis=1) / np.maximum(days, 1)
    reasons = np.full(len(cost), "", dtype=np.object_)
    reasons[~(scale > _SMALLEST_CHANGE)] = "it hardly ever changes"
    reasons[zeros > _MOSTLY] = "most of its days are zero"
    short = days < minimum_days
    reasons[short] = [short_of(int(count), minimum_days) for count in days[short]]
    return reasons


def short_of(days: int, minimum_days: int) -> str:
    """The reason for a series or pair with too few days."""
    return f"{days:,} usable days, {minimum_days} are needed"
