"""False findings and power of correlations and of the event study, on simulated companies.

On companies of `correlation_series` (13 months, 3 CI series × 40 services, 6 of them coupled, some faintly; the seeds
1 to 3, 31 to 44 and 61 to 63 chose the constants, so take others). Peers see the same series and are judged by the same
Benjamini-Hochberg procedure at q = 0.10 over the largest of the same 15 lags: Pearson's r of levels, the own method
with holidays kept, and Spearman's rank correlation of 7-day differences. Then sets without any coupling, the same sets
with monthly batches and quiet days around the end of the year (`correlation_hostile`), and cut to five months; shifts
at an event, and seconds.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy import stats

from circleci_cost.model.correlation.cleaning import AROUND, innovations, log_levels, without_rhythm
from circleci_cost.model.correlation.correlation import CorrelationSettings, correlate
from circleci_cost.model.correlation.event_study import EventStudySettings, event_study
from circleci_cost.model.correlation.lags import largest_correlations
from circleci_cost.model.correlation.series import Days, costs_of, days_of, rows_of
from circleci_cost_tests.benchmarks.correlation_hostile import hostile_company, last_days
from circleci_cost_tests.benchmarks.correlation_series import (
    FAINT,
    LAGS,
    STEP,
    Company,
    Floats,
    Integers,
    Shift,
    simulated_company,
)

LEVEL = 0.10
_LAGS = range(-7, 8)
# Steps in standard deviations of the service's noise by which the power of the event study is grouped.
_STEPS = (1.0, 2.0, 4.0)

Pairs = dict[tuple[str, str], int]


def main(argv: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="correlation", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52, 53])
    parser.add_argument("--sets", type=int, default=20, help="companies of each kind for each seed")
    asked = parser.parse_args(argv)
    numbers = [seed * 10_000 + number for seed in asked.seeds for number in range(asked.sets)]
    print(f"seeds {' '.join(map(str, asked.seeds))}, {asked.sets} companies each")
    _correlations(numbers)
    _events(numbers)
    _seconds(numbers[0])


def with_calendar(company: Company) -> Pairs:
    """Report with the country and the closures in the settings."""
    return _reported(company, CorrelationSettings(company.calendar))


def without_calendar(company: Company) -> Pairs:
    """Report without a country: days off have to be detected from the costs."""
    return _reported(company, CorrelationSettings())


def holidays_kept(company: Company) -> Pairs:
    """The own method, with all days off kept."""
    frames, days = _frames(company)
    none = np.zeros(days.number, dtype=np.bool_)
    sides = [costs_of(frame, days) for frame in frames]
    left, right = (innovations(without_rhythm(log_levels(side, none)), 3.0, around=AROUND).values for side in sides)
    peaks = largest_correlations(left, right, _LAGS[-1])
    return _findings([side.names for side in sides], peaks.lag, peaks.p_value)


def pearson_of_levels(company: Company) -> Pairs:
    """The largest Pearson correlation of daily costs over the lags, with Bonferroni."""
    return _peer(company, lambda cost: cost)


def spearman_of_weekly_differences(company: Company) -> Pairs:
    """The largest rank correlation of the differences to the same day a week before, with Bonferroni."""
    return _peer(company, lambda cost: _ranks(cost[:, 7:] - cost[:, :-7]))


METHODS: dict[str, Callable[[Company], Pairs]] = {
    "correlate": with_calendar,
    "correlate, calendar unknown": without_calendar,
    "correlate, holidays kept": holidays_kept,
    "Pearson of levels": pearson_of_levels,
    "Spearman of 7-day differences": spearman_of_weekly_differences,
}


HARDER: dict[str, Callable[[Company, int], Company]] = {
    "monthly batches": hostile_company,
    "five months known": lambda company, _: last_days(company, 150),
}


@dataclass
class _Tally:
    reported: int = 0
    true: int = 0
    at_lag: int = 0
    expected: int = 0
    sets_with_any: int = 0

    def add(self, reported: Pairs, coupled: dict[tuple[str, str], tuple[int, float]]) -> None:
        right = [pair for pair in reported if pair in coupled]
        self.reported += len(reported)
        self.true += len(right)
        self.at_lag += sum(reported[pair] == coupled[pair][0] for pair in right)
        self.expected += len(coupled)
        self.sets_with_any += bool(reported)


def _correlations(numbers: list[int]) -> None:
    coupled = [simulated_company(number, strengths=FAINT) for number in numbers]
    unrelated = [simulated_company(number + 5000, ci_series=1, coupled=0) for number in numbers]
    print(
        f"\ncorrelation at q = {LEVEL:.2f}; coupled: r of unexplained changes {FAINT[0]}–{FAINT[1]} "
        f"({FAINT[0] ** 2:.0%}–{FAINT[1] ** 2:.0%} of the service's), lags {LAGS[0]} to {LAGS[-1]}"
    )
    print(f"{'method':32}{'false':>8}{'power':>8}{'lag':>8}{'any in unrelated':>18}   ({len(numbers)} sets each)")
    for name, method in METHODS.items():
        _print_row(name, method, coupled, unrelated)
    for name, harder in HARDER.items():
        sides = [
            [harder(company, number) for company, number in zip(each, numbers, strict=True)]
            for each in (coupled, unrelated)
        ]
        _print_row(f"correlate, {name}", with_calendar, *sides)


def _print_row(name: str, method: Callable[[Company], Pairs], coupled: list[Company], unrelated: list[Company]) -> None:
    tally, chance = _Tally(), _Tally()
    for company in coupled:
        tally.add(method(company), company.coupled)
    for company in unrelated:
        chance.add(method(company), {})
    figures = (
        (tally.reported - tally.true) / max(tally.reported, 1),
        tally.true / tally.expected,
        tally.at_lag / max(tally.true, 1),
    )
    print(f"{name:32}{''.join(f'{figure:>8.1%}' for figure in figures)}{chance.sets_with_any / len(unrelated):>18.1%}")


def _events(numbers: list[int]) -> None:
    print(f"\nevent study, default settings; shifts by {STEP[0]:.0%}–{STEP[1]:.0%} up, or down by the same factor")
    kinds = [(low, high, steady) for steady in (True, False) for low, high in pairwise((0.0, *_STEPS, np.inf))]
    names = [f"{low:g}–{high:g} sd" for low, high, _ in kinds]
    print(f"{'':38}{'power where nothing else shifted':^48}{'and where something did':^48}")
    print(f"{'shifted of 40':>14}{'false':>8}{'any':>8}{'power':>8}{''.join(f'{name:>12}' for name in names)}")
    for shifted in (6, 12, 0):
        detected: list[bool] = []
        shifts: list[Shift] = []
        reported = any_reported = 0
        for number in numbers:
            company = simulated_company(number, ci_series=1, coupled=0, shifted=shifted)
            settings = EventStudySettings(company.calendar)
            seen = set(event_study(company.infrastructure, company.event, settings).filter("significant")["series"])
            detected += [name in seen for name in company.shifted]
            shifts += company.shifted.values()
            reported += len(seen)
            any_reported += bool(seen)
        figures = [
            f"{(reported - sum(detected)) / reported:.1%}" if reported and shifted else "–",
            f"{any_reported / len(numbers):.1%}",
            _share(detected),
        ]
        power = []
        for low, high, steady in kinds:
            part = [
                seen
                for seen, shift in zip(detected, shifts, strict=True)
                if low <= shift.size < high and steady == (shift.others == 0)
            ]
            power.append(f"{_share(part)} of {len(part)}")
        print(f"{shifted:>14}{''.join(f'{cell:>8}' for cell in figures)}{''.join(f'{cell:>12}' for cell in power)}")


def _share(detected: list[bool]) -> str:
    return f"{sum(detected) / len(detected):.0%}" if detected else "–"


def _seconds(number: int) -> None:
    company = simulated_company(number, ci_series=30, services=200)
    correlate(company.ci.head(800), company.infrastructure.head(800))
    started = time.perf_counter()
    pairs = correlate(company.ci, company.infrastructure).height
    print(
        f"\n30 CI series × 200 services × 395 days: {pairs:,} pairs in {time.perf_counter() - started:.1f} s", end="; "
    )
    started = time.perf_counter()
    event_study(company.infrastructure, company.event)
    print(f"event study of 200 services in {time.perf_counter() - started:.1f} s")


def _reported(company: Company, settings: CorrelationSettings) -> Pairs:
    findings = correlate(company.ci, company.infrastructure, settings).filter("significant")
    return _pairs(findings.select("ci_series", "infrastructure_series", "lag_days").iter_rows())


def _pairs(rows: Iterable[tuple[str, str, int]]) -> Pairs:
    return {(ci, service): lag for ci, service, lag in rows}


def _peer(company: Company, prepared: Callable[[Floats], Floats]) -> Pairs:
    """Correlate prepared series, missing days filled with the day before, at every lag."""
    frames, days = _frames(company)
    sides = [costs_of(frame, days) for frame in frames]
    left, right = (prepared(_filled(side.cost)) for side in sides)
    size = left.shape[1]
    r = np.stack(
        [
            np.corrcoef(left[:, max(0, -lag) : size - max(0, lag)], right[:, max(0, lag) : size - max(0, -lag)])[
                : len(left), len(left) :
            ]
            for lag in _LAGS
        ],
        axis=2,
    )
    top = np.abs(r).max(axis=2)
    student = top * np.sqrt((size - 2) / (1 - top**2))
    p_value = np.minimum(1.0, len(_LAGS) * 2 * stats.t.sf(student, size - 2))
    return _findings([side.names for side in sides], np.abs(r).argmax(axis=2) + _LAGS[0], p_value)


def _frames(company: Company) -> tuple[tuple[pl.DataFrame, pl.DataFrame], Days]:
    frames = rows_of(company.ci, "CI"), rows_of(company.infrastructure, "infrastructure")
    days = days_of(*frames)
    assert days is not None
    return frames, days


def _findings(names: list[pl.Series], lag: Integers, p_value: Floats) -> Pairs:
    q_value = stats.false_discovery_control(p_value.ravel()).reshape(p_value.shape)
    rows, columns = np.nonzero(q_value <= LEVEL)
    return _pairs(
        (names[0][i], names[1][j], int(lag[i, j])) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    )


def _filled(cost: Floats) -> Floats:
    rows = pl.DataFrame(cost.T).fill_nan(None).fill_null(strategy="forward").fill_null(strategy="backward")
    return rows.to_numpy().T


def _ranks(values: Floats) -> Floats:
    return np.asarray(stats.rankdata(values, axis=1))
