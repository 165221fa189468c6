"""Series that shifted around a date, judged against the same series at all other dates.

The public function. It reports that a level changed at about that time, never why. Cleaning is `cleaning`'s job,
correlations at lags are `correlation`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.correlation.cleaning import Innovations, days_off, innovations, log_levels, without_rhythm
from circleci_cost.model.correlation.series import Days, costs_of, days_of, rows_of
from circleci_cost.model.correlation.statistics import Floats, false_discovery_rates
from circleci_cost.model.correlation.steps import largest_step
from circleci_cost.model.correlation.text import shift_sentences
from circleci_cost.model.correlation.usable import Texts, unusable

SCHEMA = pl.Schema(
    {
        "series": pl.String(),
        "date": pl.Date(),
        "step": pl.Float64(),
        "p_value": pl.Float64(),
        "q_value": pl.Float64(),
        "significant": pl.Boolean(),
        "sentence": pl.String(),
    }
)

# Series with fewer other dates are not judged.
_FEWEST_PLACEBOS = 60
# Wide enough not to cut a shift to the size of a spike.
_WINSORISED_AT = 8.0


@dataclass(frozen=True)
class EventStudySettings:
    """How to judge. `calendar` names the days off.

    At most the share `false_discoveries` of the reported shifts is expected to be chance, and they are at least
    `minimum_step` (relative). Series with fewer than `minimum_days` known days are not judged.
    """

    calendar: Calendar = DEFAULT_CALENDAR
    false_discoveries: float = 0.05
    minimum_step: float = 0.10
    minimum_days: int = 90


DEFAULTS = EventStudySettings()


def event_study(daily: pl.DataFrame, day: date, settings: EventStudySettings = DEFAULTS) -> pl.DataFrame:
    """Return for each series whether its level shifted around `day`.

    In: `series` (str), `date`, `cost` and optionally `complete`, as `correlation.correlate` takes them. Out: `SCHEMA`,
    one row per series in order. `date` is the day within two days of the event on which the level changed most, `step`
    the change relative to the two weeks before (0.25: a quarter more), `p_value` the share of all other dates of the
    series with as large a step, continued beyond the largest ones by a generalised Pareto tail (Coles, An
    Introduction to Statistical Modeling of Extreme Values, section 4.3); `q_value` is over all series (Benjamini &
    Hochberg). Series that cannot be judged have nulls, and `sentence` says why. Raises as `correlate` does.
    """
    return event_studies(daily, [day], settings).drop("event")


def event_studies(daily: pl.DataFrame, days: Sequence[date], settings: EventStudySettings = DEFAULTS) -> pl.DataFrame:
    """Run `event_study` for several days: the column `event`, which comes first, is the day; q-values are per event."""
    empty = pl.DataFrame(schema={"event": pl.Date(), **SCHEMA})
    rows = rows_of(daily, "infrastructure")
    axis = days_of(rows)
    if axis is None:
        return empty
    study = _Study.of(rows, axis, settings)
    studies = [_judged(study.around(day), settings).select(pl.lit(day).alias("event"), pl.all()) for day in days]
    return pl.concat([empty, *studies])


@dataclass(frozen=True)
class _Study:
    """Cleaned series, which are studied around several days."""

    names: pl.Series
    axis: Days
    level: Floats
    left: Innovations
    reasons: Texts

    @classmethod
    def of(cls, rows: pl.DataFrame, axis: Days, settings: EventStudySettings) -> "_Study":
        costs = costs_of(rows, axis)
        off = days_off(axis, settings.calendar)
        level = without_rhythm(log_levels(costs, off))
        left = innovations(level, _WINSORISED_AT)
        reasons = unusable(costs.cost, ~np.isnan(level), left.scale, settings.minimum_days)
        return cls(costs.names, axis, level, left, reasons)

    def around(self, day: date) -> pl.DataFrame:
        """The columns of `SCHEMA` before judging, and `reason`, which is not empty if a series cannot be judged."""
        at = (day - self.axis.first).days
        largest = largest_step(self.level, self.left, at)
        reasons = self.reasons.copy()
        reasons[(reasons == "") & np.isnan(largest.size)] = f"too few days around {day} are known"
        few = (reasons == "") & (largest.placebos < _FEWEST_PLACEBOS)
        reasons[few] = f"fewer than {_FEWEST_PLACEBOS} other dates to compare with"
        tested = reasons == ""
        return pl.DataFrame(
            {
                "series": self.names,
                "date": np.datetime64(self.axis.first) + largest.place,
                "step": np.expm1(largest.step),
                "p_value": largest.p_value,
                "q_value": false_discovery_rates(largest.p_value, tested),
                "reason": pl.Series(reasons.tolist(), dtype=pl.String),
            }
        )


def _judged(shifts: pl.DataFrame, settings: EventStudySettings) -> pl.DataFrame:
    tested = pl.col("reason") == ""
    significant = (
        tested & (pl.col("q_value") <= settings.false_discoveries) & (pl.col("step").abs() >= settings.minimum_step)
    )
    return (
        shifts.with_columns(significant=significant)
        .with_columns(sentence=shift_sentences(tested, pl.col("significant"), pl.col("reason")))
        .with_columns(pl.when(tested).then(name).alias(name) for name in ("step", "p_value", "q_value"))
        .select(SCHEMA.names())
        .cast(SCHEMA)
    )
