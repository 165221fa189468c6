"""`[anomalies]`: how many false alarms are acceptable, which incidents are reported, and which days are left alone.

Detecting anomalies is `detection`'s job; reading people's decisions is `model.incidents.decisions`'.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.sections.dated import Dated
from circleci_cost.sections.section import FilePath, Label, Section

Direction = Literal["up", "down"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
_MOST_FALSE_ALARMS = 12


def _directions(value: tuple[Direction, ...]) -> tuple[Direction, ...]:
    if not value or len(set(value)) < len(value):
        raise ValueError('write ["up", "down"], ["up"] or ["down"]')
    return value


class IgnoredPeriod(Dated):
    """`[[anomalies.ignored_periods]]`: days that are not judged and not learned from, such as a migration."""

    reason: Label | None = None

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.from_ is None and self.until is None:
            raise ValueError("write from, until or both; without them nothing would ever be judged")
        return self


class Anomalies(Section):
    """`[anomalies]`: settings of the detector and of the incidents that people are notified of.

    `false_alarms_per_series_year` is what the thresholds aim at. The minimum impacts are per day, in USD and as a
    share of the organization's expected cost; both must be reached. People are notified again when the impact per day
    has grown to `renotify_at` times what they were notified of.
    """

    renamed_keys: ClassVar[Mapping[str, str]] = {"told_again_at": "renotify_at"}

    false_alarms_per_series_year: Annotated[float, Field(gt=0, le=_MOST_FALSE_ALARMS)] = 0.3
    minimum_impact_usd: Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=6)] = Decimal(1)
    minimum_impact_share: Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)] = Decimal("0.03")
    directions: Annotated[tuple[Direction, ...], AfterValidator(_directions)] = DIRECTIONS
    renotify_at: Annotated[Decimal, Field(gt=1, le=1000, decimal_places=6)] = Decimal(2)
    ignored_periods: tuple[IgnoredPeriod, ...] = ()
    decisions: FilePath | None = None


DEFAULTS = Anomalies()
