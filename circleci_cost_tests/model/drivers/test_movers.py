"""Groups that moved: which are new, gone, up or down; their changes and drivers add up, whatever happens."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings

from circleci_cost.model.drivers.decomposition import contributors, decompose
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.movers import MOVEMENT, Moved, Movement, moved, with_movement
from circleci_cost_tests.model.drivers.builders import exact_sum, period
from circleci_cost_tests.model.drivers.test_exact import BY, ROWS


def test_each_group_moves_in_one_of_four_ways() -> None:
    before = period({"job": "gone"}, {"job": "up", "compute": 1}, {"job": "down", "compute": 9}, {"job": "same"})
    after = period({"job": "new", "compute": 5}, {"job": "up", "compute": 4}, {"job": "down", "compute": 2})
    rows = contributors(decompose(before, after, ["job"]))
    movements = dict(with_movement(rows).select("job", MOVEMENT).iter_rows())
    # `gone` and `same` cost nothing: there is no change to tell.
    assert movements == {"new": "new", "up": "up", "down": "down"}
    assert moved(rows) == [
        Moved(Movement.NEW, 1, Decimal("0.003")),
        Moved(Movement.UP, 1, Decimal("0.0018")),
        Moved(Movement.DOWN, 1, Decimal("-0.0042")),
    ]


def test_a_group_that_ran_for_nothing_before_is_not_new_and_one_without_a_price_is_not_gone() -> None:
    before = period({"job": "free", "compute": 0, "runs": 3}, {"job": "unpriced", "compute": 5})
    after = period({"job": "free", "compute": 7}, {"job": "unpriced", "compute": 5, "price": None})
    movements = dict(with_movement(contributors(decompose(before, after, ["job"]))).select("job", MOVEMENT).iter_rows())
    assert movements == {"free": "up", "unpriced": "down"}


@settings(max_examples=60, deadline=None)
@given(before=ROWS, after=ROWS, by=BY)
def test_movements_add_up_to_the_whole_change_and_each_group_to_its_own(
    before: list[dict[str, Any]], after: list[dict[str, Any]], by: list[str]
) -> None:
    sides = (period(*before), period(*after))
    rows = contributors(decompose(*sides, by))
    whole = decompose(*sides, []).item(0, "change_usd")
    assert exact_sum(each.change_usd for each in moved(rows)) == whole
    assert sum(each.groups for each in moved(rows)) == rows.height
    for row in with_movement(rows).to_dicts():
        assert exact_sum(row[name] for name in DRIVERS) == row["change_usd"]
        if row[MOVEMENT] == "new":
            assert row["before_usd"] == 0
        if row[MOVEMENT] == "gone":
            assert row["after_usd"] == 0
