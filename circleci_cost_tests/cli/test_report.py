"""`report`: exact sums, filters, periods, partial data, and names that come from anywhere."""

import csv
import io
import itertools
import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from circleci_cost.text.csv_text import safe_cell
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.text.test_csv_text import HOSTILE

DAYS = [date(2026, 1, day) for day in range(1, 13)]
ROWS = [
    {"date": DAYS[0], "project": "web", "compute": "1000", "dlc": "200", "jobs": 3, "runs": 2, "branch": "main"},
    {"date": DAYS[4], "project": "web", "compute": "0.000001", "branch": "dev"},
    {"date": DAYS[5], "project": "api", "job": "deploy", "compute": "500", "user": "25000"},
    {"date": DAYS[11], "project": "api", "compute": "7"},
]


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration())
    publish_rows(call.folder / "data", ROWS, DAYS)
    return call


def rows_of(text: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(text)["rows"]
    return rows


def test_the_whole_answer_in_json(published: Caller) -> None:
    output = published("report", "--by", "project", "--json")
    assert (output.code, output.err) == (0, "")
    assert json.loads(output.out) == {
        "from": "2026-01-01",
        "to": "2026-01-12",
        "by": ["project"],
        "granularity": None,
        "currency": "USD",
        "data_through": "2026-01-12",
        "unpriced_credits": "0",
        "not_final": [],
        "total": {"cost": "16.0242000006", "credits": "26707.000001", "runs": 5, "run_seconds": 0},
        "rows": [
            {"project": "api", "cost": "15.304200", "credits": "25507", "runs": 2, "run_seconds": 0},
            {"project": "web", "cost": "0.7200000006", "credits": "1200.000001", "runs": 3, "run_seconds": 0},
        ],
    }


def test_without_dimensions_json_has_one_row_that_is_the_total(published: Caller) -> None:
    answer = json.loads(published("report", "--json").out)
    assert answer["rows"] == [answer["total"]]


def test_dimensions_may_be_repeated_or_separated_by_commas(published: Caller) -> None:
    once = published("report", "--by", "project,job", "--json").out
    twice = published("report", "--by", "project", "--by", "job", "--json").out
    assert once == twice
    assert [(row["project"], row["job"], row["cost"]) for row in rows_of(once)] == [
        ("api", "deploy", "15.300000"),
        ("web", "test", "0.7200000006"),
        ("api", "test", "0.004200"),
    ]


def test_weeks_begin_on_monday_and_a_day_may_be_its_own_period(published: Caller) -> None:
    weeks = rows_of(published("report", "--granularity", "week", "--json").out)
    assert [(row["period"], row["credits"]) for row in weeks] == [
        ("2025-12-29", "1200"),
        ("2026-01-05", "25500.000001"),
        ("2026-01-12", "7"),
    ]


def test_days_are_limited_at_both_ends(published: Caller) -> None:
    answer = json.loads(published("report", "--from", "2026-01-05", "--to", "2026-01-06", "--json").out)
    assert answer["total"] == {"cost": "15.3000000006", "credits": "25500.000001", "runs": 2, "run_seconds": 0}


def test_values_of_one_dimension_are_alternatives_and_dimensions_all_hold(published: Caller) -> None:
    both = published("report", "--where", "branch=main", "--where", "branch=dev", "--json").out
    assert json.loads(both)["total"]["credits"] == "1200.000001"
    none = published("report", "--where", "branch=main", "--where", "project=api", "--json").out
    assert json.loads(none)["total"] == {"cost": "0.000000", "credits": "0", "runs": 0, "run_seconds": 0}


def test_values_are_excluded_and_texts_contained(published: Caller) -> None:
    def credits(*where: str) -> object:
        options = [part for condition in where for part in ("--where", condition)]
        return json.loads(published("report", *options, "--json").out)["total"]["credits"]

    assert credits("project!=web") == credits("project~AP") == "25507"
    assert credits("branch!=(none)", "branch!=dev") == "1200"
    assert credits("project=web", "project~ap", "branch~EV") == "0.000001"
    title = published("report", "--where", "project~e", "--where", "branch!=dev").out.splitlines()[0]
    assert title == "CircleCI cost by project, 2026-01-01 to 2026-01-12, project containing e, branch not dev"
    refused = published("report", "--where", "project!=wep")
    assert (refused.code, refused.err) == (2, "Error: No usage has the project 'wep'; did you mean 'web'?\n")
    assert published("report", "--where", "project~").code == 2


def test_a_dimension_without_a_value_is_shown_and_can_be_asked_for(published: Caller) -> None:
    rows = rows_of(published("report", "--by", "branch", "--json").out)
    assert [row["branch"] for row in rows] == ["(none)", "main", "dev"]
    assert json.loads(published("report", "--where", "branch=(none)", "--json").out)["total"]["credits"] == "25507"


def test_charge_types_add_up_and_have_no_runs(published: Caller) -> None:
    answer = json.loads(published("report", "--by", "charge_type", "--json").out)
    assert answer["rows"] == [
        {"charge_type": "user", "cost": "15.000000", "credits": "25000", "runs": None, "run_seconds": None},
        {"charge_type": "compute", "cost": "0.9042000006", "credits": "1507.000001", "runs": None, "run_seconds": None},
        {"charge_type": "dlc", "cost": "0.120000", "credits": "200", "runs": None, "run_seconds": None},
    ]
    assert answer["total"] == {"cost": "16.0242000006", "credits": "26707.000001", "runs": None, "run_seconds": None}
    filtered = json.loads(published("report", "--where", "charge_type=dlc", "--json").out)
    assert filtered["total"] == {"cost": "0.120000", "credits": "200", "runs": None, "run_seconds": None}


def test_every_view_adds_up_to_the_total_to_the_last_digit(published: Caller) -> None:
    groups = ["project", "job", "branch", "charge_type", "project,charge_type", "build_status"]
    periods = [[], ["--granularity", "day"], ["--granularity", "week"], ["--granularity", "month"]]
    for by, period, limit in itertools.product(groups, periods, [[], ["--limit", "1"]]):
        answer = json.loads(published("report", "--by", by, *period, *limit, "--json").out)
        for key in ("cost", "credits"):
            assert sum(Decimal(row[key]) for row in answer["rows"]) == Decimal(answer["total"][key])
        assert answer["total"]["cost"] == "16.0242000006"


def test_a_limit_puts_the_others_together(published: Caller) -> None:
    rows = rows_of(published("report", "--by", "project", "--limit", "1", "--json").out)
    assert [(row["project"], row["credits"]) for row in rows] == [("api", "25507"), ("(other)", "1200.000001")]


def test_rows_can_be_ordered_by_name_and_by_runs(published: Caller) -> None:
    def names(order: str) -> list[object]:
        return [
            row["project"] for row in rows_of(published("report", "--by", "project", "--sort", order, "--json").out)
        ]

    assert [names(order) for order in ("cost", "credits", "name", "runs")] == [
        ["api", "web"],
        ["api", "web"],
        ["api", "web"],
        ["web", "api"],
    ]


def test_the_table_for_people_ends_with_the_exact_sum(published: Caller) -> None:
    output = published("report", "--by", "project")
    assert output.out == (
        "CircleCI cost by project, 2026-01-01 to 2026-01-12\n"
        "project   runs   credits     cost    share\n"
        "──────────────────────────────────────────\n"
        "api          2    25,507   $15.30   95.5 %\n"
        "web          3     1,200    $0.72    4.5 %\n"
        "6 jobs · 5 runs · 26,707.000001 credits · $16.0242000006\n"
        "Data through 2026-01-12.\n"
    )


def test_without_options_the_projects_are_shown(published: Caller) -> None:
    assert published("report").out == published("report", "--by", "project").out


def test_an_unknown_dimension_or_value_is_answered_with_the_nearest(published: Caller) -> None:
    output = published("report", "--by", "projekt")
    assert (output.code, output.out) == (2, "")
    assert "There is no dimension 'projekt'; did you mean 'project'?" in output.err
    output = published("report", "--where", "project=wep")
    assert (output.code, output.out) == (2, "")
    assert output.err == "Error: No usage has the project 'wep'; did you mean 'web'?\n"
    assert published("report", "--where", "project").code == 2


def test_f094_unpriced_credits_are_shown_and_never_zero_dollars(call: Caller) -> None:
    call.configure(configuration())
    unpriced = {"date": DAYS[1], "project": "free", "compute": "300", "price": None}
    publish_rows(call.folder / "data", [{"date": DAYS[0], "compute": "1000"}, unpriced])
    output = call("report", "--by", "project", "--json")
    answer = json.loads(output.out)
    assert output.code == 5
    assert output.err.startswith("Partial: 300 credits have no price")
    assert answer["unpriced_credits"] == "300"
    assert answer["total"] == {"cost": "0.600000", "credits": "1300", "runs": 2, "run_seconds": 0}
    assert answer["rows"] == [
        {"project": "web", "cost": "0.600000", "credits": "1000", "runs": 1, "run_seconds": 0},
        {"project": "free", "cost": None, "credits": "300", "runs": 1, "run_seconds": 0},
    ]
    table = call("report", "--by", "project")
    assert table.code == 5
    assert "unpriced" in next(line for line in table.out.splitlines() if line.startswith("free"))
    assert "2 jobs · 2 runs · 1,300 credits · $0.600000 · 300 credits unpriced" in table.out
    assert call("report", "--by", "project", "--csv").out.splitlines()[-1] == "free,,300,1,0"


def test_days_without_data_make_the_answer_partial_and_are_named(published: Caller) -> None:
    output = published("report", "--from", "2026-01-10", "--to", "2026-01-15", "--json")
    assert output.code == 5
    # What can be done about them depends on how long ago they are.
    assert re.match(r"Partial: days without data.*, acme: 2026-01-13 to 2026-01-15; ", output.err)


def test_missing_days_that_circleci_no_longer_serves_are_to_be_imported_and_the_others_fetched(call: Caller) -> None:
    today = date(2026, 11, 22)
    oldest, newest = today - timedelta(days=400), today - timedelta(days=1)
    call.configure(configuration(oldest))
    publish_rows(call.folder / "data", [], [today - timedelta(days=number) for number in range(2, 390)])
    output = call.at(f"{today}T12:00:00+00:00")("report", "--from", str(oldest), "--to", str(newest), "--json")
    assert (output.code, output.err) == (
        5,
        f"Partial: days without data, acme: {newest}; run `circleci-cost backfill` to fetch them.\n"
        f"Partial: days without data and older than CircleCI serves, acme: {oldest} to {today - timedelta(days=390)}; "
        "import usage files that you have of them with `circleci-cost import`, or set a later history_start.\n",
    )


def test_an_edited_configuration_is_said_until_it_is_applied(published: Caller) -> None:
    tag = '[[virtual_tags]]\nname = "team"\n[[virtual_tags.rules]]\nvalue = "w"\nwhere = { project = "web" }\n'
    later = datetime.now(UTC).timestamp() + 5
    os.utime(published.configure(configuration() + tag), (later, later))
    output = published("report", "--json")
    assert output.err.startswith("Note: circleci_cost.toml was edited after these numbers were published (")
    assert "after `circleci-cost allocation apply`, changed prices after `circleci-cost reprice`." in output.err
    for option in (["--by", "team"], ["--where", "team=w"]):
        output = published("report", *option)
        assert (output.code, "run `circleci-cost allocation apply`, which fetches nothing." in output.err) == (1, True)


def test_an_organization_or_cost_center_that_is_unknown_ends_with_3_and_another_unknown_value_with_2(
    published: Caller,
) -> None:
    for name, code in (("organization", 3), ("cost_center", 3), ("project", 2)):
        assert published("report", "--where", f"{name}=nobody").code == code


_NAMES = [
    "'; DROP TABLE daily_costs; --",
    '=HYPERLINK("https://example.com")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tcmd",
    "[red]bold[/red]",
    "a,b\nc",
    "\x1b[31mred",
    "日本語 🚀",
    "$project",
]


def test_f112_names_values_dimensions_and_sort_keys_are_never_sql(call: Caller) -> None:
    call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": DAYS[0], "project": name, "compute": "10"} for name in _NAMES])
    for name in _NAMES:
        output = call("report", "--where", f"project={name}", "--by", "project", "--json")
        assert output.code == 0
        assert rows_of(output.out) == [
            {"project": name, "cost": "0.006000", "credits": "10", "runs": 1, "run_seconds": 0}
        ]
    for hostile in ("project; DROP TABLE daily_costs", "project) --", "1", "*"):
        assert call("report", "--by", hostile).code == 2
        assert call("report", "--where", f"{hostile}=x").code == 2
        assert call("report", "--sort", hostile).code == 2
    assert json.loads(call("report", "--json").out)["total"]["credits"] == "110"


def test_f110_reported_names_run_in_no_spreadsheet_and_break_no_row(call: Caller) -> None:
    call.configure(configuration())
    names = list(dict.fromkeys([*HOSTILE, *_NAMES]))
    publish_rows(call.folder / "data", [{"date": DAYS[0], "project": name, "compute": "10"} for name in names])
    rows = list(csv.reader(io.StringIO(call("report", "--by", "project", "--csv").out, newline=""), strict=True))
    assert rows[0] == ["project", "cost", "credits", "runs", "run_seconds"]
    assert sorted(row[0] for row in rows[1:]) == sorted(safe_cell(name) for name in names)
    assert {tuple(row[1:]) for row in rows[1:]} == {("0.006000", "10", "1", "0")}


def test_no_name_reaches_the_terminal_as_a_control_sequence_or_markup(call: Caller) -> None:
    call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": DAYS[0], "project": name, "compute": "10"} for name in _NAMES])
    out = call("report", "--by", "project", "--limit", "100").out
    assert "\x1b" not in out
    assert "[red]bold[/red]" in out


@pytest.fixture
def recent(call: Caller) -> list[date]:
    """Days of usage up to yesterday; the last three and one of two weeks ago may still change."""
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=age) for age in range(20, 0, -1)]
    call.configure(configuration(days[0]))
    rows = [{"date": day, "compute": "100"} for day in days]
    publish_rows(call.folder / "data", rows, unsettled=[days[6], *days[-3:]])
    return days


