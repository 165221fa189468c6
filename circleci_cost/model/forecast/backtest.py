"""Past forecasts of the series at hand: how wrong each method would have been, using only what was known then.

It chooses the days to forecast from (cuts) and makes the table that the method is chosen by. The methods belong in
`methods`, the quantiles in `intervals`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from circleci_cost.days import months_later
from circleci_cost.model.forecast.intervals import (
    LEVELS,
    Calibration,
    Errors,
    calibrate,
    expected_error_of_day,
    expected_error_of_sum,
)
from circleci_cost.model.forecast.methods import METHODS, RUN_RATES, History, outlook, run_rates
from circleci_cost.model.forecast.panel import Flags, Floats, Integers, Panel

CUT_DAYS = (5, 10, 15, 20)
"""The numbers of known days of a month after which its total is forecast."""

BACKTEST_SCHEMA = pl.Schema(
    {
        "cut_day": pl.Int64(),
        "method": pl.String(),
        "wape": pl.Float64(),
        "coverage_80": pl.Float64(),
        "coverage_95": pl.Float64(),
        "windows": pl.Int64(),
    }
)

# Another method must beat the mean by this share: less may be chance.
_CLEARLY_BETTER = 0.02
# A span is judged only if this share of it is known.
_KNOWN_SHARE = 0.8
_DAYS_OF_MONTH = 30
_CUTS, _MANY_SERIES = 80, 2_000
# Days that lie some days apart are nearly independent.
_DAY_WEIGHT = 0.5


@dataclass(frozen=True)
class Span:
    """A sum over `days` days after a cut; `elapsed` days of the period lie before it, which run rates need."""

    elapsed: int
    days: int


@dataclass(frozen=True)
class PastSums:
    """Forecasts of sums at one past day, by series: actual less forecast, and the expected size of the error.

    `old_enough` series have enough history to be judged, `active` series had cost in the weeks before.
    """

    errors: dict[tuple[str, Span], Floats]
    expected: dict[Span, Floats]
    old_enough: Flags
    active: Flags


def rolling_errors(
    history: History, spans: Sequence[Span], methods: Sequence[str], minimum_days: int
) -> dict[tuple[str, Span], Calibration]:
    """Forecast each span at cuts spread over the whole history, and calibrate by the errors."""
    panel = history.panel
    cuts, stride = _rolling_cuts(panel, minimum_days)
    kept = {span: cuts[cuts + span.days < panel.days] for span in spans}
    values = {
        (method, span): np.full((len(kept[span]), len(panel.cost)), np.nan) for method in methods for span in spans
    }
    for number, cut in enumerate(cuts):
        current = [span for span in spans if number < len(kept[span])]
        if not current:
            break
        past = _past_sums(history, int(cut), current, methods, minimum_days)
        for (method, span), error in past.errors.items():
            # Series at rest are forecast exactly and would make the errors of the others look small.
            usable = past.old_enough & past.active & (past.expected[span] > 0)
            np.divide(error, past.expected[span], out=values[method, span][number], where=usable)
    return {
        (method, span): calibrate(Errors(kept[span], span.days, errors, min(1.0, stride / span.days)))
        for (method, span), errors in values.items()
    }


def _rolling_cuts(panel: Panel, minimum_days: int) -> tuple[Integers, int]:
    """Return cuts spread evenly over the history, and the days between them; with many series fewer cuts suffice."""
    stride = max(1, panel.days // (_CUTS if len(panel.names) <= _MANY_SERIES else _CUTS // 2))
    return np.arange(minimum_days - 1, panel.days - 1, stride), stride


def _past_sums(
    history: History, cut: int, spans: Sequence[Span], methods: Sequence[str], minimum_days: int
) -> PastSums:
    """Return actual less forecast by method and span, the expected error by span, and usable series."""
    panel = history.panel
    longest = max(span.days for span in spans)
    seen = outlook(history, cut, longest)
    actual = panel.cost[:, cut + 1 : cut + 1 + longest]
    old_enough = panel.begins <= cut - minimum_days + 1
    sums = {}
    for span in spans:
        rates = run_rates(history, cut, max(0, cut - span.elapsed + 1), span.days) if span.elapsed else {}
        for method in methods:
            path = rates[method] if method in rates else seen.paths[method][:, : span.days]
            sums[method, span] = _error(actual[:, : span.days], path)
    expected = {span: expected_error_of_sum(seen, span.days, minimum_days) for span in spans}
    return PastSums(sums, expected, old_enough, active=seen.level > 0)


def _error(actual: Floats, path: Floats) -> Floats:
    """Return the sum of actual less forecast over the known days, NaN where too few are known."""
    difference = actual - path
    unknown = np.isnan(difference)
    if not unknown.any():
        return np.asarray(difference.sum(axis=1))
    total = np.where(unknown, 0.0, difference).sum(axis=1)
    return np.where(unknown.mean(axis=1) <= 1.0 - _KNOWN_SHARE, total, np.nan)


def daily_errors(history: History, method: str, leads: Integers, minimum_days: int) -> list[Calibration]:
    """Calibrate forecasts of single days `leads` days after a cut, each lead separately."""
    panel = history.panel
    cuts, _ = _rolling_cuts(panel, minimum_days)
    values = np.full((len(leads), len(cuts), len(panel.cost)), np.nan)
    for number, cut in enumerate(cuts):
        known = leads[cut + leads < panel.days]
        if not len(known):
            break
        seen = outlook(history, int(cut), int(known[-1]))
        path = seen.paths[method][:, known - 1]
        expected = expected_error_of_day(seen, path, known, minimum_days)
        usable = ((panel.begins <= cut - minimum_days + 1) & (seen.level > 0))[:, None] & (expected > 0)
        error = np.divide(panel.cost[:, cut + known] - path, expected, out=np.full(path.shape, np.nan), where=usable)
        values[: len(known), number] = error.T
    return [
        calibrate(Errors(cuts[cuts + lead < panel.days], int(lead), errors[cuts + lead < panel.days], _DAY_WEIGHT))
        for lead, errors in zip(leads, values, strict=True)
    ]


def months_of(panel: Panel) -> list[tuple[int, int]]:
    """Return the positions of the first and last day of each month that lies in the panel completely."""
    months = []
    begin = panel.first if panel.first.day == 1 else months_later(panel.first.replace(day=1), 1)
    while (following := months_later(begin, 1)) - timedelta(days=1) <= panel.last:
        months.append(((begin - panel.first).days, (following - panel.first).days - 1))
        begin = following
    return months


def backtest_of(history: History, minimum_days: int, *, intervals: bool = True) -> pl.DataFrame:
    """Forecast the total of every past month after 5, 10, 15 and 20 days by every method, run rates included.

    Out: `BACKTEST_SCHEMA`, a row per cut day and method that has windows; coverage is null without `intervals`.
    A window is a series and a month; series of less than `minimum_days` days at the cut, and those without cost
    before and after it, are left out. WAPE: absolute errors of the month's totals over the sum of the totals.
    """
    panel = history.panel
    methods = (*METHODS, *RUN_RATES)
    months = months_of(panel)
    spans = {day: Span(day, _DAYS_OF_MONTH - day) for day in CUT_DAYS}
    calibrations = rolling_errors(history, list(spans.values()), methods, minimum_days) if intervals and months else {}
    windows = []
    for day in CUT_DAYS:
        for start, end in months:
            cut = start + day - 1
            span = Span(day, end - cut)
            past = _past_sums(history, cut, [span], methods, minimum_days)
            total = np.nansum(panel.cost[:, start : end + 1], axis=1)
            for method in methods:
                error = past.errors[method, span]
                used = past.old_enough & (total > 0) & ~np.isnan(error)
                window = {"wrong": np.abs(error[used]).sum(), "total": total[used].sum(), "windows": used.sum()}
                if intervals:
                    size, shape = calibrations[method, spans[day]].quantiles(cut)
                    reach = (past.expected[span] * size)[used, None] * shape
                    window |= {"in_80": _within(error[used], reach, 0.1), "in_95": _within(error[used], reach, 0.025)}
                windows.append(
                    {"cut_day": day, "method": method} | {key: float(value) for key, value in window.items()}
                )
    return _table(windows)


def _within(error: Floats, reach: Floats, level: float) -> float:
    """Count the errors between the quantiles `level` and 1 − `level`."""
    lower, upper = reach[:, LEVELS.index(level)], reach[:, LEVELS.index(1.0 - level)]
    return float(((error >= lower) & (error <= upper)).sum())


def _table(windows: list[dict[str, object]]) -> pl.DataFrame:
    """Add up the windows by cut day and method."""
    sums = dict.fromkeys(("wrong", "total", "windows", "in_80", "in_95"), pl.Float64())
    schema = pl.Schema({"cut_day": pl.Int64(), "method": pl.String(), **sums})
    count = pl.col("windows").sum()
    return (
        pl.DataFrame(windows, schema=schema)
        .group_by("cut_day", "method", maintain_order=True)
        .agg(
            (pl.col("wrong").sum() / pl.col("total").sum()).alias("wape"),
            (pl.when(pl.col("in_80").is_not_null().any()).then(pl.col("in_80").sum()) / count).alias("coverage_80"),
            (pl.when(pl.col("in_95").is_not_null().any()).then(pl.col("in_95").sum()) / count).alias("coverage_95"),
            count.cast(pl.Int64),
        )
        .filter(pl.col("windows") > 0)
        .cast(BACKTEST_SCHEMA)
    )


def best_method(backtest: pl.DataFrame) -> str:
    """Return the method with the least WAPE, averaged over the cut days; the mean unless one is clearly better."""
    wape = dict(
        backtest.filter(pl.col("method").is_in(METHODS), pl.col("wape").is_finite())
        .group_by("method")
        .agg(pl.col("wape").mean())
        .iter_rows()
    )
    default = METHODS[0]
    if default not in wape:
        return default
    best = min(METHODS, key=lambda method: wape.get(method, float("inf")))
    return best if wape[best] < (1.0 - _CLEARLY_BETTER) * wape[default] else default
