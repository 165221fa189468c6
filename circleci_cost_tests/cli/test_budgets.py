"""`budgets`: the tree for people, exact JSON, periods, and the exit code that a CI job acts on."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.config.budget_definitions import all_budgets
from circleci_cost.config.settings import read_settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.budgets.budget_status import write_budget_status
from circleci_cost.warehouse.forecast.cost_forecast import write_forecasts
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.warehouse_tables import edit_generation, publish_tables, tables_to_publish

FIRST, THROUGH = date(2026, 1, 1), date(2026, 3, 12)
# `web` costs $3.00 on each day, `api` $0.60; a seat $15.00 on the 2nd of March.
ROWS: list[dict[str, Any]] = [
    *({"date": day, "project": "web", "compute": 5000} for day in days_between(FIRST, THROUGH)),
    *({"date": day, "project": "api", "compute": "1000.000001"} for day in days_between(FIRST, THROUGH)),
    {"date": date(2026, 3, 2), "project": "api", "user": 25000},
]
BUDGETS = """
[[budgets]]
name = "engineering"
amount = 150
[[budgets]]
name = "web"
parent = "engineering"
owner = "web@example.com"
amount = 80
where = { project = "web" }
[[budgets]]
name = "api"
parent = "engineering"
amount = 20
where = { project = "api" }
[[budgets]]
name = "credits per week"
period = "week"
unit = "credits"
amount = 50000
seats = false
"""


def publish_budgets(folder: Path, rows: Iterable[dict[str, object]] = ROWS) -> None:
    """Publish costs, and the states of the configuration's budgets as the assets would write them."""
    data = folder / "data"
    publish_rows(data, rows)
    budgets = all_budgets(read_settings(folder / "circleci_cost.toml"))
    lake = open_lake(data)
    with tables_to_publish(lake) as connection:
        write_forecasts(connection, budgets, ForecastSettings())
        write_budget_status(connection, budgets)
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("budgets")
    (folder / "circleci_cost.toml").write_text(configuration(FIRST) + BUDGETS)
    publish_budgets(folder)
    return folder


@pytest.fixture
def published(folder: Path, call: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.chdir(folder)
    return call


def test_the_tree_for_people(published: Caller) -> None:
    output = published("budgets")
    assert (output.code, output.err) == (0, "")
    lines = [line.split() for line in output.out.splitlines()]
    assert [line[0] for line in lines[2:6]] == ["engineering", "·", "·", "credits"]
    engineering, api, web, credits = (" ".join(line) for line in lines[2:6])
    assert engineering.startswith("engineering 2026-03 $150.00 $58.20 39 % 39 % $")
    assert engineering.endswith("on track")
    assert api.startswith("· api 2026-03 $20.00 $22.20 111 % 39 % $")
    assert api.endswith("100 % 2026-03-09 over budget")
    assert web.startswith("· web 2026-03 $80.00 $36.00 45 % 39 % $93.00")
    # $36.00 by the 12th, $3.00 a day: $81.00 on the 27th.
    assert web.endswith("2026-03-27 at risk")
    assert credits.startswith("credits per week 2026-W11 50,000 cr 24,000 cr 48 % 57 % 42,000 cr")
    assert output.out.endswith("Data through 2026-03-12.\n")


def test_json_has_exact_decimals_as_strings(published: Caller) -> None:
    answer = json.loads(published("budgets", "--json", "--budget", "api").out)
    (row,) = answer.pop("budgets")
    assert (answer["data_through"], sorted(answer)) == ("2026-03-12", ["data_through", "published_at"])
    expected = {
        "budget": "api",
        "owner": None,
        "parent": "engineering",
        "period_kind": "month",
        "period": "2026-03",
        "period_start": "2026-03-01",
        "period_end": "2026-03-31",
        "unit": "USD",
        "amount": "20.000000",
        "actual": "22.2000000072",
        "unpriced_credits": "0",
        "days": 31,
        "days_gone": 12,
        "period_gone": "0.387097",
        "prorated_budget": "7.741935",
        "run_rate": "57.350000",
        "overrun_probability": "1",
        "overrun_date": "2026-03-09",
        "status": "over_budget",
        "note": None,
        "data_through": "2026-03-12",
        "used": "1.110000",
    }
    forecasts = {name: Decimal(row.pop(name)) for name in ("forecast_p10", "forecast_median", "forecast_p90")}
    assert row == expected
    assert sorted(forecasts.values()) == list(forecasts.values())


def test_what_a_budget_spent_is_what_the_report_says(published: Caller) -> None:
    spent = json.loads(published("budgets", "--json", "--period", "all", "--budget", "engineering").out)["budgets"]
    assert [row["period"] for row in spent] == ["2026-03", "2026-02", "2026-01"]
    for row in spent:
        last = min(row["period_end"], row["data_through"])
        output = published("report", "--from", row["period_start"], "--to", last, "--json")
        assert json.loads(output.out)["total"]["cost"] == row["actual"]


def test_the_last_period_that_is_over_is_its_own_forecast(published: Caller) -> None:
    rows = json.loads(published("budgets", "--json", "--period", "last").out)["budgets"]
    states = [(row["budget"], row["period"], row["actual"], row["overrun_probability"]) for row in rows]
    assert states == [
        ("engineering", "2026-02", "100.8000000168", "0"),
        ("api", "2026-02", "16.8000000168", "0"),
        ("web", "2026-02", "84.000000", "1"),
        ("credits per week", "2026-W10", "42000.000007", "0"),
    ]
    assert all(row["forecast_median"][:6] == row["actual"][:6] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--fail-over", "over_budget"), 5, "Over budget or worse: api\n"),
        (("--fail-over", "at_risk"), 5, "At risk or worse: api, web\n"),
        (("--fail-over", "over_budget", "--budget", "web"), 0, ""),
        (("--fail-over", "at_risk", "--budget", "web"), 5, "At risk or worse: web\n"),
        (("--fail-over", "at_risk", "--budget", "engineering"), 0, ""),
        ((), 0, ""),
    ],
)
def test_a_ci_job_can_fail_on_a_budget(published: Caller, arguments: tuple[str, ...], code: int, named: str) -> None:
    for form in ((), ("--json",)):
        output = published("budgets", *arguments, *form)
        assert (output.code, output.err) == (code, named)
        assert output.out


