"""What each value of a tag cost: own and shared cost apart, and together the report's figure."""

from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.report import Amount
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.allocation.explain import explain
from circleci_cost.warehouse.allocation.value_costs import value_costs
from circleci_cost_tests.warehouse.allocation.builders import (
    BY_PROJECT,
    DAY,
    PRICE,
    PROJECT_ROWS,
    SHARED,
    day,
    plan,
    warehouse,
)

TAG = {
    "name": "team",
    "rules": [SHARED, BY_PROJECT],
    "splits": [{"value": "shared", "method": "fixed", "shares": {"web": "0.75", "api": "0.25"}}],
}


def test_shared_cost_stands_apart_from_a_values_own_and_both_make_its_figure() -> None:
    connection = warehouse([*PROJECT_ROWS, {"project": "api", "date": day(2), "compute": "7"}])
    allocate(connection, plan(TAG))
    web, api, shared = value_costs(connection, "team", DayRange(DAY, DAY))
    assert (web.value, web.direct.cost, web.shared.cost) == ("web", 300 * PRICE, 30 * PRICE)
    assert (api.value, api.direct.cost, api.shared.cost) == ("api", 100 * PRICE, 10 * PRICE)
    assert web.amount.cost == 330 * PRICE and web.amount.runs == 1
    assert (shared.value, shared.amount.cost, shared.amount.runs) == ("shared", Decimal(0), 5)
    assert [each.is_split for each in (web, api, shared)] == [False, False, True]


def test_own_and_shared_cost_are_the_origins_that_explain_them() -> None:
    connection = warehouse(PROJECT_ROWS)
    allocate(connection, plan(TAG))
    days = DayRange(DAY, DAY)
    origins = explain(connection, "team", days)
    for cost in value_costs(connection, "team", days):
        parts = [origin for origin in origins if origin.value == cost.value]
        for amount, is_shared in ((cost.direct, False), (cost.shared, True)):
            assert amount.cost == sum(
                (o.amount.cost or 0 for o in parts if (o.split is not None) == is_shared), Decimal(0)
            )


def test_a_value_without_any_price_has_no_cost_also_where_nothing_was_shared_with_it() -> None:
    rows = [{**row, "price": None} for row in PROJECT_ROWS if row["project"] != "infra"]
    connection = warehouse(rows)
    allocate(connection, plan(TAG))
    web = value_costs(connection, "team", DayRange(DAY, DAY))[0]
    assert isinstance(web.amount, Amount)
    assert (web.value, web.amount.cost, web.amount.unpriced_credits) == ("web", None, Decimal(300))


def test_days_without_costs_give_no_values() -> None:
    connection = warehouse(PROJECT_ROWS)
    allocate(connection, plan(TAG))
    assert value_costs(connection, "team", DayRange(day(5), day(6))) == []
