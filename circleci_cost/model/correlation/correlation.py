"""Which infrastructure costs move with CI cost, at which lag, how strongly, and how likely by chance.

The public function. It reports that costs moved together, never why. Series become matrices in `series`, are
cleaned in `cleaning` and compared in `lags`; shifts around a day are `event_study`'s job.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.correlation.cleaning import (
    AROUND,
    Swings,
    days_off,
    innovations,
    log_levels,
    quiet_days,
    swings,
    without_rhythm,
)
from circleci_cost.model.correlation.lags import Peaks, largest_correlations
from circleci_cost.model.correlation.monthly import monthly_days
from circleci_cost.model.correlation.series import Costs, Days, costs_of, days_of, rows_of
from circleci_cost.model.correlation.statistics import Flags, Floats, false_discovery_rates
from circleci_cost.model.correlation.text import pair_sentences
from circleci_cost.model.correlation.usable import Texts, short_of, unusable

SCHEMA = pl.Schema(
    {
        "ci_series": pl.String(),
        "infrastructure_series": pl.String(),
        "lag_days": pl.Int64(),
        "r": pl.Float64(),
        "p_value": pl.Float64(),
        "q_value": pl.Float64(),
        "significant": pl.Boolean(),
        "days": pl.Int64(),
        "sentence": pl.String(),
    }
)

# Infrastructure series are compared in blocks, to save memory: CI is filtered anew for each of them.
_VALUES_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class CorrelationSettings:
    """How to compare. `calendar` names the days off.

    At most the share `false_discoveries` of the reported findings is expected to be chance, and CI
    explains at least `minimum_explained` (r²) of the service's day-to-day changes. Pairs with fewer than
    `minimum_days` common days are not judged.
    """

    calendar: Calendar = DEFAULT_CALENDAR
    largest_lag: int = 7
    false_discoveries: float = 0.10
    # Where chance and faint couplings (r from 0.25) part best on the seeds 61 to 63 of the benchmark, beside monthly
    # batches: 6.5 % of the findings are false and 96.7 % are found at 0.04, 4.9 and 96.1 % at 0.045, 3.9 and 95.6 % at
    # 0.05.
    minimum_explained: float = 0.045
    minimum_days: int = 60
    # In robust standard deviations: a single spike on both sides must not make a correlation.
    winsorised_at: float = 3.0

    def __post_init__(self) -> None:
        """Refuse shares outside of 0 to 1, and fewer days than correlations over all lags need."""
        if not 0 < self.false_discoveries < 1 or not 0 <= self.minimum_explained < 1:
            raise ValueError("false_discoveries and minimum_explained are shares between 0 and 1")
        if self.largest_lag < 0 or self.minimum_days < 2 * self.largest_lag + 30:
            raise ValueError(
                f"minimum_days is {self.minimum_days}; lags up to {self.largest_lag} days need at least "
                f"{2 * max(self.largest_lag, 0) + 30}, and no lag is negative here"
            )


DEFAULTS = CorrelationSettings()


def correlate(ci: pl.DataFrame, infrastructure: pl.DataFrame, settings: CorrelationSettings = DEFAULTS) -> pl.DataFrame:
    """Compare every CI series with every infrastructure series.

    In: each `series` (str), `date`, `cost` (Decimal, float or integer, one currency each; rows of the same series and
    day are added) and optionally `complete` (bool). Days without a row are unknown, as are days whose cost is
    no number or whose `complete` is not true. Out: `SCHEMA`, one row per pair, ordered by both names. `lag_days` is
    positive if the infrastructure follows CI by that many days; `r` is the correlation of the day-to-day changes that
    rhythm, days off, growth and the past of the infrastructure do not explain; `p_value` is for all lags together,
    `q_value` over all pairs (Benjamini & Hochberg 1995). Pairs that cannot be compared have nulls, and `sentence` says
    why. Raises ValueError for a missing column and for a row without series or date.
    """
    sides = rows_of(ci, "CI"), rows_of(infrastructure, "infrastructure")
    days = days_of(*sides)
    if days is None or not all(rows.height for rows in sides):
        return pl.DataFrame(schema=SCHEMA)
    left, right = (costs_of(rows, days) for rows in sides)
    ci_side, infrastructure_side = _cleaned(left, right, days, settings)
    peaks = _peaks(ci_side.swings, infrastructure_side.swings, settings.largest_lag)
    reasons = _reasons(left.names, ci_side.reasons, right.names, infrastructure_side.reasons)
    common = ci_side.swings.known.astype(np.float64) @ infrastructure_side.swings.known.T
    few = (reasons == "") & (common < settings.minimum_days)
    reasons[few] = [f"{short_of(int(count), settings.minimum_days)} in common" for count in common[few]]
    pairs = left.names.to_frame("ci_series").join(right.names.to_frame("infrastructure_series"), how="cross")
    tested = (reasons == "").ravel()
    compared = pairs.with_columns(
        lag_days=pl.Series(peaks.lag.ravel()),
        r=pl.Series(peaks.r.ravel()),
        p_value=pl.Series(peaks.p_value.ravel()),
        q_value=pl.Series(false_discovery_rates(peaks.p_value.ravel(), tested)),
        days=pl.Series(common.ravel()).cast(pl.Int64),
        reason=pl.Series(reasons.ravel().tolist(), dtype=pl.String),
    )
    return _judged(compared, settings)


@dataclass(frozen=True)
class _Side:
    swings: Swings
    reasons: Texts


def _peaks(ci: Swings, infrastructure: Swings, largest_lag: int) -> Peaks:
    """Compare what the past of each infrastructure series does not explain of it with the same of CI.

    The noise to be told from is the infrastructure's own. What is filtered by that, on both sides, is the more telling
    the less alike the pasts of the two are (generalised least squares): of faint couplings (r from 0.25) known for five
    months 73 % are found, where each is filtered by its own past 67 % (seeds 61 to 63 of the benchmark).
    """
    at_once = max(1, _VALUES_AT_ONCE // max(ci.values.size, 1))
    own = infrastructure.less(infrastructure.coefficients)
    parts = [
        largest_correlations(
            ci.less_those_of(infrastructure.coefficients[some : some + at_once]),
            own[some : some + at_once],
            largest_lag,
        )
        for some in range(0, len(own), at_once)
    ]
    return Peaks(
        *(
            np.concatenate(values, axis=1)
            for values in zip(*((p.lag, p.r, p.days, p.p_value) for p in parts), strict=True)
        )
    )


def _cleaned(ci: Costs, infrastructure: Costs, days: Days, settings: CorrelationSettings) -> tuple[_Side, _Side]:
    off = days_off(days, settings.calendar)
    levels = [without_rhythm(log_levels(costs, off)) for costs in (ci, infrastructure)]
    off = off | quiet_days(*levels)
    ci_side, infrastructure_side = (_side(costs, days, off, settings) for costs in (ci, infrastructure))
    return ci_side, infrastructure_side


def _side(costs: Costs, days: Days, off: Flags, settings: CorrelationSettings) -> _Side:
    level: Floats = without_rhythm(log_levels(costs, off))
    monthly = monthly_days(innovations(level, settings.winsorised_at, around=AROUND).values, days, off)
    level[monthly] = np.nan
    moved = swings(level, settings.winsorised_at, around=AROUND)
    return _Side(moved, unusable(costs.cost, ~np.isnan(level), moved.scale, settings.minimum_days))


def _reasons(ci: pl.Series, of_ci: Texts, infrastructure: pl.Series, of_infrastructure: Texts) -> Texts:
    """Why each pair [CI × infrastructure] cannot be compared: the reason of the CI series, else that of the other."""
    named = [
        np.array([f"{name}: {why}" if why else "" for name, why in zip(names, reasons, strict=True)], dtype=np.object_)
        for names, reasons in ((ci, of_ci), (infrastructure, of_infrastructure))
    ]
    left, right = np.broadcast_arrays(named[0][:, None], named[1][None, :])
    return np.where(left == "", right, left)


def _judged(pairs: pl.DataFrame, settings: CorrelationSettings) -> pl.DataFrame:
    tested = pl.col("reason") == ""
    figures = ("lag_days", "r", "p_value", "q_value")
    unlikely = tested & (pl.col("q_value") <= settings.false_discoveries)
    strong = pl.col("r") ** 2 >= settings.minimum_explained
    return (
        pairs.with_columns(significant=unlikely & strong, weak=unlikely & ~strong)
        .with_columns(
            sentence=pair_sentences(
                tested, pl.col("significant"), pl.col("weak"), pl.col("reason"), settings.false_discoveries
            )
        )
        .with_columns(pl.when(tested).then(name).alias(name) for name in figures)
        .select(SCHEMA.names())
        .cast(SCHEMA)
    )
