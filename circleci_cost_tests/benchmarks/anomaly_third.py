"""A third set of labelled series, by somebody who has not read the detector: a platform engineer's year of trouble.

    from circleci_cost_tests.benchmarks.anomaly_third import third_set
    labelled = third_set(31)

It shares nothing with the other generators but what a label is (`anomaly_labels`) and how tables look
(`anomaly_tables`). No constant of the detector was chosen on it, and nothing here was changed after a result was seen.

**Usual life, no label.** Of the workflows beside each project's tests, 46 % run per push, 14 % nightly (1 to 6 times,
a few on working days only), 8 % hourly or oftener (an hour more or less where the clocks change), 8 % once a week,
6 % monthly (first, last or last three days, fourth or last Friday; half of them three times as much at a quarter's
end), 6 % on a bot's Mondays, 8 % less than about once a day, 4 % at random every week or two. 40 % of companies close
from 22 December to 2 January, 40 % are quiet then, 20 % go on; schedules go on everywhere. 25 % have Fridays off in
summer, 30 % an ebb around August, 30 % sprints of two weeks, 30 % grow by 2 to 4 % a month, 25 % have a second site
with holidays that the calendar does not know; 40 % have a monorepo eight times as large as other projects; 10 % of
projects work in bursts. 30 % of companies' years have corrections (one or two negative days in a job).

**Events**, mean number per company and year: storms of retries 1.5, runaway days 1, a schedule that runs three times,
not at all or five times as long once 1.2, one that doubles, triples or gets dearer for good .8, more or fewer runs
for good 1.2, another resource class or runner .8, a cache lost (half of them found again) 1, drifts over 25 to 60
days 1, outages 1, stops for good .4, schedules that stop or run wild between 23 December and 6 January .5, weekends
leaking .6, hackathons .3, new prices .5 (60 % of them within four days of another cause), acquisitions .4,
retirements .5. Events of one scope less than 26 days apart are dropped, except beside a new price.

Drawing companies is `anomaly_third_world`'s job, drawing events `anomaly_third_events`'.
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost_tests.benchmarks.anomaly_labels import (
    NEW,
    Happening,
    causes_of,
    effects_of,
    explained_of,
    labels_of,
    measured_days,
    short_ones,
)
from circleci_cost_tests.benchmarks.anomaly_series import USUAL, LabelledSet
from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST, LEVELS, daily_table, draw_gaps, hierarchy_of
from circleci_cost_tests.benchmarks.anomaly_third_events import EARLIEST, Event, draw_events
from circleci_cost_tests.benchmarks.anomaly_third_world import CALENDAR_DAYS, Company, Matrix, company

ORGANIZATIONS = 11
_USD_PER_CREDIT = 0.0006
_SECONDS_PER_CREDIT = 6.0
_CORRECTED = 0.3


def third_set(
    seed: int, volatility: float = USUAL, organizations: int = ORGANIZATIONS, calm: bool = False
) -> LabelledSet:
    """Return the set of a seed, which takes some seconds; a calm one has no events but those that people know.

    `volatility` multiplies how far projects' days and jobs' durations stray.
    """
    dailies, happenings, measured, corrections = [], [], [], []
    countries = []
    for number in range(organizations):
        draw = np.random.default_rng([seed, 3, number])
        own = company(number, draw, volatility)
        events = draw_events(own, draw, calm)
        happened = [
            Happening(f"{own.name}#{n:02}", event.kind, event.scope, event.first_day, event.last_day)
            for n, event in enumerate(events)
        ]
        full = _simulated(own, events)
        for event, happening in zip(events, happened, strict=True):
            measured.append(_measured(own, events, event, happening, full["cost"]))
        partial, missing = draw_gaps(draw, short_ones(happened))
        corrections += _correct(own, full, draw)
        jobs = _half_arrived(_table(own, full), partial, draw)
        dailies.append(daily_table(jobs, partial, missing))
        happenings += happened
        countries.append((own.name, own.country))
    daily = pl.concat(dailies)
    effects = effects_of(happenings, pl.concat(measured), daily)
    explained = explained_of(effects)
    return LabelledSet(
        daily,
        hierarchy_of(daily),
        labels_of(effects),
        pl.concat([explained, pl.DataFrame(corrections, schema=explained.schema, orient="row")]),
        causes_of(effects),
        pl.DataFrame(countries, schema=["organization", "country"], orient="row"),
    )


def _simulated(of: Company, events: list[Event]) -> dict[str, Matrix]:
    """Roll a company's dice under some events: `runs`, `credits`, `cost`, `cost_squared`, jobs by days."""
    from scipy.stats import poisson

    expected, credits, price = of.expected.copy(), of.credits.copy(), np.full(of.expected.shape, _USD_PER_CREDIT)
    for event in events:
        within = of.under(event.scope)[:, None]
        if event.changes == "added":
            expected = np.where(within, expected + event.factor, expected)
        else:
            changed = {"runs": expected, "credits": credits, "price": price}[event.changes]
            changed *= np.where(within, event.factor, 1.0)
    runs = np.where(of.scheduled[:, None], np.round(expected), poisson.ppf(of.luck, np.maximum(expected, 1e-12)))
    runs = np.where(expected > 0, runs, 0.0)
    share = of.spread / np.sqrt(np.maximum(runs, 1))
    spent = runs * credits * np.exp(share * of.noise - share**2 / 2)
    # The spread among a day's runs: as many degrees of freedom as runs beyond the first (Wilson and Hilferty).
    others = np.maximum(runs - 1, 0)
    ninth = 2 / (9 * np.maximum(others, 1))
    among = others * np.maximum(1 - ninth + np.sqrt(ninth) * of.pace, 0) ** 3 * (of.spread * credits) ** 2
    squared = spent**2 / np.maximum(runs, 1) + among
    return {"runs": runs, "credits": spent, "cost": spent * price, "cost_squared": squared * price**2}


