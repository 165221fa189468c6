"""The published list of values: what a filter may ask for, without reading the costs themselves."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.dimensions import DIMENSIONS, IDS
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.core.cost_rows import largest_values, values_of
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost_tests.warehouse.allocation.builders import BY_PROJECT, day, plan, warehouse
from circleci_cost_tests.warehouse_tables import edit_generation, publish_tables

AT = datetime(2026, 1, 9, tzinfo=UTC)
NO_RESTATEMENTS = pl.DataFrame(schema=restatements.SCHEMA)
TAGS = ("team", "stage")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    rows: list[dict[str, Any]] = [
        {"project": "web", "branch": "main", "compute": "300", "date": day(1)},
        {"project": "web", "branch": "main", "compute": "300", "date": day(4)},
        {"project": "api", "compute": "100", "lease_overage": "7", "price": None, "date": day(2)},
        {"project": "Ünüsual, 'quoted'", "date": day(3)},
    ]
    with warehouse(rows) as opened:
        stage = {"name": "stage", "rules": [{"value": "live", "where": {"branch": "main"}}]}
        allocate(opened, plan({"name": "team", "rules": [BY_PROJECT]}, stage))
        yield opened


def published(connection: duckdb.DuckDBPyConnection, lake: Lake, fence: Callable[[], object] = list) -> Generation:
    return publish_tables(connection, lake, NO_RESTATEMENTS, AT, fence=fence)


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def test_a_generation_knows_the_values_that_its_costs_have(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    names = (*DIMENSIONS, *IDS, *TAGS)
    with published(connection, lake).connect() as generation:
        assert {name: values_of(generation, name) for name in names} == {
            name: values_of(connection, name) for name in names
        }
        for source in (generation, connection):
            assert values_of(source, "project", ["web", "api", "none such"]) == ["api", "web"]
            assert values_of(source, "team", []) == []
            assert values_of(source, "charge_type", ["user", "gold"]) == ["user"]


def test_each_value_has_the_first_and_the_last_of_its_days_and_its_credits(
    connection: duckdb.DuckDBPyConnection, lake: Lake
) -> None:
    query = "SELECT * FROM dimension_values WHERE dimension IN ('branch', 'stage')"
    with published(connection, lake).connect() as generation:
        # In the order of dimensions and values: readers find those of one dimension together.
        assert generation.execute(query).fetchall() == [
            ("branch", "(none)", day(2), day(3), Decimal(107)),
            ("branch", "main", day(1), day(4), Decimal(600)),
            ("stage", "live", day(1), day(4), Decimal(600)),
            ("stage", "unallocated", day(2), day(3), Decimal(107)),
        ]


def test_the_values_are_ranked_by_their_credits(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    with published(connection, lake).connect() as generation:
        assert largest_values(generation, "project", 2) == ["web", "api"]
        assert largest_values(generation, "stage", 9) == ["live", "unallocated"]
    assert largest_values(connection, "project", 2) is None


def test_the_warehouse_keeps_no_list_that_would_fall_behind_its_costs(
    connection: duckdb.DuckDBPyConnection, lake: Lake
) -> None:
    def refuse() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        published(connection, lake, refuse)
    assert "dimension_values" not in tables(connection)
    published(connection, lake)
    assert "dimension_values" not in tables(connection)
    connection.execute("UPDATE daily_costs SET branch = 'release' WHERE branch = 'main'")
    assert values_of(connection, "branch") == ["(none)", "release"]
    with published(connection, lake).connect() as generation:
        assert values_of(generation, "branch") == ["(none)", "release"]


def test_a_generation_that_an_earlier_version_published_without_the_list_is_searched(
    connection: duckdb.DuckDBPyConnection, lake: Lake
) -> None:
    generation = published(connection, lake)
    with edit_generation(generation) as earlier:
        earlier.execute("DROP TABLE dimension_values")
    with generation.connect() as opened:
        assert values_of(opened, "project") == ["api", "web", "Ünüsual, 'quoted'"]
        assert values_of(opened, "stage") == ["live", "unallocated"]
