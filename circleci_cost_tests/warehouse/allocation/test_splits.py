"""Splits of shared cost on real tables: methods, telemetry, users, groups and fallbacks, exact to the last digit."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.warehouse.allocation.allocated_costs import Fallback, allocate
from circleci_cost_tests.warehouse.allocation.builders import (
    BY_PROJECT,
    PROJECT_ROWS,
    SHARED,
    credits_by_value,
    day,
    plan,
    run,
    selected,
    shared_split,
    team,
    warehouse,
)


def after_split(**more: object) -> dict[str, str]:
    connection, _ = run(PROJECT_ROWS, team(SHARED, BY_PROJECT, splits=[shared_split(**more)]))
    with connection:
        return credits_by_value(connection)


def test_a_split_moves_money_and_leaves_the_counts() -> None:
    connection, _ = run(
        PROJECT_ROWS, team(SHARED, BY_PROJECT, splits=[shared_split(method="proportional", name="platform")])
    )
    with connection:
        columns = "value, rule, source_value, split, share, jobs, runs, run_seconds, credits, cost_usd"
        assert selected(connection, columns, "project = 'infra'") == [
            ("api", "rule 1", "shared", "platform", Decimal("0.25"), 0, 0, 0, Decimal(10), Decimal("0.006")),
            ("shared", "rule 1", "shared", "platform", Decimal(0), 1, 5, 99, Decimal(0), Decimal(0)),
            ("web", "rule 1", "shared", "platform", Decimal("0.75"), 0, 0, 0, Decimal(30), Decimal("0.018")),
        ]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"method": "even"}, {"api": "120", "web": "320"}),
        ({"method": "even", "among": ["web", "mobile"]}, {"api": "100", "mobile": "20", "web": "320"}),
        ({"method": "fixed", "shares": {"web": "0.1", "api": "0.9"}}, {"api": "136", "web": "304"}),
        ({"method": "proportional"}, {"api": "110", "web": "330"}),
        ({"method": "telemetry", "by": "runs"}, {"api": "136", "web": "304"}),
        ({"method": "telemetry", "by": "minutes"}, {"api": "110", "web": "330"}),
    ],
)
def test_each_method_of_a_split(method: dict[str, object], expected: dict[str, str]) -> None:
    assert after_split(**method) == expected


def test_thirds_add_up_to_the_last_digit() -> None:
    rows = [{"project": name, "compute": 1} for name in ("a", "b", "c")] + [{"project": "infra", "compute": "100"}]
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[shared_split(method="even")]))
    with connection:
        parts_of_shared = selected(
            connection, "value, share, credits, cost_usd", "source_value = 'shared' AND share > 0"
        )
    assert parts_of_shared == [
        ("a", Decimal("0.333333333334"), Decimal("33.333333"), Decimal("0.0200000000000400")),
        ("b", Decimal("0.333333333333"), Decimal("33.333334"), Decimal("0.0199999999999800")),
        ("c", Decimal("0.333333333333"), Decimal("33.333333"), Decimal("0.0199999999999800")),
    ]
    assert sum(row[3] for row in parts_of_shared) == Decimal("0.06")


@pytest.mark.parametrize(
    ("units", "parts"),
    [
        ({"web": 1, "api": 1, "infra": 1}, {"api": 1, "web": 0}),  # a half goes away from zero
        ({"web": 1, "api": 1, "infra": 3}, {"api": 2, "web": 1}),
        ({"web": 1, "api": 1, "infra": -3}, {"api": -2, "web": -1}),
        ({"web": 3, "api": 1, "infra": 1}, {"api": 0, "web": 1}),  # less than a half is nothing
        ({"web": 3, "api": 1, "infra": 3}, {"api": 1, "web": 2}),  # more is one
        ({"web": 1, "api": 1, "job": 1, "infra": 5}, {"api": 2, "job": 1, "web": 2}),  # what the sums up to each leave
    ],
)
def test_the_last_digit_of_a_part_is_rounded_half_up_and_nothing_is_lost(
    units: dict[str, int], parts: dict[str, int]
) -> None:
    """Amounts of so many last digits: credits have 6 decimals, US dollars 16."""
    credit, cost = Decimal("0.000001"), Decimal("1e-16")
    price = Decimal("1e-10")
    rows = [{"project": name, "compute": amount * credit, "price": price} for name, amount in units.items()]
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[shared_split(method="proportional")]))
    with connection:
        parts_of_shared = selected(connection, "value, credits, cost_usd", "source_value = 'shared' AND share > 0")
    assert parts_of_shared == [(name, amount * credit, amount * cost) for name, amount in sorted(parts.items())]


def test_the_units_that_shares_leave_over_go_to_the_largest_remainders() -> None:
    """One seventh goes on with a 1 after twelve decimals, five sevenths with a 7."""
    rows = [{"project": name, "compute": weight} for name, weight in (("a", 1), ("b", 1), ("c", 5), ("infra", 7))]
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[shared_split(method="proportional")]))
    with connection:
        assert selected(connection, "value, share, share_until", "source_value = 'shared' AND share > 0") == [
            ("a", Decimal("0.142857142857"), Decimal("0.142857142857")),
            ("b", Decimal("0.142857142857"), Decimal("0.285714285714")),
            ("c", Decimal("0.714285714286"), Decimal("1")),
        ]


def test_seats_alone_are_split_by_a_split_of_their_own() -> None:
    rows = [*PROJECT_ROWS, {"project": "infra", "job": "seats", "user": "1000"}]
    split_seats = shared_split(method="even", charge_types=["user"])
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[split_seats]))
    with connection:
        assert credits_by_value(connection) == {"api": "600", "shared": "40", "web": "800"}


def test_within_keeps_the_weights_of_each_cost_center_apart() -> None:
    rows = [
        {"cost_center": "acme", "project": "web", "compute": "10"},
        {"cost_center": "acme", "project": "infra", "compute": "8"},
        {"cost_center": "globex", "project": "api", "compute": "30"},
        {"cost_center": "globex", "project": "infra", "compute": "4"},
    ]
    apart = shared_split(method="proportional", within="cost_center")
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[apart]))
    with connection:
        assert credits_by_value(connection) == {"api": "34", "web": "18"}
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[shared_split(method="proportional")]))
    with connection:
        assert credits_by_value(connection) == {"api": "39", "web": "13"}


def test_credits_weigh_on_days_that_are_not_wholly_priced() -> None:
    rows: list[dict[str, Any]] = [
        {"project": "web", "compute": "30", "price": None},
        {"project": "api", "compute": "10"},
        {"project": "infra", "compute": "40"},
    ]
    connection, _ = run(rows, team(SHARED, BY_PROJECT, splits=[shared_split(method="proportional")]))
    with connection:
        assert credits_by_value(connection) == {"api": "20", "web": "60"}
        assert selected(connection, "value, cost_usd", "project = 'web'") == [("web", None)]


USAGE = "date,key,amount\n2026-01-01,web,0.5\n2026-01-01,api,1.5\n2026-01-02,web,0\n"


def test_a_telemetry_file_weighs_by_its_amounts_and_a_day_without_any_falls_back_and_is_reported(
    tmp_path: Path,
) -> None:
    (tmp_path / "usage.csv").write_text(USAGE)
    rows = [{**row, "date": day(number)} for row in PROJECT_ROWS for number in (1, 2, 3)]
    by_file = shared_split(method="telemetry", file="usage.csv")
    by_fallback = {}
    for fallback in ("proportional", "even", "previous", "keep"):
        tag = team(SHARED, BY_PROJECT, splits=[{**by_file, "fallback": fallback}])
        connection, result = run(rows, tag, folder=tmp_path)
        with connection:
            by_fallback[fallback] = credits_by_value(connection)
        (reported,) = result.tags[0].fallbacks
        assert reported == Fallback("shared by usage.csv", fallback, (day(2), day(3)))
    assert by_fallback == {
        "proportional": {"api": "350", "web": "970"},
        "even": {"api": "370", "web": "950"},
        "previous": {"api": "390", "web": "930"},
        "keep": {"api": "330", "shared": "80", "web": "910"},
    }
    assert str(reported) == (
        "split 'shared by usage.csv' has no amounts on 2026-01-02 to 2026-01-03; its cost stays where it is"
    )


def test_a_parquet_file_weighs_like_the_same_csv_file(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"date": [day(1)] * 2, "key": ["web", "api"], "amount": [Decimal("0.500"), Decimal("1.500")]},
        schema_overrides={"amount": pl.Decimal(10, 3)},
    )
    frame.write_parquet(tmp_path / "usage.parquet")
    (tmp_path / "usage.csv").write_text(USAGE)
    by_file = []
    for name in ("usage.csv", "usage.parquet"):
        tag = team(SHARED, BY_PROJECT, splits=[shared_split(method="telemetry", file=name)])
        connection, _ = run(PROJECT_ROWS, tag, folder=tmp_path)
        with connection:
            by_file.append(credits_by_value(connection))
    assert by_file == [{"api": "130", "web": "310"}] * 2


def test_a_split_without_any_weight_keeps_its_cost_at_the_source_and_says_so() -> None:
    rows = [{"project": "infra", "compute": "40"}]
    connection, result = run(rows, team(SHARED, splits=[shared_split(method="proportional")]))
    with connection:
        assert credits_by_value(connection) == {"shared": "40"}
    assert result.tags[0].fallbacks == (Fallback("shared by proportional", "keep", (day(1),)),)


def test_users_are_counted_once_per_day_from_the_job_runs(tmp_path: Path) -> None:
    runs = [
        ("web", "ann"),
        ("web", "ann"),
        ("web", "bob"),
        ("web", "eve"),
        ("api", "ann"),
        ("api", None),
        ("infra", "x"),
    ]
    frame = pl.DataFrame(
        {
            "cost_center": "acme",
            "job_run_date": day(1),
            "organization_id": "id of acme",
            "project_id": [f"id of {project}" for project, _ in runs],
            "project_name": "a former name",
            "workflow_name": "build",
            "pipeline_trigger_user_id": [user for _, user in runs],
        }
    )
    frame.write_parquet(tmp_path / "data.parquet")
    allocation_plan = plan(
        team(
            {"value": "shared", "where": {"project": "infra", "workflow": "build"}},
            BY_PROJECT,
            splits=[shared_split(method="telemetry", by="users")],
        )
    )
    with warehouse(PROJECT_ROWS) as connection:
        result = allocate(connection, allocation_plan, lambda: [str(tmp_path / "data.parquet")])
        assert credits_by_value(connection) == {"api": "110", "web": "330"}
    assert result.tags[0].fallbacks == ()


def test_job_runs_are_not_asked_for_unless_a_split_counts_users() -> None:
    def fail() -> list[str]:
        raise AssertionError("the job runs were asked for")

    with warehouse(PROJECT_ROWS) as connection:
        allocate(connection, plan(team(SHARED, splits=[shared_split(method="even")])), fail)


def test_users_are_found_by_every_dimension_that_a_rule_may_ask_for(tmp_path: Path) -> None:
    columns = {
        "workflow_name": "build",
        "job_name": "test",
        "vcs_branch": None,
        "resource_class": "medium",
        "executor": None,
        "operating_system": None,
        "pipeline_trigger_source": None,
        "job_build_status": None,
    }
    projects = ("web", "api")
    pl.DataFrame(
        {
            "cost_center": "acme",
            "job_run_date": day(1),
            "organization_id": "id of acme",
            "project_id": [f"id of {name}" for name in projects],
            **columns,
            "pipeline_trigger_user_id": ["ann", "bob"],
        }
    ).write_parquet(tmp_path / "data.parquet")
    everything = {
        "cost_center": "acme",
        "organization": "acme",
        "organization_id": "id of acme",
        "project_id": {"not": "nobody's"},
        "workflow": "build",
        "job": "test",
        "branch": "(none)",
        "resource_class": "medium",
        "executor": "(none)",
        "operating_system": "(none)",
        "trigger_source": "(none)",
        "build_status": "(none)",
        "charge_type": "compute",
    }
    rules = [SHARED, *({"value": name, "where": {**everything, "project": name}} for name in projects)]
    users = shared_split(method="telemetry", by="users", within="organization")
    with warehouse(PROJECT_ROWS) as connection:
        result = allocate(connection, plan(team(*rules, splits=[users])), lambda: [str(tmp_path / "data.parquet")])
        assert credits_by_value(connection) == {"api": "120", "web": "320"}
    assert result.tags[0].fallbacks == ()


def test_where_nothing_has_a_value_the_cost_of_the_default_can_be_split_too() -> None:
    default = {"value": "unallocated", "method": "fixed", "shares": {"everyone": "1"}}
    connection, result = run(PROJECT_ROWS, team(splits=[default]))
    with connection:
        assert credits_by_value(connection) == {"everyone": "440"}
    assert result.tags[0].coverage == 1
