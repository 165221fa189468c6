"""Ranking, limits and the sum of the rest, done in SQL: what a Python oracle says over any costs, tags and splits."""

import itertools
import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.reporting.report import REST, Granularity, Order, Question, add_up
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost_tests.warehouse.allocation.builders import BY_PROJECT, DAY, SHARED, plan, warehouse
from circleci_cost_tests.warehouse.reporting.builders import arranged, ask

_EXAMPLES = 400 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 6
CREDITS = st.sampled_from([Decimal(0), Decimal(1), Decimal(3), Decimal("0.000001"), Decimal("99999.123456")])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.integers(0, 40).map(lambda days: DAY + timedelta(days=days)),
            "project": st.sampled_from(("web", "api", "shop", "infra", "été")),
            "branch": st.sampled_from((None, "main", "dev")),
            "compute": CREDITS,
            "user": CREDITS,
            "price": st.sampled_from([Decimal("0.0006"), Decimal("0.0123456789"), None]),
            "jobs": st.integers(1, 3),
            "runs": st.integers(0, 3),
            "run_seconds": st.sampled_from([0, 7, 60]),
        }
    ),
    max_size=12,
)
TAGS = (
    {
        "name": "team",
        "rules": [SHARED, BY_PROJECT],
        "splits": [{"value": "shared", "method": "fixed", "shares": {"web": "0.333", "blue": "0.667"}}],
    },
    {"name": "stage", "rules": [{"value": "live", "where": {"branch": "main"}}]},
)
BY = st.lists(st.sampled_from(("project", "branch", "team", "stage", "charge_type")), max_size=3, unique=True).map(
    tuple
)
FILTERS = st.lists(
    st.builds(
        Filter,
        st.sampled_from(("project", "branch", "charge_type")),
        st.just(FilterOperator.CONTAINS),
        st.sampled_from((("E", "main"), ("o",))),
    ),
    max_size=1,
).map(tuple)


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(ROWS, BY, FILTERS, st.sampled_from((None, *Granularity)), st.integers(1, 4))
def test_every_order_and_limit_is_as_the_oracle_arranges_all_rows(
    rows: list[dict[str, Any]],
    by: tuple[str, ...],
    filters: tuple[Filter, ...],
    granularity: Granularity | None,
    limit: int,
) -> None:
    with warehouse({**row, "job": f"job {number}"} for number, row in enumerate(rows)) as connection:
        allocate(connection, plan(*TAGS))
        days = (DAY, DAY + timedelta(days=40))
        whole = ask(connection, Question(*days, by, filters, granularity))
        assert whole.total == add_up((row.amount for row in whole.rows), counted=not whole.question.splits_charge_types)
        for order, most in itertools.product(Order, (None, limit)):
            answer = ask(connection, Question(*days, by, filters, granularity, most, order))
            assert answer.rows == arranged(whole.rows, answer.question, order, most)
            assert answer.total == whole.total


def test_the_sum_of_the_rest_is_told_from_a_real_group_of_its_name() -> None:
    rows = [{"project": name, "compute": credits} for name, credits in ((REST, 30), ("web", 20), ("api", 10))]
    with warehouse(rows) as connection:
        limited = ask(connection, Question(DAY, DAY, ("project",), limit=2))
    assert [(*row.values, int(row.amount.credits), row.rest) for row in limited.rows] == [
        (REST, 30, False),
        ("web", 20, False),
        (REST, 10, True),
    ]


@pytest.mark.parametrize(
    ("order", "names"),
    [(Order.COST_PER_RUN, ["b", "a", "c"]), (Order.COST_PER_MINUTE, ["c", "a", "b"]), (Order.MINUTES, ["b", "a", "c"])],
)
def test_equal_ratios_are_ordered_by_credits_and_groups_without_one_come_last(order: Order, names: list[str]) -> None:
    rows = [
        {"project": "a", "compute": 3, "runs": 3, "run_seconds": 60},
        {"project": "b", "compute": 7, "runs": 7, "run_seconds": 600},
        {"project": "c", "compute": 9, "runs": 0, "run_seconds": 1},
    ]
    with warehouse(rows) as connection:
        assert [row.values[0] for row in ask(connection, Question(DAY, DAY, ("project",), order=order)).rows] == names


def test_groups_of_which_some_credits_have_no_price_come_last_by_a_ratio() -> None:
    rows = [
        {"project": "partly", "compute": 900, "runs": 1},
        {"project": "partly", "compute": 1, "runs": 1, "price": None},
        {"project": "wholly", "compute": 2, "runs": 1},
    ]
    with warehouse(rows) as connection:
        ordered = ask(connection, Question(DAY, DAY, ("project",), order=Order.COST_PER_RUN))
    assert [row.values for row in ordered.rows] == [("wholly",), ("partly",)]
