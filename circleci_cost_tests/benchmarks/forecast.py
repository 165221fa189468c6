"""How well month ends are forecast after 5, 10, 15 and 20 days, against run rates and two forecasting libraries' best.

    python -m circleci_cost_tests.benchmarks forecast [--seeds N …] [--no-peers]

On series of the project's simulator (100 series × 13 months for each seed; the seeds 1 to 3 were used to choose the
methods' constants, so take others), on the same with a stop, a jump or a passing week in each, on the same with monthly
bills, on those of the demo, and on real daily series, each by itself and with the holidays of its country; constants
were chosen on every other one of these (`CHOSEN_ON`). Every figure is causal: a forecast and its interval know only
the days up to the cut. AutoETS and MSTL take part where `statsforecast` is installed, which this project does not need.
Then the seconds that 500 and 10,000 series take.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl

from circleci_cost.model.forecast.backtest import CUT_DAYS, months_of
from circleci_cost.model.forecast.forecasting import (
    ForecastSettings,
    backtest,
    choose_method,
    forecast,
    forecast_total,
)
from circleci_cost.model.forecast.panel import panel_of
from circleci_cost_tests.benchmarks.forecast_series import (
    LAST,
    demo_series,
    simulated_series,
    with_bills,
    with_jumps,
)
from circleci_cost_tests.benchmarks.real_series import CALENDARS, real_series

PEERS = ("AutoETS", "MSTL")
MINIMUM_DAYS = 14
CHOSEN_ON = tuple(sorted(CALENDARS))[::2]
"""The real series that constants of the forecasts were chosen on: every other name."""


def main(argv: list[str]) -> None:
    """Print a table for each kind of series, and the seconds."""
    parser = argparse.ArgumentParser(prog="forecast", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--no-peers", action="store_true", help="leave AutoETS and MSTL out: they take minutes")
    asked = parser.parse_args(argv)
    peers = not asked.no_peers and importlib.util.find_spec("statsforecast") is not None
    if not peers:
        print("AutoETS and MSTL are left out: statsforecast is not installed, or was not asked for")
    simulated = [simulated_series(seed) for seed in asked.seeds]
    _report(f"simulator, seeds {' '.join(map(str, asked.seeds))}", simulated, peers)
    _report(
        "the same with jumps", [with_jumps(series, seed) for seed, series in zip(asked.seeds, simulated, strict=True)]
    )
    _report("the same with monthly bills", [with_bills(series) for series in simulated])
    _report("demo", [demo_series()], peers)
    for title, chosen_on in (("real series that constants were chosen on", True), ("real series", False)):
        _report_real(title, [name for name in CALENDARS if (name in CHOSEN_ON) == chosen_on])
    _seconds(simulated)


def _report(title: str, sets: list[pl.DataFrame], peers: bool = False) -> None:
    tested = [backtest(series) for series in sets]
    parts = [result.join(_totals(series), on="cut_day") for result, series in zip(tested, sets, strict=True)]
    if peers:
        parts += [_peers(series) for series in sets]
    count = pl.col("windows")
    table = (
        pl.concat(parts, how="diagonal")
        .group_by("method", "cut_day", maintain_order=True)
        .agg(
            ((pl.col("wape") * pl.col("total")).sum() / pl.col("total").sum()).alias("wape"),
            *((pl.col(name) * count).sum() / count.sum() for name in ("coverage_80", "coverage_95")),
            count.sum(),
        )
    )
    plain = table.filter(pl.col("method") == "run_rate").select("cut_day", plain="wape")
    rows = table.join(plain, on="cut_day").sort("cut_day", pl.col("wape"))
    print(f"\n{title}: {sum(series['series'].n_unique() for series in sets)} series")
    print(f"chosen by the backtest: {', '.join(choose_method(result) for result in tested)}")
    print(f"{'cut day':>8}  {'method':18}{'WAPE':>8}{'ratio':>8}{'in 80 %':>9}{'in 95 %':>9}{'windows':>9}")
    for row in rows.iter_rows(named=True):
        own = row["method"] not in PEERS
        covered = f"{row['coverage_80']:>9.1%}{row['coverage_95']:>9.1%}" if own else f"{'–':>9}{'–':>9}"
        ratio = row["wape"] / row["plain"]
        print(f"{row['cut_day']:>8}  {row['method']:18}{row['wape']:>8.2%}{ratio:>8.2f}{covered}{row['windows']:>9}")


def _report_real(title: str, names: list[str]) -> None:
    """Report errors as the mean over the series, whose units differ, and coverage over all windows."""
    series = real_series()
    tested = [
        backtest(series.filter(pl.col("series") == name), ForecastSettings(CALENDARS[name])).with_columns(
            plain=pl.col("wape").filter(pl.col("method") == "run_rate").first().over("cut_day")
        )
        for name in names
    ]
    count = pl.col("windows")
    table = (
        pl.concat(tested)
        .filter(pl.col("method").is_in(["mean", "run_rate", "weekday_run_rate"]))
        .group_by("cut_day", "method", maintain_order=True)
        .agg(
            pl.col("wape").mean(),
            (pl.col("wape") / pl.col("plain")).log().mean().exp().alias("ratio"),
            *((pl.col(name) * count).sum() / count.sum() for name in ("coverage_80", "coverage_95")),
            count.sum(),
        )
        .sort("cut_day", "wape")
    )
    print(f"\n{title}: {len(names)} series; the ratio is the geometric mean")
    print(f"{'cut day':>8}  {'method':18}{'WAPE':>8}{'ratio':>8}{'in 80 %':>9}{'in 95 %':>9}{'windows':>9}")
    for day, method, wape, ratio, in_80, in_95, windows in table.iter_rows():
        print(f"{day:>8}  {method:18}{wape:>8.2%}{ratio:>8.2f}{in_80:>9.1%}{in_95:>9.1%}{windows:>9}")


def _totals(series: pl.DataFrame) -> pl.DataFrame:
    """Return the denominator of the WAPE of each cut day, so that sets of series can be combined."""
    panel = panel_of(series)
    months = months_of(panel)
    sums = [
        sum(
            float(np.nansum(panel.cost[panel.begins <= start + day - MINIMUM_DAYS, start : end + 1]))
            for start, end in months
        )
        for day in CUT_DAYS
    ]
    return pl.DataFrame({"cut_day": CUT_DAYS, "total": sums}, schema_overrides={"cut_day": pl.Int64})


def _peers(series: pl.DataFrame) -> pl.DataFrame:
    """Forecast the same windows by AutoETS and MSTL with a season of seven days, negative days cut off at zero."""
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast.models import MSTL, AutoETS

    panel = panel_of(series)
    rows = []
    for day in CUT_DAYS:
        for start, end in months_of(panel):
            cut = start + day - 1
            total = np.nansum(panel.cost[:, start : end + 1], axis=1)
            numbers = np.flatnonzero((panel.begins <= cut - MINIMUM_DAYS + 1) & (total > 0))
            if not len(numbers):
                continue
            past = pd.concat(
                pd.DataFrame(
                    {
                        "unique_id": number,
                        "ds": pd.date_range(
                            panel.first + timedelta(days=int(panel.begins[number])),
                            panel.first + timedelta(days=cut),
                        ),
                        "y": panel.cost[number, panel.begins[number] : cut + 1],
                    }
                )
                for number in numbers
            )
            models = [AutoETS(season_length=7), MSTL(season_length=7)]
            forecasts = StatsForecast(models=models, freq="D").forecast(df=past, h=end - cut)
            actual = panel.cost[numbers, cut + 1 : end + 1].sum(axis=1)
            for peer in PEERS:
                sums = forecasts[peer].clip(lower=0).groupby(forecasts["unique_id"]).sum().reindex(numbers).to_numpy()
                wrong, whole = float(np.abs(sums - actual).sum()), float(total[numbers].sum())
                rows.append((day, peer, wrong / whole, whole, len(numbers)))
    return pl.DataFrame(rows, schema=["cut_day", "method", "wape", "total", "windows"], orient="row")


def _seconds(simulated: list[pl.DataFrame]) -> None:
    """Time each public function on copies of the simulated series; the horizon is the next month."""
    until = LAST + timedelta(days=31)
    steps: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
        "backtest": backtest,
        "forecast_total": lambda frame: forecast_total(frame, until),
        "forecast": lambda frame: forecast(frame, until),
    }
    print(f"\n{'series':>8}{''.join(f'{name:>16}' for name in steps)}   seconds, the choice of method included")
    for count in (500, 10_000):
        copies = range(-(-count // 100))
        frame = pl.concat(
            simulated[0].with_columns(pl.col("series") + f" {copy}", pl.col("cost") * (1 + copy / 7)) for copy in copies
        )
        print(f"{frame['series'].n_unique():>8,}", end="")
        for step in steps.values():
            started = time.perf_counter()
            step(frame)
            print(f"{time.perf_counter() - started:>16.1f}", end="", flush=True)
        print()
