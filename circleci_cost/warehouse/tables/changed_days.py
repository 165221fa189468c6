"""Which days of a monthly table a writer changes: the files of all other months stay as they are."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ChangedDays:
    """The days whose rows a writer changes, and those among them whose rows it makes anew, without a look at them."""

    changed: frozenset[date]
    anew: frozenset[date] = frozenset()

    @property
    def months(self) -> frozenset[str]:
        """The months of the changed days, such as `2026-11`."""
        return frozenset(f"{day:%Y-%m}" for day in self.changed)
