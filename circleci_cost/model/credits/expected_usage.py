"""How many credits each coming day may use: an expected course, and one that 1 in 10 undercuts or exceeds.

The forecasts are `model.forecast`'s; what they do to a balance is the job of `outlook`.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from circleci_cost.model.forecast.forecasting import Forecaster, ForecastSettings
from circleci_cost.model.forecast.panel import Floats

# Credits are bought for a year.
HORIZON_DAYS = 365
SCENARIOS = ("low", "median", "high")
EXPECTED_SCHEMA = pl.Schema(
    {"cost_center": pl.String(), "date": pl.Date(), **dict.fromkeys(SCENARIOS, pl.Decimal(38, 6))}
)
# The ranges of sums are measured for these numbers of days ahead and interpolated in between: those of single days do
# not add up, as a level that has changed stays.
_SPANS = (7, 30, 90, HORIZON_DAYS)


def expected_usage(daily: pl.DataFrame, through: date, settings: ForecastSettings) -> pl.DataFrame:
    """The expected credits of each day of the year after `through`, `EXPECTED_SCHEMA`, in whole credits.

    In: `series` (a cost center), `date`, `cost` (its credits) and `complete`, as forecasts take them, to `through`.
    The sum of `low` from the first day to any other is undercut in 1 of 10 cases, that of `high` exceeded in 1 of 10.
    """
    if daily.is_empty():
        return pl.DataFrame(schema=EXPECTED_SCHEMA)
    ends = [through + timedelta(days=span) for span in _SPANS]
    forecaster = Forecaster(daily, ends, settings)
    days = forecaster.forecast(ends[-1]).select("series", "date", "median")
    totals = [forecaster.forecast_total(end) for end in ends]
    median = days["median"].to_numpy().reshape(-1, HORIZON_DAYS)
    sums = median.cumsum(axis=1)
    courses = {"median": median}
    for name, quantile in (("low", "p10"), ("high", "p90")):
        shares = np.stack([_shares(total, quantile) for total in totals], axis=1)
        ahead = np.arange(1, HORIZON_DAYS + 1)
        bounds = sums * np.stack([np.interp(ahead, _SPANS, share) for share in shares])
        # A sum of usage never falls, however its range widens.
        courses[name] = np.diff(np.maximum.accumulate(bounds, axis=1), axis=1, prepend=0.0)
    return days.select(
        pl.col("series").alias("cost_center"),
        "date",
        *(pl.Series(name, np.rint(courses[name]).ravel()).cast(pl.Int64) for name in SCENARIOS),
    ).cast(EXPECTED_SCHEMA)


def _shares(total: pl.DataFrame, quantile: str) -> Floats:
    """A bound of each series' sum as a share of its median."""
    bound, median = total[quantile].to_numpy(), total["median"].to_numpy()
    return np.asarray(np.divide(bound, median, out=np.ones_like(bound), where=median > 0))