def test_an_unknown_budget_is_answered_with_the_nearest(published: Caller) -> None:
    output = published("budgets", "--budget", "ap")
    assert (output.code, output.out, output.err) == (2, "", "Error: There is no budget 'ap'; did you mean 'api'?\n")


def test_without_budgets_it_says_how_to_add_one(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish_budgets(call.folder, ROWS[:3])
    output = call("budgets")
    assert (output.code, output.out) == (0, "")
    assert output.err == (
        f"There are no budgets; add one to {call.folder}/circleci_cost.toml: a section [[budgets]] with "
        'name = "engineering" and amount = 1500.\n'
    )
    assert json.loads(call("budgets", "--json").out)["budgets"] == []


def test_budgets_that_are_not_published_yet_are_no_success(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish_budgets(call.folder, ROWS[:3])
    call.configure(configuration(FIRST) + BUDGETS)
    output = call("budgets", "--budget", "web", "--fail-over", "over_budget")
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith("Error: No state of 'web' is published yet; run `circleci-cost allocation apply`")


def test_a_generation_from_before_there_were_budgets_is_told_apart(call: Caller) -> None:
    call.configure(configuration(FIRST) + BUDGETS)
    publish_rows(call.folder / "data", ROWS[:3])
    lake = open_lake(call.folder / "data")
    generation = current_generation(lake)
    with edit_generation(generation) as connection:
        connection.execute("DROP TABLE budget_status")
    rows = {name: count for name, count in generation.manifest.rows.items() if name != "budget_status"}
    point_to(lake, current_generation(lake).manifest.model_copy(update={"rows": rows}))
    output = call("budgets")
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith("Error: No state of 'engineering', 'web', 'api', 'credits per week' is published yet;")


def test_why_a_state_is_unsure_is_said_below(call: Caller) -> None:
    call.configure(configuration(date(2026, 3, 5)) + BUDGETS)
    unpriced = {"date": THROUGH, "project": "web", "compute": 300, "price": None}
    publish_budgets(call.folder, [row for row in ROWS if row["date"] >= date(2026, 3, 5)] + [unpriced])
    out = call("budgets").out
    assert (
        "web, 2026-03: the history begins on 2026-03-05; 300 credits have no price; less than two weeks of history.\n"
        in out
    )


def test_no_name_reaches_the_terminal_as_a_control_sequence_or_markup(call: Caller) -> None:
    name = "[red]bold[/red]"
    call.configure(configuration(FIRST) + f'[[budgets]]\nname = "{name}"\namount = 5\n')
    publish_budgets(call.folder, ROWS[:40])
    output = call("budgets")
    assert name in output.out
    assert "\x1b" not in output.out


def test_a_misspelled_project_is_named_beside_a_budget_that_is_on_track(call: Caller) -> None:
    text = configuration(FIRST) + '[[budgets]]\nname = "web"\namount = 80\nwhere = { project = "wbe" }\n'
    call.configure(text)
    publish_budgets(call.folder)
    output = call("budgets")
    assert output.code == 0
    assert "Note: the budget 'web' asks for project 'wbe', which no usage has; did you mean 'web'?\n" in output.err
