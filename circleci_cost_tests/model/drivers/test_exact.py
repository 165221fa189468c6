"""The effects add up to the change to the last digit, whatever happens: against sums that polars has no part in."""

from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from circleci_cost.model.drivers.baseline import scaled
from circleci_cost.model.drivers.decomposition import decompose
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.seats import seats_apart
from circleci_cost_tests.model.drivers.builders import changes_by, exact_sum, period

_credits = st.one_of(
    st.just(Decimal(0)),
    st.decimals(min_value=0, max_value=10**7, places=6),
    st.integers(min_value=0, max_value=1000).map(Decimal),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "project": st.sampled_from(["web", "api", None]),
            "workflow": st.sampled_from(["build", "nightly"]),
            "job": st.sampled_from(["test", "lint", None]),
            "resource_class": st.sampled_from(["small", "large", None]),
            "executor": st.sampled_from(["docker", "machine"]),
            "branch": st.sampled_from(["main", "dev"]),
            "runs": st.integers(min_value=0, max_value=50),
            "minutes": st.sampled_from([0, 0.5, 1, 7, 61.25]),
            "compute": _credits,
            "dlc": _credits,
            "user": st.sampled_from([0, 0, 25_000]),
            "other": st.one_of(st.just(Decimal(0)), st.decimals(min_value=-100, max_value=100, places=6)),
            "price": st.sampled_from([Decimal("0.0006"), Decimal("0.0005512345"), Decimal(0), None]),
        }
    ),
    max_size=12,
)
BY = st.lists(st.sampled_from(["project", "workflow", "job", "resource_class", "branch"]), unique=True, max_size=4)


@settings(max_examples=100, deadline=None)
@given(before=ROWS, after=ROWS, by=BY, charges=st.booleans())
def test_the_effects_add_up_to_the_change_in_every_row_and_in_total(
    before: list[dict[str, Any]], after: list[dict[str, Any]], by: list[str], charges: bool
) -> None:
    sides = (period(*before, charges=charges), period(*after, charges=charges))
    decomposed = decompose(*sides, by)
    for row in decomposed.to_dicts():
        assert exact_sum(row[name] for name in DRIVERS) == row["change_usd"] == row["after_usd"] - row["before_usd"]
    expected = changes_by(*sides, by)
    changes = {tuple(row[name] for name in by): row["change_usd"] for row in decomposed.to_dicts()}
    assert changes == (expected if by else {(): exact_sum(expected.values())})


@settings(max_examples=50, deadline=None)
@given(before=ROWS, after=ROWS, levels=st.integers(min_value=0, max_value=2))
def test_the_effects_of_all_groups_are_those_of_the_whole(
    before: list[dict[str, Any]], after: list[dict[str, Any]], levels: int
) -> None:
    sides = (period(*before), period(*after))
    whole = decompose(*sides, []).select(DRIVERS).row(0)
    groups = decompose(*sides, ["project", "workflow", "job"][: levels + 1])
    assert tuple(exact_sum(groups.get_column(name).to_list()) for name in DRIVERS) == whole


@settings(max_examples=50, deadline=None)
@given(data=st.data(), before=ROWS, after=ROWS)
def test_the_order_of_the_rows_does_not_matter(
    data: st.DataObject, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    expected = decompose(period(*before), period(*after), ["project", "job"])
    first, last = (period(*data.draw(st.permutations(rows))) for rows in (before, after))
    assert_frame_equal(decompose(first, last, ["project", "job"]), expected)


@settings(max_examples=50, deadline=None)
@given(rows=ROWS, divisor=st.sampled_from([1, 3, 12, 28, 870]))
def test_scaling_and_moving_seats_keep_sums_exact(rows: list[dict[str, Any]], divisor: int) -> None:
    frame = period(*rows)
    key = ["project", "workflow", "job", "resource_class", "executor", "branch"]
    divided = scaled(frame, divisor, key)
    unit = Decimal("0.0000000000000001")
    for name in ("compute_cost_usd", "dlc_cost_usd", "other_cost_usd"):
        whole, part = (exact_sum(side.get_column(name).to_list()) for side in (frame, divided))
        assert abs(whole - part * divisor) <= unit * divisor
    apart = seats_apart(divided)
    assert exact_sum(apart["cost_usd"].to_list()) == exact_sum(divided["cost_usd"].to_list())
    change = decompose(seats_apart(divided), seats_apart(frame), []).item(0, "change_usd")
    assert change == exact_sum(changes_by(divided, frame, []).values())


def test_ten_thousand_random_cases_are_exact() -> None:
    import numpy as np

    from circleci_cost_tests.benchmarks.drivers import random_rows

    draw = np.random.default_rng(4)
    before, after = (random_rows(draw, 10_000, 80_000) for _ in range(2))
    decomposed = decompose(before, after, ["project"])
    expected = changes_by(before.select("project", "cost_usd"), after.select("project", "cost_usd"), ["project"])
    assert decomposed.height == len(expected)
    wrong = [
        row[0]
        for row in decomposed.select("project", "change_usd", *DRIVERS).iter_rows()
        if not exact_sum(row[2:]) == row[1] == expected[(row[0],)]
    ]
    assert wrong == []
    assert decomposed.select(pl.col(DRIVERS).abs().sum() > 0).row(0).count(True) >= 9
