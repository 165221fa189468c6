"""Which days of a monthly table a writer changes: the files of all other months stay as they are."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ChangedDays:
    """The days whose rows a writer changes; among them those whose rows it makes anew, without a look at them.

    `repriced`: those that get today's price and stay what they are otherwise.
    """

    changed: frozenset[date]
    anew: frozenset[date] = frozenset()
    repriced: frozenset[date] = frozenset()

    @property
    def months(self) -> frozenset[str]:
        """The months of the changed days, such as `2026-11`."""
        return frozenset(f"{day:%Y-%m}" for day in self.changed)
