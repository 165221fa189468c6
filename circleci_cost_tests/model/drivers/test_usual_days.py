"""What is usual: how much jobs scatter by themselves, and the days that do not show what their weekday costs."""

from datetime import date, timedelta

import polars as pl
import pytest

from circleci_cost.model.drivers.scatter import REGULAR_COUNTS, USUAL_COUNTS, USUAL_RUNS, usual_scatter
from circleci_cost.model.drivers.unusual_days import unusual_days

DAYS = [date(2026, 3, 2) + timedelta(days=at) for at in range(28)]
KNOWN = pl.DataFrame({"cost_center": ["acme"] * 28, "date": DAYS})
WEEKDAY = [[20, 22, 21, 19, 20, 4, 5][day.weekday()] for day in DAYS]


def daily(job: str, runs: list[int], cost: list[float] | None = None) -> pl.DataFrame:
    """The days on which a job ran; a run costs 10 credits unless it is said."""
    credits = [number * each for number, each in zip(runs, cost or [10.0] * 28, strict=True)]
    rows = {"cost_center": "acme", "job": job, "date": DAYS, "runs": runs, "credits": credits}
    return pl.DataFrame(rows).filter(pl.col("runs") > 0)


def scatter(runs: list[int], cost: list[float] | None = None) -> tuple[float, float]:
    usual = usual_scatter(daily("test", runs, cost), KNOWN, ["cost_center", "job"])
    return usual.select("count_variance", "run_variance").row(0)


def test_a_schedule_scatters_hardly_even_if_a_day_was_missed() -> None:
    assert scatter([1] * 28)[0] == REGULAR_COUNTS
    assert scatter([2 if day.weekday() == 0 else 0 for day in DAYS])[0] == REGULAR_COUNTS
    assert scatter([1] * 20 + [0] + [1] * 7)[0] < 0.1


def test_bursts_and_a_monthly_batch_scatter_far_more_than_usual() -> None:
    assert scatter([40 if at % 3 else 2 for at in range(28)])[0] > 5
    assert scatter([30 if at == 12 else 0 for at in range(28)])[0] > 10


def test_a_single_run_says_little() -> None:
    assert scatter([1] + [0] * 27)[0] == pytest.approx(USUAL_COUNTS, abs=0.3)


def test_runs_of_equal_cost_scatter_less_than_runs_of_varying_cost() -> None:
    equal, varying = (scatter([9] * 28, cost)[1] for cost in (None, [5.0, 15.0] * 14))
    assert equal < USUAL_RUNS / 5
    assert varying > 2 * USUAL_RUNS


def unusual(runs: list[int]) -> list[date]:
    return unusual_days(daily("test", runs), KNOWN, ["cost_center"]).get_column("date").sort().to_list()


def changed(**runs: int) -> list[int]:
    return [runs.get(f"day_{at}", usual) for at, usual in enumerate(WEEKDAY)]


def test_a_stop_and_a_batch_are_unusual_days() -> None:
    assert unusual(changed(day_2=0, day_10=70)) == [DAYS[2], DAYS[10]]


def test_ups_and_downs_and_few_runs_are_not() -> None:
    assert unusual(changed(day_2=9, day_3=50)) == []
    assert unusual([runs // 10 for runs in changed(day_2=0)]) == []


def test_weeks_that_do_not_agree_show_nothing_unusual() -> None:
    assert unusual(changed(day_2=0, day_9=0)) == []
    assert unusual([2**week * 4 for week in range(4) for _ in range(7)]) == []


def test_a_day_that_is_not_known_is_no_stop() -> None:
    known = KNOWN.filter(pl.col("date") != DAYS[2])
    assert unusual_days(daily("test", changed(day_2=0)), known, ["cost_center"]).is_empty()
