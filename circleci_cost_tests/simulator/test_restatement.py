from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.simulator.restatement import last_available_day

from .builders import rows, scenario

DAY = date(2026, 11, 10)
VOLATILE = ["LAST_BUILD_FINISHED_AT"]


def seen(days_later: int, jobs_per_day: float = 300.0) -> pl.DataFrame:
    """Return a day's rows as an export some days later holds them."""
    as_of = datetime(2026, 11, 10, 12, tzinfo=UTC) + timedelta(days=days_later)
    return rows(scenario(jobs_per_day=jobs_per_day), first=DAY, last=DAY, as_of=as_of).drop(VOLATILE)


@pytest.mark.parametrize(
    ("as_of", "last"),
    [
        (datetime(2026, 11, 22, 8, 59, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 22, 9, 0, tzinfo=UTC), date(2026, 11, 21)),
    ],
)
def test_yesterday_is_there_from_nine_o_clock(as_of: datetime, last: date) -> None:
    assert last_available_day(as_of) == last
    frame = rows(scenario(), first=date(2026, 11, 18), last=date(2026, 11, 22), as_of=as_of)
    assert frame["JOB_RUN_DATE"].max() == last


@pytest.mark.parametrize("jobs_per_day", [20.0, 300.0, 2000.0])
def test_the_last_two_days_differ_from_their_final_state_and_converge(jobs_per_day: float) -> None:
    first, second, third, later = (seen(days, jobs_per_day) for days in (1, 2, 3, 9))
    assert first.height < later.height
    assert first["TOTAL_CREDITS"].sum() < later["TOTAL_CREDITS"].sum()
    assert second.height < later.height
    assert_frame_equal(third, later)


def test_late_rows_come_and_changed_ones_get_their_credits() -> None:
    early, final = seen(1), seen(3)
    both = early.join(final, on="JOB_ID", suffix="_LATER")
    changed = both.filter(pl.col("TOTAL_CREDITS") != pl.col("TOTAL_CREDITS_LATER"))
    assert both.height == early.height
    assert 0 < changed.height < 0.05 * early.height
    assert (changed["TOTAL_CREDITS"] < changed["TOTAL_CREDITS_LATER"]).all()
    assert 0 < final.height - early.height < 0.05 * final.height
