"""`drivers.decompose`: which driver a change belongs to, zeros, and what is told beside the effects."""

import math
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from circleci_cost.errors import UsageError
from circleci_cost.model.drivers.decomposition import EFFECT_SCHEMA, contributors, decompose
from circleci_cost.model.drivers.seats import SEATS, seats_apart
from circleci_cost_tests.model.drivers.builders import effects, exact_sum, period

JOB = ["project", "workflow", "job"]


def only(before: pl.DataFrame, after: pl.DataFrame, by: list[str] | None = None) -> dict[str, Any]:
    rows = decompose(before, after, JOB if by is None else by).to_dicts()
    assert len(rows) == 1
    return rows[0]


def test_each_factor_alone_is_its_own_driver_to_the_last_digit() -> None:
    usual = {"runs": 10, "minutes": 100, "compute": 1000}
    changed: dict[str, dict[str, Any]] = {
        "runs": {"runs": 20, "minutes": 200, "compute": 2000},
        "minutes_per_run": {"runs": 10, "minutes": 150, "compute": 1500},
        "credits_per_minute": {"runs": 10, "minutes": 100, "compute": 2000, "resource_class": "large"},
        "price": {**usual, "price": Decimal("0.00055")},
    }
    for driver, after in changed.items():
        row = only(period(usual), period(after))
        assert effects(row) == {driver: row["change_usd"]}


def test_the_effects_are_those_of_the_logarithmic_mean() -> None:
    row = only(period({"runs": 2, "minutes": 10, "compute": 100}), period({"runs": 6, "minutes": 15, "compute": 300}))
    before, after = 0.06, 0.18
    mean = (after - before) / math.log(after / before)
    assert float(row["runs"]) == pytest.approx(mean * math.log(3), abs=1e-12)
    assert float(row["minutes_per_run"]) == pytest.approx(mean * math.log(2.5 / 5), abs=1e-12)
    assert float(row["credits_per_minute"]) == pytest.approx(mean * math.log(20 / 10), abs=1e-12)
    assert exact_sum(effects(row).values()) == row["change_usd"] == Decimal("0.12")


def test_back_and_forth_differ_by_the_sign_only() -> None:
    before = period({"runs": 2, "minutes": 9, "compute": 100})
    after = period({"runs": 7, "minutes": 15, "compute": 311})
    forth, back = only(before, after), only(after, before)
    assert effects(forth) == {name: -effect for name, effect in effects(back).items()}


def test_a_changed_class_is_credits_per_minute_and_neither_a_new_nor_a_vanished_series() -> None:
    before = period({"runs": 10, "minutes": 70, "compute": 14_000, "resource_class": "m4pro.medium"})
    after = period({"runs": 10, "minutes": 70, "compute": 28_000, "resource_class": "m4pro.large"})
    row = only(before, after)
    assert effects(row) == {"credits_per_minute": row["change_usd"]}
    assert (row["class_from"], row["class_to"], row["class_share"]) == ("m4pro.medium", "m4pro.large", 1.0)


def test_a_class_that_changes_within_the_period_has_its_share_of_the_minutes() -> None:
    before = period({"runs": 10, "minutes": 100, "compute": 1000})
    after = period(
        {"runs": 6, "minutes": 60, "compute": 600},
        {"runs": 4, "minutes": 40, "compute": 800, "resource_class": "large"},
    )
    row = only(before, after)
    assert effects(row) == {"credits_per_minute": Decimal("0.24")}
    assert (row["class_from"], row["class_to"], row["class_share"]) == ("medium", "large", pytest.approx(0.4))


def test_another_executor_of_the_same_class_is_named_beside_it() -> None:
    row = only(period({"compute": 10}), period({"compute": 20, "executor": "machine"}))
    assert (row["class_from"], row["class_to"]) == ("medium (docker)", "medium (machine)")