def test_days_that_are_not_final_are_named(call: Caller, recent: list[date]) -> None:
    output = call("report", "--from", str(recent[-5]))
    assert (output.code, output.err) == (0, "")
    last = output.out.splitlines()[-1]
    assert last == f"Not final, CircleCI may still restate these days: acme: {recent[-3]} to {recent[-1]}."
    rows = json.loads(call("report", "--from", str(recent[-5]), "--json").out)
    assert rows["not_final"] == [{"cost_center": "acme", "from": f"{recent[-3]}", "to": f"{recent[-1]}"}]
    as_csv = call("report", "--from", str(recent[-5]), "--csv")
    assert (as_csv.code, as_csv.out) == (0, "cost,credits,runs,run_seconds\n0.300000,500,5,0\n")
    assert as_csv.err == last + "\n"


def test_days_that_should_be_final_by_now_make_a_report_partial(call: Caller, recent: list[date]) -> None:
    output = call("report")
    assert output.code == 5
    assert output.err == (
        f"Partial: days that were exported before CircleCI had finished them, acme: {recent[6]}; run `circleci-cost "
        "sync` to fetch them again.\n"
    )
    assert f"CircleCI may still restate these days: acme: {recent[-3]} to {recent[-1]}." in output.out
    assert f"{recent[6]}" not in output.out
    named = json.loads(call("report", "--json").out)["not_final"]
    assert [each["from"] for each in named] == [f"{recent[6]}", f"{recent[-3]}"]


def test_final_days_are_not_spoken_of(call: Caller, recent: list[date]) -> None:
    output = call("report", "--to", str(recent[5]))
    assert (output.code, "final" in output.out) == (0, False)
