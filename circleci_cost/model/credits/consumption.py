"""Which lot pays for which day: whole numbers in, whole numbers out, of one cost center.

Amounts are millionths of a credit. Days are positions in the `demand`; dates, dollars and frames are `ledger`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# 64 bits, or Python's own integers where a sum would not fit into them.
Amounts = npt.NDArray[Any]
_FITS = 2**62


@dataclass(frozen=True)
class LotDays:
    """The days of all lots: positions of `lot` and `day`, what was `used` on it, and what was `left` at its end.

    A lot's days go from its first to the day on which it is used up or expires; what is left then expires.
    """

    lot: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    used: Amounts
    left: Amounts


def amounts(values: Sequence[int], most: int) -> Amounts:
    """The values as an array that can hold sums of up to `most`."""
    return np.array(values, dtype=np.int64 if most < _FITS else object)


def consume(
    first: Sequence[int], last: Sequence[int], bought: Sequence[int], demand: Sequence[int]
) -> tuple[LotDays, Amounts]:
    """Pay for each day's demand with the lots in their order; return their days, and what no lot paid for, by day.

    In: `first` and `last` day and size of each lot. A lot pays for all days on which it is valid until it is used up,
    before the next lot pays for anything: with a fixed order, that is what going day by day would give. A negative
    demand corrects days before it; no lot gets it back, so it stays as it is.
    """
    most = max(sum(map(abs, demand)), sum(bought))
    asked = amounts(demand, most)
    rest = np.maximum(asked, 0)
    lots, days, used, left = [], [], [], []
    for lot, size in enumerate(bought):
        begin, end = first[lot], min(last[lot] + 1, len(rest))
        if begin >= end:
            continue
        open_demand = rest[begin:end]
        taken = np.minimum(np.cumsum(open_demand), size)
        paid = np.diff(taken, prepend=0)
        open_demand -= paid
        # The last day is that on which it is used up: no row of zeros follows.
        length = min(int(np.searchsorted(taken, size)) + 1, len(taken))
        lots.append(np.full(length, lot))
        days.append(np.arange(begin, begin + length))
        used.append(paid[:length])
        left.append(size - taken[:length])
    empty = np.empty(0, dtype=np.int64)
    joined = LotDays(*(np.concatenate([empty, *parts]) for parts in (lots, days, used, left)))
    return joined, rest + np.minimum(asked, 0)
