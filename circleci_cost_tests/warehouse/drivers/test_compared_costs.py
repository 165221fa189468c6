"""Costs of two periods from a real warehouse, and the rows of `anomaly_drivers`."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.drivers.decomposition import decompose
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.reporting.filters import parse_filters
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.drivers.compared_costs import Periods, read_costs
from circleci_cost.warehouse.drivers.examples import example_runs
from circleci_cost.warehouse.incidents.anomaly_drivers import SCHEMA, anomaly_drivers, write_anomaly_drivers
from circleci_cost_tests.model.drivers.builders import effects, exact_sum
from circleci_cost_tests.warehouse.allocation.builders import BY_PROJECT, PRICE, plan, shared_split, team
from circleci_cost_tests.warehouse.allocation.builders import warehouse as filled
from circleci_cost_tests.warehouse.budgets.builders import known

FIRST = date(2026, 3, 2)
WEEK = DayRange(FIRST, FIRST + timedelta(days=6))
DAYS = [FIRST + timedelta(days=number) for number in range(-28, 7)]


def every_day(**row: Any) -> list[dict[str, Any]]:
    """A row for each day of the baseline and of the week."""
    return [{"date": day, "compute": 100, "runs": 10, "run_seconds": 600} | row for day in DAYS]


def warehouse(
    rows: Iterable[Mapping[str, Any]], incomplete: Iterable[date] = (), centers: Iterable[str] = ("acme",)
) -> duckdb.DuckDBPyConnection:
    """These daily costs; all days are complete but those that are named."""
    connection = filled(rows)
    left_out = set(incomplete)
    known(connection, [day for day in DAYS if day not in left_out], centers)
    known(connection, sorted(left_out), centers, complete=False)
    return connection


def in_week(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return row | more if row["date"] >= FIRST else row


def test_the_baseline_is_four_weeks_scaled_to_one_and_sums_are_exact() -> None:
    rows = [row | {"compute": Decimal("0.000001") * (number + 1)} for number, row in enumerate(every_day())]
    costs = read_costs(warehouse(rows), Periods(WEEK), ["acme"])
    expected = exact_sum(row["compute"] * PRICE for row in rows[:28]) / 4
    assert exact_sum(costs.before["cost_usd"].to_list()) == expected
    assert exact_sum(costs.after["cost_usd"].to_list()) == exact_sum(row["compute"] * PRICE for row in rows[28:])
    assert (costs.before["runs"].sum(), costs.after["runs"].sum()) == (70, 70)
    assert (costs.is_partial, costs.last_days) == (False, {"acme": WEEK.last})


def test_a_class_change_is_explained_as_class_and_a_price_change_as_price() -> None:
    rows = [in_week(row, compute=200, resource_class="large") for row in every_day(job="build")]
    rows += [in_week(row, price=Decimal("0.0007")) for row in every_day(job="lint")]
    costs = read_costs(warehouse(rows), Periods(WEEK), ["acme"])
    by_job = {row["job"]: effects(row) for row in decompose(costs.before, costs.after, ["job"]).to_dicts()}
    assert by_job == {"build": {"credits_per_minute": Decimal("0.42")}, "lint": {"price": Decimal("0.07")}}


def test_a_stop_among_the_days_compared_with_is_left_out_and_named_and_sums_stay_exact() -> None:
    stop = FIRST - timedelta(days=12)
    rows = [row | {"compute": Decimal("0.000007") if row["date"] != stop else Decimal(0)} for row in every_day()]
    costs = read_costs(warehouse(rows), Periods(WEEK), ["acme"])
    assert costs.unusual == {"acme": [DayRange(stop, stop)]}
    assert not costs.is_partial
    assert exact_sum(costs.before["cost_usd"].to_list()) == 7 * Decimal("0.000007") * PRICE
    named = Periods(WEEK, DayRange(DAYS[0], FIRST - timedelta(days=1)))
    asked = read_costs(warehouse(rows), named, ["acme"])
    assert (asked.unusual, exact_sum(asked.before["cost_usd"].to_list())) == (
        {},
        Decimal(27) / 4 * Decimal("0.000007") * PRICE,
    )


def test_days_without_complete_data_are_left_out_of_both_periods_and_listed() -> None:
    incomplete = [FIRST, FIRST - timedelta(days=6)]
    costs = read_costs(warehouse(every_day(), incomplete), Periods(WEEK), ["acme"])
    assert costs.missing == {"acme": [DayRange(day, day) for day in sorted(incomplete)]}
    assert costs.is_partial
    assert decompose(costs.before, costs.after, []).item(0, "change_usd") == 0
    assert costs.after["cost_usd"].sum() == Decimal("0.36")


def test_days_with_unpriced_credits_are_left_out_and_never_zero_dollars() -> None:
    rows = [row | ({"price": None} if row["date"] == FIRST else {}) for row in every_day()]
    costs = read_costs(warehouse(rows), Periods(WEEK), ["acme"])
    assert (costs.missing, costs.unpriced) == ({}, {"acme": [DayRange(FIRST, FIRST)]})
    assert decompose(costs.before, costs.after, []).item(0, "change_usd") == 0


def test_another_period_is_scaled_to_as_many_days() -> None:
    against = DayRange(FIRST - timedelta(days=3), FIRST - timedelta(days=1))
    costs = read_costs(warehouse(every_day()), Periods(WEEK, against), ["acme"])
    assert costs.before["cost_usd"].sum() == costs.after["cost_usd"].sum() == Decimal("0.42")


def test_without_days_to_compare_there_is_a_sentence() -> None:
    connection = warehouse(every_day())
    with pytest.raises(UsageError, match="No cost center has complete and priced days both in 2026-06-01 to"):
        read_costs(connection, Periods(DayRange(date(2026, 6, 1), date(2026, 6, 2))), ["acme"])
    with pytest.raises(UsageError, match="and in 2020-01-01 to 2020-01-02"):
        read_costs(connection, Periods(WEEK, DayRange(date(2020, 1, 1), date(2020, 1, 2))), ["acme"])


def test_filters_and_finer_dimensions_are_those_of_a_report() -> None:
    rows = every_day(project="web", branch="main") + every_day(project="api", branch="dev", dlc=50)
    connection = warehouse(rows)
    web = read_costs(connection, Periods(WEEK, filters=parse_filters(["project=web"])), ["acme"])
    assert web.after["project"].unique().to_list() == ["web"]
    dlc = read_costs(connection, Periods(WEEK, filters=parse_filters(["charge_type=dlc"])), ["acme"])
    assert (dlc.after["cost_usd"].sum(), dlc.before["compute_credits"].sum()) == (Decimal("0.21"), 0)
    branches = read_costs(connection, Periods(WEEK, by=("branch",)), ["acme"])
    assert set(decompose(branches.before, branches.after, ["branch"])["branch"]) == {"main", "dev"}
    with pytest.raises(UsageError, match="No usage has the project 'wep'; did you mean 'web'"):
        read_costs(connection, Periods(WEEK, filters=parse_filters(["project=wep"])), ["acme"])


def test_charge_types_and_two_virtual_tags_are_refused() -> None:
    connection = warehouse(every_day())
    with pytest.raises(UsageError, match="leave charge_type out of --by"):
        read_costs(connection, Periods(WEEK, by=("charge_type",)), ["acme"])
    with pytest.raises(UsageError, match="one virtual tag at a time, not by team and stage"):
        read_costs(
            connection,
            Periods(WEEK, by=("team", "job"), filters=parse_filters(["stage=x"], ("team", "stage"))),
            ["acme"],
        )


def test_parts_of_a_split_take_their_share_of_the_runs() -> None:
    rows = [*every_day(project="web", compute=300), *every_day(project="api", compute=100)]
    rows += [in_week(row, compute=80, runs=20, run_seconds=1200) for row in every_day(project="infra", compute=40)]
    connection = warehouse(rows)
    rules: list[Mapping[str, Any]] = [{"value": "shared", "where": {"project": "infra"}}, BY_PROJECT]
    allocate(connection, plan(team(*rules, splits=[shared_split(method="proportional")])))
    costs = read_costs(connection, Periods(WEEK, by=("team",)), ["acme"])
    by_team = {row["team"]: row for row in decompose(costs.before, costs.after, ["team"]).to_dicts()}
    assert by_team["web"]["change_usd"] == Decimal("0.126")
    assert effects(by_team["web"]) == {"runs": Decimal("0.126")}
    assert by_team["web"]["runs_after"] == pytest.approx(70 + 140 * 0.75)
    total = read_costs(connection, Periods(WEEK), ["acme"])
    whole = decompose(total.before, total.after, []).item(0, "change_usd")
    assert exact_sum(row["change_usd"] for row in by_team.values()) == whole
    only_web = read_costs(connection, Periods(WEEK, filters=parse_filters(["team=web"], ("team",))), ["acme"])
    assert decompose(only_web.before, only_web.after, []).item(0, "change_usd") == Decimal("0.126")


def test_price_changes_within_the_days_are_listed() -> None:
    connection = warehouse(every_day())
    connection.execute(
        "INSERT INTO daily_rates SELECT 'acme', CAST(day AS DATE), CASE WHEN day < $first THEN 0.0005 ELSE 0.0006 END "
        "FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-04-01', INTERVAL 1 DAY) AS days (day)",
        {"first": FIRST},
    )
    changes = read_costs(connection, Periods(WEEK), ["acme"]).prices
    assert [tuple(change) for change in changes] == [("acme", FIRST, Decimal("0.0005"), Decimal("0.0006"))]


INCIDENT = {
    "incident_id": "one",
    "first_day": FIRST,
    "last_day": WEEK.last,
    **dict.fromkeys(("cost_center", "organization", "project", "workflow", "job", "charge_type", "tag", "value"), None),
}


def incidents(*given: Mapping[str, Any]) -> pl.DataFrame:
    schema = {name: pl.Date if name.endswith("_day") else pl.String for name in INCIDENT}
    return pl.DataFrame([{**INCIDENT, **fields} for fields in given], schema=schema)


def test_each_incident_is_explained_from_its_whole_to_the_residual_and_adds_up() -> None:
    rows = [in_week(row, compute=200, resource_class="large", user=25_000) for row in every_day(job="build")]
    rows += [in_week(row, runs=13, run_seconds=780, compute=130) for row in every_day(project="api")]
    rows += [row for number in range(8) for row in every_day(project="docs", job=f"lint-{number}")]
    connection = warehouse(rows)
    given = incidents(
        {},
        {"incident_id": "two", "project": "web"},
        {"incident_id": "three", "charge_type": "user", "cost_center": "acme"},
        {"incident_id": "without days", "first_day": date(2027, 1, 1), "last_day": date(2027, 1, 1)},
    )
    assert (
        write_anomaly_drivers(connection, given)
        == connection.execute("SELECT count(*) FROM anomaly_drivers").fetchall()[0][0]
    )
    drivers = connection.sql("SELECT * FROM anomaly_drivers ORDER BY incident_id, rank").pl()
    assert drivers.columns == list(SCHEMA)
    assert set(drivers["incident_id"]) == {"one", "two", "three"}
    for _, rows_of in drivers.group_by("incident_id"):
        whole = rows_of.filter(pl.col("rank") == 0).row(0, named=True)
        effects_sum = exact_sum(rows_of.filter(pl.col("rank") > 0)["effect_usd"].to_list())
        assert effects_sum == whole["change_usd"] == whole["after_usd"] - whole["before_usd"]
        assert rows_of.sort("rank")["rank"].to_list() == list(range(rows_of.height))
        assert rows_of.sort("rank")["driver"].to_list()[-1] == "rest"
    two = drivers.filter(pl.col("incident_id") == "two").row(0, named=True)
    # Seats are booked, not run: what runs cost is told without them.
    assert (two["driver"], two["change_usd"]) == ("credits_per_minute", Decimal("0.42"))
    three = drivers.filter(pl.col("incident_id") == "three").row(0, named=True)
    assert (three["driver"], three["change_usd"]) == ("user", Decimal(105))
    class_row = drivers.filter((pl.col("incident_id") == "two") & (pl.col("job") == "build")).row(-1, named=True)
    assert class_row["driver"] == "credits_per_minute"
    assert "resource class medium → large" in class_row["sentence"]
    assert set(drivers["driver"]) <= {*DRIVERS, "rest"}


def test_an_incident_of_a_team_is_explained_by_allocated_costs() -> None:
    rows = [in_week(row, compute=200) for row in every_day(project="web")] + every_day(project="api")
    connection = warehouse(rows)
    allocate(connection, plan(team(BY_PROJECT)))
    drivers = anomaly_drivers(connection, incidents({"tag": "team", "value": "web"}, {"incident_id": "all"}))
    changes = {row["incident_id"]: row["change_usd"] for row in drivers.filter(pl.col("rank") == 0).to_dicts()}
    assert changes == {"one": Decimal("0.42"), "all": Decimal("0.42")}
    assert anomaly_drivers(connection, incidents()).schema == SCHEMA


def lake_with_runs(folder: Path, day: date) -> Lake:
    """A lake with four runs of one job on one day, one of them without a number."""
    lake = open_lake(folder)
    file = lake.job_runs_file("acme", day)
    file.parent.mkdir(parents=True)
    pl.DataFrame(
        {
            "cost_center": ["acme"] * 4,
            "job_run_date": [day] * 4,
            "organization_id": ["id of acme"] * 4,
            "project_id": ["id of web"] * 4,
            "workflow_name": ["build"] * 4,
            "job_name": ["test"] * 4,
            "job_id": ["a", "b", "c", "d"],
            "vcs_name": ["github"] * 4,
            "vcs_url": ["https://github.com/acme/old-name"] * 4,
            "pipeline_number": [1, 2, 3, 4],
            "workflow_id": ["w1", "w2", "w3", "w4"],
            "job_run_number": [11, 12, None, 14],
            "total_credits": [Decimal(25_010), Decimal(30), Decimal(90), Decimal(20)],
            "user_credits": [Decimal(25_000), None, None, Decimal(0)],
        },
        schema_overrides={"total_credits": pl.Decimal(18, 6), "user_credits": pl.Decimal(18, 6)},
    ).write_parquet(file)
    return lake


def test_the_dearest_runs_of_the_last_day_are_linked_without_their_seats(tmp_path: Path) -> None:
    lake = lake_with_runs(tmp_path, WEEK.last)
    connection = warehouse([in_week(row, compute=200) for row in every_day()])
    drivers = anomaly_drivers(connection, incidents({}), lake)
    urls = drivers.filter(pl.col("job") == "test").row(-1, named=True)["example_urls"]
    address = "https://app.circleci.com/pipelines/github/acme/old-name"
    assert urls == [
        f"{address}/2/workflows/w2/jobs/12",
        f"{address}/4/workflows/w4/jobs/14",
        f"{address}/1/workflows/w1/jobs/11",
    ]
    wanted = pl.DataFrame(
        {
            "number": [7],
            **{name: [value] for name, value in {"cost_center": "acme", "organization": "acme"}.items()},
            "project": ["web"],
            "workflow": ["build"],
            "job": ["test"],
            "date": [FIRST],
        }
    )
    assert example_runs(connection, lake, wanted) == {}
