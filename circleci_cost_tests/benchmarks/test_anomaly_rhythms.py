from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from .anomaly_events import Correction, Drawn, booked, draw_corrections, draw_of_schedule, draw_special, place
from .anomaly_labels import CORRECTION, STOP, Happening, effects_of, explained_of, labels_of
from .anomaly_rhythms import DATES, YEAR_END, Timetable, batch_days, draw_batch, draw_schedules
from .anomaly_series import labelled_set, real_like_set
from .anomaly_tables import FIRST, LAST

ORGANIZATION = "org-00"
WEEKLY = Timetable("cron-weekly-0", tuple(int(day.weekday() == 2) for day in DATES), (0.05,))


def draws() -> np.random.Generator:
    return np.random.default_rng(7)


def test_batches_fall_on_their_days_of_each_month() -> None:
    firsts = {rule: [span[0] for span in batch_days(rule)] for rule in ("last-friday", "first-working-day", "15th")}
    assert firsts["last-friday"][:3] == [date(2025, 11, 28), date(2025, 12, 26), date(2026, 1, 30)]
    assert firsts["first-working-day"][:3] == [date(2025, 11, 3), date(2025, 12, 1), date(2026, 1, 1)]
    assert {day.day for day in firsts["15th"]} == {15}
    assert batch_days("last-three-days")[3] == (date(2026, 2, 26), date(2026, 2, 28))


def test_a_timetable_runs_the_same_count_on_each_weekday_except_where_it_rests() -> None:
    drawn = [schedule for _ in range(60) for schedule in draw_schedules(draws_of(_), "DE")]
    christmas = date(2025, 12, 25)
    resting = [schedule for schedule in drawn if schedule(christmas) == 0 and schedule(christmas - timedelta(7)) > 0]
    assert 0 < len(resting) < len(drawn) / 2
    usual = [day for day in DATES if date(2026, 2, 1) <= day <= date(2026, 3, 20)]
    for schedule in drawn:
        assert all(schedule(day) == schedule(day + timedelta(days=7)) for day in usual[:-7])


def draws_of(number: int) -> np.random.Generator:
    return np.random.default_rng([7, number])


def test_the_first_occurrence_of_a_batch_is_the_first_with_runs() -> None:
    batches = [batch for number in range(80) if (batch := draw_batch(draws_of(number))) is not None]
    own = [batch for batch in batches if batch.timetable is not None]
    assert len(batches) > len(own) > 0
    for batch in own:
        assert batch.timetable is not None
        assert batch.timetable.next_run(FIRST) == batch.days[0][0]


def test_events_of_a_schedule_begin_on_days_on_which_it_runs_and_end_when_it_is_switched_off() -> None:
    drawn: list[Drawn] = []
    for number in range(60):
        own = draw_of_schedule(draws_of(number), (ORGANIZATION, "web", WEEKLY.name), WEEKLY, [])
        off = [event.first_day for event in own if event.kind == "schedule_off"]
        assert all(event.first_day <= min(off, default=LAST) for event in own)
        drawn += own
    assert all(WEEKLY(event.first_day) for event in drawn)
    assert {event.kind for event in drawn} >= {"schedule_runs", "schedule_missed", "schedule_dearer"}


def test_beside_a_price_change_something_else_begins_within_days() -> None:
    near = 0
    for number in range(40):
        price, *others = draw_special(draws_of(number), ORGANIZATION, ["web", "api"], True, [])
        assert (price.kind, price.scope) == ("price_change", (ORGANIZATION,))
        near += any(abs((other.first_day - price.first_day).days) <= 7 for other in others)
    assert 25 <= near <= 38


def test_nothing_happens_in_what_has_stopped_for_good_but_above_it() -> None:
    stopped = [((ORGANIZATION, "web"), date(2026, 3, 1), date.max)]
    later = (200, 300)
    assert place(draws(), "spike", (ORGANIZATION, "web", "build"), list(stopped), window=later) is None
    assert place(draws(), "spike", (ORGANIZATION,), list(stopped), window=later) is not None
    assert place(draws(), STOP, (ORGANIZATION, "api"), list(stopped), window=later) is not None


def test_a_correction_makes_a_negative_day_and_counts_neither_way() -> None:
    job = f"{ORGANIZATION}/web/build/test"
    jobs = pl.DataFrame(
        {"series": job, "date": DATES[:90], "runs": 4, "run_seconds": 60, "credits": 100, "cost": 0.5},
    ).with_columns(pl.col("runs", "run_seconds", "credits").cast(pl.Int64), cost_squared=pl.lit(0.0625))
    day = DATES[70]
    happening = Happening("c", CORRECTION, job, day, day)
    rows = booked([Correction(happening, 3.0)], jobs)
    assert rows.select("series", "date", "runs", "credits", "cost").rows() == [(job, day, 0, -300, -1.5)]
    measured = pl.DataFrame({"event": "c", "series": [job], "date": [day], "cost_with": [-1.0], "cost_without": [0.5]})
    daily = jobs.with_columns(complete=pl.lit(True))
    effects = effects_of([happening], measured, daily)
    assert labels_of(effects).height == 0
    assert explained_of(effects)["first_day"].unique().to_list() == [day]
    assert draw_corrections(draws_of(1), [(ORGANIZATION, "web", "build", "test")], []) != []


@pytest.mark.parametrize("generator", [labelled_set, real_like_set], ids=["simulator", "statistical"])
def test_calm_sets_have_schedules_and_a_quiet_year_end_and_no_labels(
    generator: object, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    labelled = generator(5, 2.4, 1, calm=True)  # type: ignore[operator]
    assert labelled.labels.height == 0
    timed = labelled.daily.filter(pl.col("series").str.contains("/cron-"))
    assert timed["series"].n_unique() > 0
    whole = labelled.daily.filter(pl.col("series") == ORGANIZATION, pl.col("date").dt.weekday() <= 5)
    within = pl.col("date").is_between(*YEAR_END)
    quiet, usual = whole.filter(within)["runs"].mean(), whole.filter(~within)["runs"].mean()
    assert quiet < 0.8 * usual