def test_where_classes_are_groups_a_job_that_moved_between_them_is_mix() -> None:
    before = period({"compute": 10}, {"compute": 5, "job": "lint"})
    after = period({"compute": 20, "resource_class": "large"}, {"compute": 7, "job": "docs"})
    rows = {row["resource_class"]: effects(row) for row in decompose(before, after, ["resource_class"]).to_dicts()}
    assert rows == {
        "large": {"mix": Decimal("0.012")},
        "medium": {"mix": Decimal("-0.006"), "new": Decimal("0.0042"), "vanished": Decimal("-0.003")},
    }


def test_series_of_one_period_are_new_or_vanished_as_a_whole() -> None:
    before = period({"job": "old", "compute": 100})
    after = period({"job": "young", "compute": 300, "price": Decimal("0.0007")})
    rows = {row["job"]: effects(row) for row in decompose(before, after, ["job"]).to_dicts()}
    assert rows == {"young": {"new": Decimal("0.21")}, "old": {"vanished": Decimal("-0.06")}}
    assert decompose(before.clear(), after, []).item(0, "new") == Decimal("0.21")


def test_a_cost_from_or_to_zero_belongs_to_the_first_factor_that_is_zero() -> None:
    full = {"runs": 5, "minutes": 50, "compute": 500}
    cases: dict[str, dict[str, Any]] = {
        "runs": {"runs": 0, "minutes": 3, "compute": 0},
        "minutes_per_run": {"runs": 5, "minutes": 0, "compute": 0},
        "credits_per_minute": {"runs": 5, "minutes": 50, "compute": 0, "resource_class": "acme/runner"},
        "price": {**full, "price": Decimal(0)},
    }
    for driver, empty in cases.items():
        assert effects(only(period(empty), period(full))) == {driver: Decimal("0.3")}
        assert effects(only(period(full), period(empty))) == {driver: Decimal("-0.3")}


def test_without_runs_or_minutes_the_other_of_them_stands_for_both() -> None:
    no_minutes = only(
        period({"runs": 2, "minutes": 0, "compute": 10}), period({"runs": 4, "minutes": 0, "compute": 20})
    )
    assert effects(no_minutes) == {"runs": Decimal("0.006")}
    no_runs = only(period({"runs": 0, "minutes": 2, "compute": 10}), period({"runs": 0, "minutes": 4, "compute": 20}))
    assert effects(no_runs) == {"runs": Decimal("0.006")}
    neither = only(period({"runs": 0, "minutes": 0, "compute": 10}), period({"runs": 0, "minutes": 0, "compute": 20}))
    assert effects(neither) == {"other": Decimal("0.006")}


def test_charge_types_without_minutes_are_drivers_and_their_price_is_price() -> None:
    before = period({"compute": 100, "dlc": 200, "user": 25_000, "storage": 7})
    after = period({"compute": 100, "dlc": 400, "user": 25_000, "network": 3, "storage": 7})
    assert effects(only(before, after)) == {"dlc": Decimal("0.12"), "network": Decimal("0.0018")}
    dearer = period({"compute": 100, "dlc": 200, "user": 25_000, "storage": 7, "price": Decimal("0.0012")})
    row = only(before, dearer)
    assert effects(row) == {"price": row["change_usd"]}


def test_negative_credits_belong_to_their_charge_type_and_negative_compute_to_other() -> None:
    row = only(period({"compute": 10, "other": -5}), period({"compute": -4, "other": -9}))
    assert effects(row) == {"other": Decimal("-0.0108")}


def test_cost_that_no_charge_type_names_is_other() -> None:
    before, after = period({"compute": 100}), period({"compute": 100})
    more = after.with_columns(cost_usd=pl.col("cost_usd") + Decimal("0.5"))
    assert effects(only(before, more)) == {"other": Decimal("0.5")}


