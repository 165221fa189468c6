"""Past forecasts of the series at hand: how wrong each method would have been, using only what was known then.

It chooses the days to forecast from (cuts) and makes the table that the method is chosen by. The methods belong in
`methods`, the quantiles in `intervals`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from circleci_cost.days import months_later
from circleci_cost.model.forecast.history import History
from circleci_cost.model.forecast.intervals import (
    LEVELS,
    Calibration,
    Errors,
    calibrate,
    expected_error_of_day,
    expected_error_of_sum,
)
from circleci_cost.model.forecast.methods import METHODS, RUN_RATES, Outlook, outlook, run_rates, weekday_means
from circleci_cost.model.forecast.panel import Flags, Floats, Integers, Panel, days_between

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
# Series and cuts worked on at a time: their windows, 1 MB, fit into a processor's cache.
_ROWS = 2_000
# Outlooks of up to 64 MB are kept: beside each coming day, so many values of a series and cut.
_KEPT_VALUES, _VALUES_BESIDE = 8_000_000, 25
# Days that lie some days apart are nearly independent.
_DAY_WEIGHT = 0.5


@dataclass(frozen=True)
class Span:
    """A sum over `days` days after a cut; `elapsed` days of the period lie before it, which run rates need."""

    elapsed: int
    days: int


@dataclass(frozen=True)
class _PastSums:
    """Forecasts of sums at past days [cut × series]: actual less forecast, and the expected size of the error.

    `old_enough` series have enough history to be judged, `active` series had cost in the weeks before.
    """

    errors: dict[tuple[str, Span], Floats]
    expected: dict[Span, Floats]
    old_enough: Flags
    active: Flags


class PastOutlooks:
    """The outlooks at cuts spread evenly over a history: with many series fewer cuts suffice.

    Those of few series are kept, as several measurements go through them; those of many are made anew.
    """

    def __init__(self, history: History, minimum_days: int) -> None:
        panel = history.panel
        self.history = history
        self.minimum_days = minimum_days
        self.stride = max(1, panel.days // (_CUTS if len(panel.names) <= _MANY_SERIES else _CUTS // 2))
        self.cuts = np.arange(minimum_days - 1, panel.days - 1, self.stride)
        self._days = 0
        self._kept: list[Outlook] = []

    def parts(self, days: int, cuts: int) -> Iterator[tuple[slice, Outlook]]:
        """The outlooks for `days` days or more of the first `cuts` cuts, some of these at a time."""
        if days > self._days:
            self._days, self._kept = days, []
        keeps = len(self.cuts) * len(self.history.panel.cost) * (self._days + _VALUES_BESIDE) <= _KEPT_VALUES
        for number, part in enumerate(cuts_at_a_time(self.history, len(self.cuts))):
            if part.start >= cuts:
                break
            seen = self._kept[number] if number < len(self._kept) else None
            if seen is None:
                seen = outlook(self.history, self.cuts[part], self._days if keeps else days)
                if keeps:
                    self._kept.append(seen)
            yield part, seen


def cuts_at_a_time(history: History, cuts: int) -> list[slice]:
    """Return parts of so many cuts: as many at a time as the processor's cache holds the windows of."""
    step = max(1, _ROWS // max(1, len(history.panel.cost)))
    return [slice(start, min(start + step, cuts)) for start in range(0, cuts, step)]


def rolling_errors(
    past: PastOutlooks, spans: Sequence[Span], methods: Sequence[str]
) -> dict[tuple[str, Span], Calibration]:
    """Forecast each span at cuts spread over the whole history, and calibrate by the errors."""
    panel = past.history.panel
    kept = {span: int((past.cuts + span.days < panel.days).sum()) for span in spans}
    values = {(method, span): np.full((kept[span], len(panel.cost)), np.nan) for method in methods for span in spans}
    for part, seen in past.parts(max(span.days for span in spans), max(kept.values())):
        sums = _past_sums(past, past.cuts[part], seen, spans, methods)
        for (method, span), error in sums.errors.items():
            # Series at rest are forecast exactly and would make the errors of the others look small.
            usable = sums.old_enough & sums.active & (sums.expected[span] > 0)
            whole = slice(0, max(0, kept[span] - part.start))
            np.divide(error[whole], sums.expected[span][whole], out=values[method, span][part], where=usable[whole])
    return {
        (method, span): calibrate(Errors(past.cuts[: kept[span]], span.days, errors, min(1.0, past.stride / span.days)))
        for (method, span), errors in values.items()
    }


def _past_sums(
    past: PastOutlooks, cuts: Integers, seen: Outlook, spans: Sequence[Span], methods: Sequence[str]
) -> _PastSums:
    """Return actual less forecast by method and span, the expected error by span, and usable series."""
    history, panel = past.history, past.history.panel
    longest = max(span.days for span in spans)
    paths = seen.paths(longest, [method for method in methods if method in METHODS])
    rated = [method for method in methods if method in RUN_RATES]
    weekdays = weekday_means(history, cuts) if rated else np.empty(0)
    actual = days_between(panel.cost, cuts, 1, longest + 1)
    sums = {}
    for span in spans:
        rates = run_rates(history, cuts, span.elapsed, span.days, weekdays) if rated else {}
        for method in methods:
            path = rates[method] if method in rates else paths[method][:, :, : span.days]
            sums[method, span] = _error(actual[:, :, : span.days], path)
    expected = {span: expected_error_of_sum(seen, span.days, past.minimum_days) for span in spans}
    old_enough = panel.begins <= cuts[:, None] - past.minimum_days + 1
    return _PastSums(sums, expected, old_enough, active=seen.level > 0)


def _error(actual: Floats, path: Floats) -> Floats:
    """Return the sum of actual less forecast over the known days, NaN where too few are known."""
    difference = actual - path
    unknown = np.isnan(difference)
    if not unknown.any():
        return np.asarray(difference.sum(axis=2))
    total = np.where(unknown, 0.0, difference).sum(axis=2)
    return np.where(unknown.mean(axis=2) <= 1.0 - _KNOWN_SHARE, total, np.nan)


def daily_errors(past: PastOutlooks, method: str, leads: Integers) -> list[Calibration]:
    """Calibrate forecasts of single days `leads` days after a cut, each lead separately."""
    panel = past.history.panel
    kept = [int((past.cuts + lead < panel.days).sum()) for lead in leads]
    values = np.full((len(leads), len(past.cuts), len(panel.cost)), np.nan)
    for part, seen in past.parts(int(leads.max()), max(kept)):
        cuts = past.cuts[part]
        path = seen.paths(int(leads.max()), [method])[method][:, :, leads - 1]
        expected = expected_error_of_day(seen, path, leads, past.minimum_days)
        old_enough = panel.begins <= cuts[:, None] - past.minimum_days + 1
        usable = (old_enough & (seen.level > 0))[:, :, None] & (expected > 0)
        actual = days_between(panel.cost, cuts, 1, int(leads.max()) + 1)[:, :, leads - 1]
        error = np.divide(actual - path, expected, out=np.full(path.shape, np.nan), where=usable)
        values[:, part] = np.moveaxis(error, 2, 0)
    return [
        calibrate(Errors(past.cuts[:known], int(lead), errors[:known], _DAY_WEIGHT))
        for lead, known, errors in zip(leads, kept, values, strict=True)
    ]


def months_of(panel: Panel) -> list[tuple[int, int]]:
    """Return the positions of the first and last day of each month that lies in the panel completely."""
    months = []
    begin = panel.first if panel.first.day == 1 else months_later(panel.first.replace(day=1), 1)
    while (following := months_later(begin, 1)) - timedelta(days=1) <= panel.last:
        months.append(((begin - panel.first).days, (following - panel.first).days - 1))
        begin = following
    return months


def backtest_of(past: PastOutlooks, *, intervals: bool = True) -> pl.DataFrame:
    """Forecast the total of every past month after 5, 10, 15 and 20 days by every method, run rates included.

    Out: `BACKTEST_SCHEMA`, a row per cut day and method that has windows; coverage is null without `intervals`.
    A window is a series and a month; series of less than `minimum_days` days at the cut, and those without cost
    before and after it, are left out. WAPE: absolute errors of the month's totals over the sum of the totals.
    """
    history = past.history
    months = months_of(history.panel)
    spans = {day: Span(day, _DAYS_OF_MONTH - day) for day in CUT_DAYS}
    calibrations = rolling_errors(past, list(spans.values()), (*METHODS, *RUN_RATES)) if intervals and months else {}
    windows: list[dict[str, object]] = []
    for day in CUT_DAYS:
        for part in cuts_at_a_time(history, len(months)):
            windows += _month_windows(past, months[part], spans[day], calibrations)
    return _table(windows)


def _month_windows(
    past: PastOutlooks,
    months: Sequence[tuple[int, int]],
    assumed: Span,
    calibrations: Mapping[tuple[str, Span], Calibration],
) -> Iterator[dict[str, object]]:
    """Yield the sums of the windows of months after the days that `assumed` has elapsed: a row per month and method.

    In: the positions of the months' first and last days; without `calibrations` no window is within its range.
    """
    history = past.history
    day = assumed.elapsed
    cuts = np.array([start + day - 1 for start, _ in months])
    spans = [Span(day, end - start - day + 1) for start, end in months]
    seen = outlook(history, cuts, max(span.days for span in spans))
    sums = _past_sums(past, cuts, seen, list(dict.fromkeys(spans)), (*METHODS, *RUN_RATES))
    for number, (span, (start, end)) in enumerate(zip(spans, months, strict=True)):
        total = np.nansum(history.panel.cost[:, start : end + 1], axis=1)
        for method in (*METHODS, *RUN_RATES):
            error = sums.errors[method, span][number]
            used = sums.old_enough[number] & (total > 0) & ~np.isnan(error)
            window = {"wrong": np.abs(error[used]).sum(), "total": total[used].sum(), "windows": used.sum()}
            if calibrations:
                size, shape = calibrations[method, assumed].quantiles(int(cuts[number]))
                reach = (sums.expected[span][number] * size)[used, None] * shape
                window |= {"in_80": _within(error[used], reach, 0.1), "in_95": _within(error[used], reach, 0.025)}
            yield {"cut_day": day, "method": method} | {key: float(value) for key, value in window.items()}


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