def _measured(of: Company, events: list[Event], event: Event, happening: Happening, cost: Matrix) -> pl.DataFrame:
    """Return the cost of all jobs on the days on which an event is measured, with and without it."""
    days = [(day - FIRST).days for day in measured_days(happening)]
    calm = _simulated(of, [other for other in events if other is not event])["cost"]
    if event.kind == NEW:
        calm[of.under(event.scope)] = 0.0
    return pl.DataFrame(
        {
            "event": happening.event,
            "series": np.repeat(of.jobs, len(days)),
            "date": [CALENDAR_DAYS[day] for day in days] * len(of.jobs),
            "cost_with": cost[:, days].ravel(),
            "cost_without": calm[:, days].ravel(),
        },
        schema_overrides={"date": pl.Date},
    )


def _correct(of: Company, full: dict[str, Matrix], draw: np.random.Generator) -> list[tuple[object, ...]]:
    """Book a refund of one to three weeks of a job on a day; return the rows of `explained` that say so."""
    rows: list[tuple[object, ...]] = []
    for _ in range(int(draw.integers(1, 3)) if draw.random() < _CORRECTED else 0):
        job, day = int(draw.integers(len(of.jobs))), int(draw.integers(EARLIEST, DAYS - 1))
        weeks = draw.uniform(1, 3)
        week = slice(day - 7, day)
        full["cost_squared"][job, day] += (weeks * full["cost"][job, week].sum()) ** 2
        for name in ("credits", "cost"):
            full[name][job, day] -= weeks * full[name][job, week].sum()
        parts = of.jobs[job].split("/")
        rows += [
            ("/".join(parts[:depth]), CALENDAR_DAYS[day], CALENDAR_DAYS[day], f"{of.name}#correction")
            for depth in range(1, len(LEVELS) + 1)
        ]
    return rows


def _table(of: Company, full: dict[str, Matrix]) -> pl.DataFrame:
    """Return the jobs by day, without the days on which a job did nothing."""
    flat: dict[str, npt.NDArray[np.float64]] = {name: values.ravel() for name, values in full.items()}
    return (
        pl.DataFrame(
            {
                "series": np.repeat(of.jobs, DAYS),
                "date": [FIRST + timedelta(days=n) for n in range(DAYS)] * len(of.jobs),
                **flat,
            },
            schema_overrides={"date": pl.Date},
        )
        .filter((pl.col("runs") > 0) | (pl.col("cost") != 0))
        .with_columns(pl.col("runs").cast(pl.Int64), (pl.col("credits") * _SECONDS_PER_CREDIT).alias("run_seconds"))
    )


def _half_arrived(jobs: pl.DataFrame, partial: list[date], draw: np.random.Generator) -> pl.DataFrame:
    """Drop about half of each job's runs on the days that arrived in part."""
    kept = pl.Series(draw.binomial(jobs["runs"].to_numpy(), 0.5))
    short = pl.col("date").is_in(partial)
    share = kept / pl.col("runs")
    return jobs.with_columns(
        pl.when(short & (pl.col("runs") > 0)).then(pl.col(name) * share).otherwise(name).alias(name)
        for name in ("run_seconds", "credits", "cost", "cost_squared")
    ).with_columns(pl.when(short).then(kept).otherwise("runs").alias("runs"))
