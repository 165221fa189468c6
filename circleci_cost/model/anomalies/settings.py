"""What a user may say about the detection of anomalies, with defaults that were measured.

How the settings are written in the configuration is `definition`'.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Direction = Literal["up", "down"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down")


@dataclass(frozen=True)
class AnomalySettings:
    """How to judge daily series, and which incidents are worth telling.

    `false_alarms_per_series_year` is what the thresholds aim at. `country` and `subdivision` are ISO codes of the
    calendar of holidays, `closures` own days off; the days of `ignored` (first and last, both included) are neither
    judged nor learned from. `minimum_days` known days are learned from before a series is judged.

    Of incidents: `minimum_impact` is in the unit of cost per day, `minimum_impact_share` a share of what a day of the
    organization was expected to cost; both must be reached.
    """

    false_alarms_per_series_year: float = 0.3
    directions: tuple[Direction, ...] = DIRECTIONS
    country: str | None = None
    subdivision: str | None = None
    closures: tuple[date, ...] = ()
    ignored: tuple[tuple[date, date], ...] = ()
    minimum_days: int = 14
    minimum_impact: Decimal = Decimal(1)
    minimum_impact_share: Decimal = Decimal("0.03")

    def __post_init__(self) -> None:
        """Refuse settings under which nothing could be judged."""
        if not self.false_alarms_per_series_year > 0:
            raise ValueError("false_alarms_per_series_year must be above 0: no detector is never wrong")
        if self.minimum_days < 14:
            raise ValueError(f"minimum_days is {self.minimum_days}; each weekday has to be seen twice, in 14 days")
        if not self.directions or not set(self.directions) <= set(DIRECTIONS):
            raise ValueError(f"directions are {' and '.join(DIRECTIONS)}, not {self.directions!r}")
        for first, last in self.ignored:
            if last < first:
                raise ValueError(f"the ignored period from {first} ends on {last}; exchange the days")


DEFAULTS = AnomalySettings()
