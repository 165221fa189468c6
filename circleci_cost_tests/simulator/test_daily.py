from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.simulator import Event, EventKind, daily_usage, generator

from .builders import FIRST, LAST, PAYING, rows, scenario


def test_daily_usage_is_the_sum_of_the_generated_rows() -> None:
    event = Event(EventKind.SPIKE, "initech", date(2026, 11, 3), 3.0, date(2026, 11, 4), "web")
    usual = scenario(event)
    compute = pl.col("COMPUTE_CREDITS")
    expected = (
        rows(usual)
        .filter(pl.col("JOB_RUN_STOPPED_AT").is_not_null())
        .with_columns(pl.col("PROJECT_NAME").replace({"gateway, new": "api"}))
        .group_by(
            project="PROJECT_NAME", workflow="WORKFLOW_NAME", job="JOB_NAME", date=pl.col("JOB_RUN_DATE").cast(pl.Date)
        )
        .agg(
            pl.len().cast(pl.Int64).alias("runs"),
            pl.col("JOB_RUN_SECONDS").sum().cast(pl.Int64).alias("run_seconds"),
            compute.sum().cast(pl.Int64).alias("credits"),
            (compute.cast(pl.Float64) ** 2).sum().alias("credits_squared"),
        )
    )
    keys = ["project", "workflow", "job", "date"]
    assert_frame_equal(daily_usage(usual, PAYING, FIRST, LAST).sort(keys), expected.sort(keys))


def test_the_size_of_chunks_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ["project", "workflow", "job", "date"]
    whole = daily_usage(scenario(), PAYING, FIRST, LAST).sort(keys)
    monkeypatch.setattr(generator, "ROWS_PER_CHUNK", 700)
    assert_frame_equal(daily_usage(scenario(), PAYING, FIRST, LAST).sort(keys), whole)


def test_of_a_day_that_arrived_in_part_about_that_share_counts() -> None:
    day = date(2026, 11, 3)
    large = scenario(jobs_per_day=2000.0)
    whole, part = (daily_usage(large, PAYING, FIRST, LAST, arrival) for arrival in (None, {day: 0.5}))
    on_day = pl.col("date") == day
    arrived, usual = (int(frame.filter(on_day)["runs"].sum()) for frame in (part, whole))
    assert arrived / usual == pytest.approx(0.5, abs=0.05)
    assert_frame_equal(part.filter(~on_day), whole.filter(~on_day))


def test_an_organization_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        daily_usage(scenario(), "nobody", FIRST, LAST)
