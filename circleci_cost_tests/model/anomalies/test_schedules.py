"""Jobs on a fixed schedule run as often as a week before: one run more or fewer is a change, not chance."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.anomalies.measures import measured
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost_tests.model.anomalies.builders import (
    FIRST,
    PRICE,
    alarm_days,
    alarms,
    day,
    days_from,
    drawn,
    only_costs,
    place,
    row_of,
)

DAYS = 120
AT = 92  # a Tuesday, after 13 weeks
SUNDAY = 97
NIGHTLY, WEEKDAYS, SUNDAYS, TWICE_A_WEEK = [1] * 7, [1] * 5 + [0] * 2, [0] * 6 + [1], [0, 1, 0, 0, 1, 0, 0]


def scheduled(
    week: list[int],
    changes: Mapping[int, int] | None = None,
    *,
    dearer: npt.ArrayLike = 1.0,
    noise: float = 0.08,
    seed: int = 1,
    name: str = "a",
    days: int = DAYS,
) -> pl.DataFrame:
    """A series that runs as often as `week` says, from Monday, but on the days of `changes`."""
    counts = np.array([week[number % 7] for number in range(days)])
    for number, count in (changes or {}).items():
        counts[number] = count
    of_run = 50.0 * np.exp(noise * np.random.default_rng(seed).standard_normal(counts.sum()))
    of_day = np.repeat(np.arange(days), counts)
    of_run *= np.broadcast_to(np.asarray(dearer, dtype=np.float64), (days,))[of_day]
    credits = np.bincount(of_day, of_run, days)
    return pl.DataFrame(
        {
            "series": name,
            "date": days_from(FIRST, days),
            "cost": credits * PRICE,
            "credits": credits,
            "runs": counts.astype(np.float64),
            "cost_squared": np.bincount(of_day, of_run**2, days) * PRICE**2,
        }
    )


def on(days: range, week: list[int]) -> dict[int, int]:
    """Runs of a week on some days."""
    return {number: week[number % 7] for number in days}


def step(at: int, factor: float) -> npt.NDArray[np.float64]:
    """1, and the factor from a day on."""
    return np.where(np.arange(DAYS) >= at, factor, 1.0)


ONCE_DEARER = np.where(np.arange(DAYS) == AT, 5.0, 1.0)
CHANGES = {
    "a nightly runs twice from now on": (scheduled(NIGHTLY, on(range(AT, DAYS), [2] * 7)), AT, "up"),
    "a nightly runs three times once": (scheduled(NIGHTLY, {AT: 3}), AT, "up"),
    "a nightly costs five times as much once": (scheduled(NIGHTLY, dearer=ONCE_DEARER), AT, "up"),
    "a nightly misses a day": (scheduled(NIGHTLY, {AT: 0}), AT, "down"),
    "a nightly of unsteady duration runs twice": (scheduled(NIGHTLY, {AT: 2}, noise=0.2), AT, "up"),
    "a weekday cron goes from 4 to 6": (
        scheduled([4] * 5 + [0] * 2, on(range(AT, DAYS), [6] * 5 + [0] * 2)),
        AT,
        "up",
    ),
    "a weekly is three times dearer for good": (scheduled(SUNDAYS, dearer=step(SUNDAY, 3.0)), SUNDAY, "up"),
    "a weekly does not run": (scheduled(SUNDAYS, {SUNDAY: 0}), SUNDAY, "down"),
    "a weekly runs twice": (scheduled(SUNDAYS, {SUNDAY: 2}), SUNDAY, "up"),
    "five runs a day double for a day": (scheduled([5] * 7, {AT: 10}), AT, "up"),
    "five unsteady runs a day double for a day": (scheduled([5] * 7, {AT: 10}, noise=0.4), AT, "up"),
    "an hourly cron goes to half-hourly": (scheduled([24] * 7, on(range(AT, DAYS), [48] * 7)), AT, "up"),
    "a nightly is switched off": (scheduled(NIGHTLY, on(range(AT, DAYS), [0] * 7)), AT, "down"),
    "a twice-a-week job runs three times on its day": (scheduled(TWICE_A_WEEK, {AT: 3}), AT, "up"),
    "a twice-a-week job does not run": (scheduled(TWICE_A_WEEK, {AT: 0}), AT, "down"),
    "a weekday job begins to run on weekends": (scheduled(WEEKDAYS, on(range(SUNDAY, DAYS), NIGHTLY)), SUNDAY, "up"),
}


@pytest.fixture(scope="module")
def judged() -> pl.DataFrame:
    """All changes, judged in one go."""
    return detect(pl.concat(daily.with_columns(series=pl.lit(name)) for name, (daily, _, _) in CHANGES.items()))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_schedule_alarms_on_its_day(judged: pl.DataFrame, name: str) -> None:
    _, at, way = CHANGES[name]
    first = judged.filter("is_anomaly", series=name).row(0, named=True)
    assert (place(first["date"]), first["direction"]) == (at, way)


def test_a_schedule_that_goes_on_raises_nothing() -> None:
    weeks = [NIGHTLY, WEEKDAYS, SUNDAYS, [4] * 5 + [0] * 2, [24] * 7, TWICE_A_WEEK]
    daily = [
        scheduled(week, noise=noise, seed=number, name=f"{number} {noise}", days=395)
        for number, week in enumerate(weeks)
        for noise in (0.0, 0.02, 0.1, 0.2)
    ]
    assert detect(pl.concat(daily)).filter("is_anomaly").select("series", "date").rows() == []


def test_a_schedule_of_unsteady_durations_raises_little() -> None:
    daily = [
        scheduled(week, noise=noise, seed=seed, name=f"{week} {noise} {seed}", days=395)
        for week in (NIGHTLY, WEEKDAYS, [4] * 5 + [0] * 2)
        for noise in (0.4, 0.7)
        for seed in range(6)
    ]
    judged = detect(pl.concat(daily))
    years = judged.get_column("expected").count() / 365.25
    assert float(judged.get_column("is_anomaly").sum()) / years <= 0.5


FORTNIGHT = 283  # a Wednesday, after 20 fortnights


def every_other_wednesday(
    runs: int, changes: Mapping[int, int] | None = None, dearer: npt.ArrayLike = 1.0, name: str = "a"
) -> pl.DataFrame:
    """A job of every other Wednesday."""
    usual = dict.fromkeys(range(3, 400, 14), runs)
    return scheduled([0] * 7, usual | dict(changes or {}), days=400, dearer=dearer, name=name)


def test_a_job_of_every_other_week_alarms_where_it_changes_and_never_while_it_goes_on() -> None:
    fortnights, weeks = range(FORTNIGHT, 400, 14), range(FORTNIGHT, 400, 7)
    wanted: dict[str, tuple[Mapping[int, int], npt.ArrayLike, list[tuple[int, str]]]] = {
        "goes on": ({}, 1.0, []),
        "runs twice": ({FORTNIGHT: 2}, 1.0, [(FORTNIGHT, "up")]),
        "is missed": ({FORTNIGHT: 0}, 1.0, [(FORTNIGHT, "down")]),
        "costs twice": ({}, np.where(np.arange(400) == FORTNIGHT, 2.0, 1.0), [(FORTNIGHT, "up")]),
        "runs a week late": ({FORTNIGHT + 7: 1}, 1.0, [(FORTNIGHT + 7, "up")]),
        "stops": (dict.fromkeys(fortnights, 0), 1.0, [(FORTNIGHT, "down")]),
        "becomes weekly": (dict.fromkeys(weeks, 1), 1.0, [(FORTNIGHT + 7, "up")]),
    }
    judged = detect(
        pl.concat(every_other_wednesday(1, some, dearer, name) for name, (some, dearer, _) in wanted.items())
    )
    for name, (_, _, first) in wanted.items():
        found = judged.filter("is_anomaly", series=name).select("date", "direction").rows()
        assert [(place(when), way) for when, way in found][: len(first)] == first, name
        assert len(found) <= len(first) + 2, name


def test_three_runs_of_every_other_week_are_expected_in_their_week_alone() -> None:
    judged = detect(every_other_wednesday(3))
    assert judged.filter("is_anomaly").height == 0
    due, pause = (row_of(judged, number) for number in (FORTNIGHT, FORTNIGHT + 7))
    assert due["expected"] == pytest.approx(due["value"], rel=0.1)
    assert pause["upper"] < 0.1 * due["value"]


def unequal(
    jobs: list[float], noise: float, times: npt.ArrayLike = 1.0, seed: int = 1, name: str = "a"
) -> pl.DataFrame:
    """A schedule that runs each of the jobs once a day; `jobs` are their usual costs."""
    of_jobs = np.array(jobs) * np.exp(noise * np.random.default_rng(seed).standard_normal((DAYS, len(jobs))))
    of_jobs *= np.broadcast_to(np.asarray(times), (DAYS,))[:, None]
    return only_costs(of_jobs.sum(axis=1), name).with_columns(
        runs=pl.lit(float(len(jobs))), cost_squared=(of_jobs**2).sum(axis=1)
    )


@pytest.mark.parametrize("jobs", [[0.27, 0.01, 0.02], [0.3, 0.1], [0.1, 0.1, 0.1]])
def test_a_schedule_whose_jobs_cost_unequally_alarms_on_the_day_it_doubles(jobs: list[float]) -> None:
    for noise in (0.02, 0.05, 0.1):
        found = alarms(unequal(jobs, noise, step(105, 2.0)))
        assert (found[0][0], found[0][2]) == (105, "up")


def test_a_schedule_whose_jobs_cost_unequally_raises_nothing_while_it_goes_on() -> None:
    daily = [
        unequal([0.27, 0.01, 0.02], noise, seed=seed, name=f"{noise} {seed}")
        for noise in (0.0, 0.1, 0.3, 0.5)
        for seed in range(8)
    ]
    assert detect(pl.concat(daily)).filter("is_anomaly").select("series", "date").rows() == []


def test_a_missed_run_is_no_alarm_while_its_day_is_not_completely_known() -> None:
    daily = scheduled(NIGHTLY, {AT: 0}).with_columns((pl.col("date") != day(AT)).alias("complete"))
    assert alarms(daily) == []


def test_a_missed_run_and_a_change_for_good_end() -> None:
    changes = {
        "missed": {AT: 0},
        "three": {AT: 3},
        "doubled": on(range(AT, 180), [2] * 7),
        "stopped": on(range(AT, 180), [0] * 7),
    }
    judged = detect(pl.concat(scheduled(NIGHTLY, some, name=name, days=180) for name, some in changes.items()))
    last = dict(judged.filter("is_anomaly").group_by("series").agg(pl.col("date").max()).iter_rows())
    assert (place(last["missed"]), place(last["three"])) == (AT, AT)
    assert place(last["doubled"]) <= AT + 14
    assert place(last["stopped"]) <= AT + 21


def test_a_schedule_that_rests_on_holidays_is_told_on_the_first_at_most_and_one_that_does_not_never() -> None:
    resting = {place(date(2026, *when)): 0 for when in ((2, 16), (5, 25), (6, 19), (7, 3))}
    daily = [scheduled(NIGHTLY, some, name=str(len(some)), days=160) for some in ({}, resting)]
    in_alarm = detect(pl.concat(daily), calendar=Calendar(country="US")).filter("is_anomaly")
    assert set(in_alarm.select("series", "date").rows()) <= {("4", date(2026, 2, 16))}


def test_a_schedule_beside_random_runs_is_seen_on_the_days_of_its_own() -> None:
    pushes, nightly = drawn(DAYS, 2, runs=12.0, week=[1] * 5 + [0] * 2), scheduled([2] * 7, {SUNDAY: 6})
    both = pl.concat([pushes, nightly.select(pushes.columns)]).group_by("series", "date").sum()
    assert (SUNDAY, "up") in [(number, way) for number, _, way in alarms(both)]


def test_few_random_runs_raise_no_more_than_many() -> None:
    rates = (0.1, 0.3, 1.0, 3.0, 10.0)
    daily = [
        drawn(395, seed, f"{runs} {seed}", runs=runs, week=np.ones(7), dispersion=1e6)
        for runs in rates
        for seed in range(12)
    ]
    judged = detect(pl.concat(daily))
    years = judged.get_column("expected").count() / 365.25
    # Before schedules were known it was .52 on twelve times as many series.
    assert float(judged.get_column("is_anomaly").sum()) / years <= 0.6


def test_a_schedule_that_begins_is_silent_and_one_that_ends_is_soon_random() -> None:
    frames = []
    for seed in range(8):
        random = drawn(200, seed, runs=1.0, week=np.ones(7), dispersion=1e6)
        fixed = scheduled(NIGHTLY, seed=seed, days=200).select(random.columns)
        for name, before, after in (("begins", random, fixed), ("ends", fixed, random)):
            both = [before.filter(pl.col("date") < day(AT)), after.filter(pl.col("date") >= day(AT))]
            frames.append(pl.concat(both).with_columns(series=pl.lit(f"{name} {seed}")))
    in_alarm = detect(pl.concat(frames)).filter("is_anomaly", pl.col("date") >= day(AT))
    assert in_alarm.filter(pl.col("series").str.starts_with("begins")).height == 0
    # Six in the first fortnight, which are right.
    assert in_alarm.filter(pl.col("date") >= day(AT + 21)).height / 8 <= 1


def test_runs_that_are_the_cost_itself_are_judged_by_their_schedule() -> None:
    daily = scheduled(NIGHTLY, {AT: 2}).with_columns(
        credits_squared=pl.col("credits") ** 2, run_seconds=pl.col("credits")
    )
    assert alarm_days(measured(daily, "runs")) == [AT]
