"""`explain`: drivers that add up as they are written, exact JSON, what is compared, partial data, wrong questions."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.usage import restatements
from circleci_cost_tests.cli.harness import Caller, configuration, make_once
from circleci_cost_tests.warehouse.allocation.builders import fill
from circleci_cost_tests.warehouse.budgets.builders import known
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST = date(2026, 3, 2)
DAYS = [FIRST + timedelta(days=number) for number in range(-28, 7)]
WEEK = ("--from", "2026-03-02", "--to", "2026-03-08")


def every_day(**row: Any) -> list[dict[str, Any]]:
    return [{"date": day, "compute": 1000, "runs": 10, "run_seconds": 6000} | row for day in DAYS]


def in_week(rows: Iterable[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return [row | more if row["date"] >= FIRST else row for row in rows]


def publish_costs(call: Caller, rows: Iterable[Mapping[str, Any]], incomplete: Iterable[date] = ()) -> None:
    """Configure `acme` and publish these daily costs; all days are complete but those that are named."""
    call.configure(configuration())
    data, used = call.folder / "data", [dict(row) for row in rows]
    days = [day for day in DAYS if day not in set(incomplete)]
    make_once(data, ("costs", used, days), lambda: _publish(data, used, days))


def _publish(data: Path, rows: list[dict[str, Any]], days: list[date]) -> None:
    lake = open_lake(data)
    with tables_to_publish(lake) as connection:
        fill(connection, rows)
        known(connection, days, ["acme"])
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))


@pytest.fixture
def published(call: Caller) -> Caller:
    rows = in_week(every_day(job="build"), compute=2000, resource_class="large")
    rows += in_week(every_day(job="lint", project="api"), runs=13, run_seconds=7800, compute=1300)
    rows += every_day(job="docs", project="docs", branch="main")
    publish_costs(call, rows)
    return call


def test_the_table_names_the_class_first_and_adds_up(published: Caller) -> None:
    output = published("explain", *WEEK)
    assert (output.code, output.err) == (0, "")
    assert output.out.splitlines()[:8] == [
        "CircleCI cost 2026-03-02 to 2026-03-08 against the same weekdays of the four weeks before",
        "expected $12.60, was $18.06: +$5.46 (+43 %)",
        "",
        "driver                                               effect   of the change",
        "───────────────────────────────────────────────────────────────────────────",
        "credits per minute (resource class medium → large)   +$4.20            77 %",
        "runs (210 → 231)                                     +$1.26            23 %",
        "",
    ]
    assert "project web, workflow build, job build" in output.out
    assert "+$4.20 (+100 %)" in output.out
    assert output.out.endswith("Data through 2026-03-08.\n")


def test_json_is_exact_and_every_row_adds_up(published: Caller) -> None:
    output = published("explain", *WEEK, "--json")
    answer = json.loads(output.out)
    assert (output.code, output.err) == (0, "")
    assert (answer["before"], answer["after"], answer["change"]) == ("12.600000", "18.060000", "5.460000")
    assert answer["against"] == {"kind": "weekdays", "from": None, "to": None}
    assert answer["by"] == ["organization", "project", "workflow", "job"]
    assert answer["class_change"] == {"from": "medium", "to": "large"}
    for row in (answer, *answer["causes"], *answer["contributors"]):
        assert list(row["drivers"]) == list(DRIVERS)
        assert sum(map(Decimal, row["drivers"].values())) == Decimal(row["change"])
    first = answer["contributors"][0]
    assert (first["project"], first["job"], first["driver"]) == ("web", "build", "credits_per_minute")
    assert (first["effect"], first["share"], first["examples"]) == ("4.200000", "0.769231", [])
    assert "resource class medium → large" in first["sentence"]
    assert answer["other"] == {"groups": 0, "change": "0.000000"}


def test_a_price_change_is_named_price_with_its_day(call: Caller) -> None:
    rows = every_day() + every_day(job="lint", project="api")
    publish_costs(call, in_week(rows, price=Decimal("0.0007")))
    output = call("explain", *WEEK)
    assert "price per credit ($0.0006 → $0.0007)   +$1.40           100 %" in output.out
    assert (
        "Root cause\n  organization acme: +$1.40 (+17 %): price per credit +$1.40 ($0.0006 → $0.0007).\n" in output.out
    )
    answer = json.loads(call("explain", *WEEK, "--json").out)
    assert answer["causes"][0]["driver"] == "price"
    assert Decimal(answer["drivers"]["price"]) == Decimal(answer["change"])


def test_periods_are_scaled_and_named_as_they_are_asked_for(published: Caller) -> None:
    asked = json.loads(published("explain", *WEEK, "--against", "2026-02-02:2026-03-01", "--json").out)
    assert asked["against"] == {"kind": "days", "from": "2026-02-02", "to": "2026-03-01"}
    previous = json.loads(published("explain", *WEEK, "--against", "previous", "--json").out)
    assert previous["against"] == {"kind": "days", "from": "2026-02-23", "to": "2026-03-01"}
    assert asked["change"] == previous["change"] == "5.460000"
    title = published("explain", *WEEK, "--against", "previous", "--where", "project=web").out.splitlines()
    assert title[0] == "CircleCI cost 2026-03-02 to 2026-03-08 against 2026-02-23 to 2026-03-01, project web"
    assert title[1] == "before $4.20, after $8.40: +$4.20 (+100 %)"


def test_without_days_the_last_seven_complete_ones_are_explained(published: Caller) -> None:
    assert published("explain").out == published("explain", *WEEK).out


def test_groups_may_be_any_dimension_and_the_others_are_put_together(published: Caller) -> None:
    answer = json.loads(published("explain", *WEEK, "--by", "project", "--limit", "1", "--json").out)
    assert [row["project"] for row in answer["contributors"]] == ["web"]
    assert answer["other"] == {"groups": 1, "change": "1.260000"}
    assert "1 more together" in published("explain", *WEEK, "--by", "project", "--limit", "1").out
    classes = json.loads(published("explain", *WEEK, "--by", "resource_class", "--json").out)
    mix = {row["resource_class"]: row["drivers"]["mix"] for row in classes["contributors"]}
    assert mix == {"large": "8.400000", "medium": "-4.200000"}


def test_filters_may_exclude_values_or_ask_for_text_that_they_contain(published: Caller) -> None:
    whole = json.loads(published("explain", *WEEK, "--json").out)
    assert {"where_not", "where_contains"}.isdisjoint(whole)
    only = json.loads(published("explain", *WEEK, "--where", "job=lint", "--json").out)
    filters = ("--where", "job!=build", "--where", "job~I", "--where", "charge_type!=user")
    other = json.loads(published("explain", *WEEK, *filters, "--json").out)
    assert other["change"] == only["change"]
    assert [other[key] for key in ("where", "where_not", "where_contains")] == [
        {},
        {"job": ["build"], "charge_type": ["user"]},
        {"job": ["I"]},
    ]
    title = published("explain", *WEEK, *filters).out.replace("\n", " ")
    assert "weeks before, job containing I, job not build, charge type not user" in title


def test_nothing_that_changed_is_said_as_such(call: Caller) -> None:
    publish_costs(call, every_day())
    output = call("explain", *WEEK)
    assert output.code == 0
    assert "Nothing has changed." in output.out


def test_missing_days_make_the_answer_partial_and_are_named(call: Caller) -> None:
    publish_costs(call, every_day(), incomplete=[FIRST])
    output = call("explain", *WEEK, "--json")
    assert output.code == 5
    # What can be done about them depends on how long ago they are.
    assert re.match(r"Partial: days without complete data are left out.*, acme: 2026-03-02; ", output.err)
    answer = json.loads(output.out)
    assert answer["missing_days"] == {"acme": [{"from": "2026-03-02", "to": "2026-03-02"}]}
    assert answer["change"] == "0.000000"


def test_f094_unpriced_days_are_left_out_and_never_zero_dollars(call: Caller) -> None:
    rows = [row | ({"price": None} if row["date"] == FIRST else {}) for row in every_day()]
    publish_costs(call, rows)
    output = call("explain", *WEEK, "--json")
    assert output.code == 5
    assert output.err.startswith("Partial: days with credits that have no price are left out, acme: 2026-03-02; add a ")
    assert json.loads(output.out)["change"] == "0.000000"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--against", "yesterday"), "--against 'yesterday' is no period; write weekdays, previous, or two days"),
        (("--against", "2026-02-02:2026-01-01"), "--against '2026-02-02:2026-01-01' begins after it ends"),
        (("--by", "charge_type"), "leave charge_type out of --by"),
        (("--by", "jobb"), "There is no dimension 'jobb'; did you mean 'job'?"),
        (("--where", "project=wep"), "No usage has the project 'wep'; did you mean 'web'?"),
        (("--to", "2026-03-01"), "The first day, 2026-03-02, lies after the last one, 2026-03-01; exchange them."),
        (("--from", "2999-01-01", "--to", "2999-01-02"), "2999-01-01 is yet to come"),
        (("--from", "2026-05-01", "--to", "2026-05-02"), "No cost center has complete and priced days both in"),
    ],
)
def test_wrong_questions_get_one_sentence(published: Caller, arguments: tuple[str, ...], message: str) -> None:
    output = published("explain", *WEEK, *arguments)
    assert (output.code, output.out) == (2, "")
    assert message in output.err
    assert "Traceback" not in output.err


def test_f112_hostile_names_are_neither_markup_nor_commands(call: Caller) -> None:
    rows = in_week(every_day(project="[red]x[/red]", job="\x1b[31mred"), compute=3000)
    publish_costs(call, rows)
    output = call("explain", *WEEK)
    assert "project [red]x[/red]" in output.out
    assert "\x1b" not in output.out


def test_a_stop_in_the_weeks_before_and_what_may_be_chance_are_told(call: Caller) -> None:
    stop = date(2026, 2, 18)
    others = [row for at in range(12) for row in every_day(job=f"job-{at}", workflow=f"w{at}")]
    busier = [
        row | {"runs": runs, "run_seconds": 600 * runs, "compute": 300 * runs}
        for at, row in enumerate(every_day(job="build"))
        for runs in [5 if row["date"] >= FIRST or at % 2 else 1]
    ]
    publish_costs(call, [row for row in others + busier if row["date"] != stop])
    lines = " ".join(call("explain", *WEEK).out.split())
    assert "Not compared with 2026-02-18 of acme: unlike the same weekday of the other weeks." in lines
    answer = json.loads(call("explain", *WEEK, "--json").out)
    assert answer["unusual_days"] == {"acme": [{"from": "2026-02-18", "to": "2026-02-18"}]}
    assert answer["most_unusual"]["job"] == "build"
    assert answer["causes"] == []
    assert "No project, workflow or job stands out of the usual ups and downs. The most unusual, which chance" in lines
    assert re.search(r"may explain, is project web, workflow build, job build: \+\$\d.\d\d \(\+\d+ %\): runs", lines)
