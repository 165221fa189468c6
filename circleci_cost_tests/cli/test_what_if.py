"""`explain --what-if`: the month with another class or price, and sentences for what cannot be imagined."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.model.efficiency.test_advice import advice, usage
from circleci_cost_tests.warehouse_tables import edit_generation

LAST = date(2026, 11, 20)
BUDGETS = """
[[budgets]]
name = "web"
where = { project = "web" }
amount = 100
"""


@pytest.fixture
def published(call: Caller) -> Caller:
    """28 days of $6 for the job that could move and $6 for another one; ten days to come at $12."""
    call.configure(configuration(date(2026, 10, 1)) + BUDGETS)
    days = [LAST - timedelta(days=back) for back in range(28)]
    rows = [{"date": day, "project": project, "compute": 10_000} for day in days for project in ("web", "docs")]
    publish_rows(call.folder / "data", rows)
    lake = open_lake(call.folder / "data")
    generation = current_generation(lake)
    moved = advice(usage(project_id="id of web"))
    with edit_generation(generation) as connection:
        connection.execute("UPDATE daily_costs SET executor = 'docker', resource_class = 'large'")
        connection.register("moved", moved)
        connection.execute("INSERT INTO class_advice BY NAME SELECT * FROM moved")
        connection.execute(
            "INSERT INTO forecast_totals VALUES ('total', 'total', 'USD', $last, '2026-11-30', 10, 120, 110, 130, 100, "
            "140, [], NULL)",
            {"last": LAST},
        )
        connection.execute(
            "INSERT INTO budget_status BY NAME SELECT 'web' AS budget, 'month' AS period_kind, '2026-11' AS period, "
            "DATE '2026-11-01' AS period_start, DATE '2026-11-30' AS period_end, 'USD' AS unit, 100 AS amount, "
            "120 AS actual, 0 AS unpriced_credits, 30 AS days, 20 AS days_gone, 0.66 AS period_gone, "
            "66 AS prorated_budget, 180 AS forecast_median, 175 AS forecast_p10, 190 AS forecast_p90, "
            "'over_budget' AS status, $last AS data_through",
            {"last": LAST},
        )

    return call


def imagined(call: Caller, *texts: str) -> dict[str, dict[str, Decimal]]:
    """The likely end, and what a whole month would cost, by name."""
    asked = [word for text in texts for word in ("--what-if", text)]
    outcomes = json.loads(call("explain", *asked, "--json").out)["outcomes"]
    return {
        each["name"]: {name: Decimal(each[name]["median"]) for name in ("forecast", "imagined", "monthly_imagined")}
        | {"monthly": Decimal(each["monthly"])}
        for each in outcomes
    }


def test_a_class_changes_what_is_to_come_of_the_scopes_that_hold_the_job(published: Caller) -> None:
    outcomes = imagined(published, "job=test class=medium")
    # 20 days of November at $12 are spent; half of what is to come is the job's, which costs half.
    assert outcomes["this month"]["forecast"] == 240 + 120
    assert outcomes["this month"]["imagined"] == 240 + 90
    assert outcomes["web"]["imagined"] == 120 + 30
    month = outcomes["web"]["monthly"]
    assert round(month, 2) == Decimal("182.62")
    assert abs(outcomes["web"]["monthly_imagined"] - month / 2) < Decimal("0.00001")


def test_a_price_changes_every_scope_and_both_can_be_imagined_at_once(published: Caller) -> None:
    assert imagined(published, "price=0.0003")["this month"]["imagined"] == 240 + 60
    both = imagined(published, "price=0.0003 cost_center=acme", "job=test class=medium")
    assert both["this month"]["imagined"] == 240 + 45
    assert both["web"]["imagined"] == 120 + 15


def test_people_see_the_job_in_words_and_the_ends_beside_each_other(published: Caller) -> None:
    output = published("explain", "--what-if", "job=test class=medium").out
    assert "web / test, large to medium: 10.0 min a run become likely 10.0 (10.0 to 13.5), and cost 50 %" in output
    assert "$360.00" in output
    assert "$330.00" in output


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("job=tset class=medium", "there is no job 'tset'; did you mean 'test'?"),
        ("job=test class=huge", "test is not compared with 'huge'"),
        ("job=test class=large", "web / test has the class 'large' already."),
        ("job=test class=medium project=docs", "project 'docs' has no job 'test'"),
        ("job=test class=large.gen2", "nothing is estimated for web / test, large to large.gen2: how fast another"),
        ("price=0.0005 cost_center=acne", "there is no cost center 'acne'; did you mean 'acme'?"),
        ("price=low", "'low' is no price"),
    ],
)
def test_what_cannot_be_imagined_is_said(published: Caller, text: str, why: str) -> None:
    result = published("explain", "--what-if", text)
    assert result.code == 2
    assert why in result.err


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (("job=test class=medium", "job=test class=small project=web"), "test cannot move twice; give it one class"),
        (("price=0.0005", "price=0.0004"), "two prices for the same cost centers"),
    ],
)
def test_one_job_or_price_is_not_changed_twice(published: Caller, texts: tuple[str, ...], why: str) -> None:
    result = published("explain", *(word for text in texts for word in ("--what-if", text)))
    assert result.code == 2
    assert why in result.err


def test_the_price_of_a_single_cost_center_counts_wherever_it_stands(published: Caller) -> None:
    for texts in (("price=0.0003 cost_center=acme", "price=0.0006"), ("price=0.0006", "price=0.0003 cost_center=acme")):
        assert imagined(published, *texts)["this month"]["imagined"] == 240 + 60


def test_looking_ahead_takes_no_period_of_the_past(published: Caller) -> None:
    result = published("explain", "--what-if", "price=0.0005", "--from", "2026-11-01")
    assert (result.code, "leave out --from" in result.err) == (2, True)
