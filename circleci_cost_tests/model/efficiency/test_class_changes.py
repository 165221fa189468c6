from datetime import date, timedelta

import polars as pl
import pytest

from circleci_cost.model.efficiency.class_changes import class_changes, positions
from circleci_cost_tests.model.efficiency.class_days import FIRST, days


def found(*frames: pl.DataFrame) -> list[tuple[int, str, str]]:
    """The changes as day, former and new class."""
    changes = class_changes(positions(pl.concat(frames)))
    rows = changes.select("date", "resource_class_before", "resource_class").rows()
    return [((day - FIRST).days, before, after) for day, before, after in rows]


def test_a_change_is_found_on_its_first_day() -> None:
    assert found(days(["large"] * 10 + ["medium"] * 10)) == [(10, "large", "medium")]


def test_every_change_is_found_with_its_neighbours() -> None:
    frame = positions(days(["large"] * 10 + ["medium"] * 8 + ["xlarge"] * 9))
    assert class_changes(frame).select("position", "since", "until").rows() == [(10, 0, 18), (18, 10, 27)]


@pytest.mark.parametrize("tried", [1, 2])
def test_a_try_of_a_day_or_two_is_no_change(tried: int) -> None:
    assert found(days(["large"] * 10 + ["medium"] * tried + ["large"] * 10)) == []


def test_branches_that_keep_the_former_class_for_a_while_do_not_hide_a_change() -> None:
    old = days(["large"] * 10, runs=10)
    new = days(["medium"] * 20, runs=8).filter(pl.col("date") >= FIRST + timedelta(days=10))
    branches = days(["large"] * 15, runs=2).filter(pl.col("date") >= FIRST + timedelta(days=10))
    assert found(old, new, branches) == [(10, "large", "medium")]


def test_two_classes_side_by_side_are_no_change() -> None:
    assert found(days(["large"] * 30, runs=6), days(["medium"] * 30, runs=4)) == []


def test_a_class_of_two_days_is_not_known_to_last() -> None:
    assert found(days(["large"] * 20 + ["medium"] * 2)) == []
    assert found(days(["large"] * 20 + ["medium"] * 3)) == [(20, "large", "medium")]


def test_days_without_runs_do_not_count() -> None:
    weekly = days(["large"] * 6 + ["medium"] * 6).with_columns(
        date=pl.lit(date(2026, 6, 1)) + pl.duration(days=7 * (pl.col("date") - FIRST).dt.total_days())
    )
    assert found(weekly) == [(42, "large", "medium")]


def test_another_executor_is_another_class() -> None:
    frame = days(["large"] * 20).with_columns(
        executor=pl.when(pl.col("date") < FIRST + timedelta(days=10))
        .then(pl.lit("docker"))
        .otherwise(pl.lit("machine"))
    )
    assert found(frame) == [(10, "large", "large")]