def test_a_job_with_unpriced_credits_is_not_taken_apart_and_never_zero_dollars() -> None:
    before = period({"compute": 100}, {"job": "lint", "compute": 10})
    after = period(
        {"compute": 100}, {"compute": 50, "price": None}, {"job": "lint", "runs": 2, "minutes": 2, "compute": 20}
    )
    after = after.with_columns(cost_usd=pl.when(pl.col("credits") == 100).then(Decimal("0.07")).otherwise("cost_usd"))
    rows = {row["job"]: row for row in decompose(before, after, ["job"]).to_dicts()}
    assert effects(rows["test"]) == {"unpriced": Decimal("0.01")}
    assert (rows["test"]["unpriced_credits_before"], rows["test"]["unpriced_credits_after"]) == (0.0, 50.0)
    assert effects(rows["lint"]) == {"runs": Decimal("0.006")}


def test_null_costs_without_credits_are_not_unpriced() -> None:
    row = only(period({"compute": 10}, {"compute": 0, "price": None}), period({"runs": 4, "minutes": 4, "compute": 20}))
    assert effects(row) == {"runs": Decimal("0.006")}


def test_null_names_are_a_name_like_any_other() -> None:
    row = only(period({"job": None, "compute": 10}), period({"job": None, "compute": 20}))
    assert effects(row) == {"credits_per_minute": Decimal("0.006")}


def test_frames_without_charge_types_are_decomposed_by_their_total() -> None:
    sides = (period({"compute": 10}, charges=False), period({"compute": 20}, charges=False))
    assert effects(only(*sides)) == {"credits_per_minute": Decimal("0.006")}
    before, after = (side.select("project", "runs", "run_seconds", "credits", "cost_usd") for side in sides)
    assert effects(only(before, after, ["project"])) == {"credits_per_minute": Decimal("0.006")}


def test_without_groups_there_is_one_row_even_of_nothing() -> None:
    empty = period()
    decomposed = decompose(empty, empty, [])
    assert decomposed.schema == EFFECT_SCHEMA
    assert decomposed.select("before_usd", "after_usd", "change_usd").row(0) == (Decimal(0),) * 3
    assert decompose(empty, empty, ["job"]).is_empty()


def test_missing_columns_and_names_of_the_result_are_refused_in_a_sentence() -> None:
    rows = period({"compute": 1})
    with pytest.raises(UsageError, match="The frame 'before' has no column 'team'; there are: cost_center, "):
        decompose(rows, rows, ["team"])
    with pytest.raises(UsageError, match="The frame 'after' has no column 'credits'"):
        decompose(rows, rows.drop("credits"), ["job"])
    with pytest.raises(UsageError, match="No group can be called 'runs'"):
        decompose(rows, rows, ["runs"])


def test_contributors_are_ranked_by_their_change_and_name_their_driver() -> None:
    before = period({"job": "a", "compute": 100}, {"job": "b", "compute": 100}, {"job": "c", "compute": 5})
    after = period(
        {"job": "a", "runs": 3, "minutes": 3, "compute": 290}, {"job": "b", "compute": 90}, {"job": "c", "compute": 5}
    )
    rows = contributors(decompose(before, after, ["job"]))
    assert rows.select("rank", "job", "driver", "share").rows() == [
        (1, "a", "runs", Decimal("1.055556")),
        (2, "b", "credits_per_minute", Decimal("-0.055556")),
    ]
    assert contributors(decompose(before, after, ["job"]), 1).get_column("job").to_list() == ["a"]
    assert contributors(decompose(before, before, ["job"])).is_empty()


def test_seats_are_moved_off_the_job_that_they_are_booked_on() -> None:
    before = period({"compute": 10}, {"compute": 5, "job": "lint", "user": 25_000})
    after = period({"compute": 10, "user": 50_000}, {"compute": 5, "job": "lint"})
    apart = (seats_apart(before), seats_apart(after))
    rows = {row["job"]: effects(row) for row in decompose(*apart, ["organization", *JOB]).to_dicts()}
    assert rows == {SEATS: {"user": Decimal(15)}, "test": {}, "lint": {}}
    for name in ("runs", "credits", "cost_usd", "user_cost_usd"):
        assert [side[name].sum() for side in apart] == [before[name].sum(), after[name].sum()]
