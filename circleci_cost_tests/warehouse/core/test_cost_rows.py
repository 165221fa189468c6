"""Which rows answer a question: whatever the view, the same question has the same sums."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from circleci_cost.model.usage.conditions import among
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import CostRows, make_view, rows_for, values_of
from circleci_cost_tests.warehouse.allocation.builders import BY_PROJECT, plan, warehouse

ROWS: list[dict[str, Any]] = [
    {"project": "web", "branch": "main", "compute": "300", "user": "0.000001", "jobs": 2},
    {"project": "api", "compute": "100", "lease_overage": "7", "price": None},
    {"project": "idle"},
]
STAGE = {"name": "stage", "rules": [{"value": "live", "where": {"branch": "main"}}]}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(ROWS) as opened:
        allocate(opened, plan({"name": "team", "rules": [BY_PROJECT]}, STAGE))
        yield opened


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ((), CostRows("series_daily")),
        (("project", "organization_id"), CostRows("series_daily")),
        (("project", "charge_type"), CostRows("series_charges")),
        (("charge_type", "team"), CostRows("series_allocated", ("team",))),
        (("team", "branch", "stage", "team"), CostRows("series_allocated_2", ("team", "stage"))),
    ],
)
def test_the_coarsest_rows_that_answer_a_question_have_the_same_sums(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], rows: CostRows
) -> None:
    chosen = rows_for(names)
    assert chosen == rows
    make_view(connection, chosen)
    parameters = Parameters()
    held = chosen.holding(among({"project": ["web", "api"], **dict.fromkeys(chosen.tags, ())}), parameters)
    query = f"SELECT sum(credits), sum(cost_usd), sum(seat_credits) FROM {chosen.view} WHERE tag = $tag AND {held}"
    sums = connection.execute(query, {"tag": chosen.tag, **parameters.values}).fetchall()
    assert sums == [(Decimal("407.000001"), Decimal("0.1800000006"), Decimal("0.000001"))]


def test_a_tag_is_asked_for_by_its_own_column(connection: duckdb.DuckDBPyConnection) -> None:
    rows = rows_for(["stage", "team"])
    make_view(connection, rows)
    parameters = Parameters()
    held = rows.holding(among({"stage": ["live"], "team": ["web", "api"]}), parameters)
    query = (
        f"SELECT {rows.column('stage')}, {rows.column('team')}, sum(jobs) FROM {rows.view} WHERE tag = $tag AND {held}"
    )
    counts = connection.execute(f"{query} GROUP BY ALL", {"tag": rows.tag, **parameters.values}).fetchall()
    assert counts == [("live", "web", 2)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("project", ["api", "idle", "web"]),
        ("project_id", ["id of api", "id of idle", "id of web"]),
        ("branch", ["(none)", "main"]),
        ("team", ["api", "idle", "web"]),
        ("stage", ["live", "unallocated"]),
    ],
)
def test_all_values_of_a_name_are_known_also_those_that_cost_nothing(
    connection: duckdb.DuckDBPyConnection, name: str, values: list[str]
) -> None:
    assert values_of(connection, name) == values
