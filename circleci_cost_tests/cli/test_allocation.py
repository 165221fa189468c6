"""`allocation` and `report` by tags: figures that add up, previews that come true, and what to do without tags."""

import itertools
import json
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.allocated import publish_allocated
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.warehouse_tables import edit_generation

TAGS = """
[[virtual_tags]]
name = "team"
min_coverage = 0.999
[[virtual_tags.rules]]
name = "seats"
value = "seats"
where = { charge_type = "user" }
[[virtual_tags.rules]]
value = "platform"
where = { project = "infra" }
[[virtual_tags.rules]]
value = "web"
where = [{ project = "web" }, { project = { glob = "shop-*" } }]
[[virtual_tags.rules]]
value = "api"
where = { project = "api" }
[[virtual_tags.splits]]
value = "platform"
method = "telemetry"
by = "minutes"
among = ["web", "api"]
[[virtual_tags.splits]]
value = "seats"
method = "even"
[[virtual_tags]]
name = "stage"
[[virtual_tags.rules]]
value = "live"
where = { branch = "main" }
[[virtual_tags.rules]]
value = "shared"
where = { branch = "(none)" }
[[virtual_tags.splits]]
value = "shared"
method = "fixed"
shares = { live = 0.333, trial = 0.667 }
"""
DAYS = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 2, 1)]
PROJECTS = ("web", "api", "infra", "shop-1", "docs")
ROWS: list[dict[str, Any]] = [
    {
        "date": day,
        "project": project,
        "branch": branch,
        "compute": Decimal("10.000001") * (number + 1),
        "dlc": "0.333333" if number % 3 == 0 else 0,
        "user": "25000" if project == "web" and branch == "main" else 0,
        "runs": number,
        "run_seconds": 100 + 7 * number,
    }
    for number, (day, project, branch) in enumerate(itertools.product(DAYS, PROJECTS, ["main", "dev", None]))
]


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration() + TAGS)
    publish_allocated(call, ROWS)
    return call


def answer(caller: Caller, *arguments: str) -> dict[str, Any]:
    output = caller(*arguments, "--json")
    assert output.code in {0, 5}, output.err
    answered: dict[str, Any] = json.loads(output.out)
    return answered


def total_of(rows: list[dict[str, Any]], key: str = "cost") -> Decimal:
    return sum((Decimal(row[key]) for row in rows), start=Decimal(0))


def test_every_view_with_tags_adds_up_to_the_view_without_to_the_last_digit(published: Caller) -> None:
    whole = answer(published, "report")["total"]
    for by in ("team", "stage", "team,stage", "stage,team", "team,project,stage", "branch,team"):
        answered = answer(published, "report", "--by", by)
        assert answered["total"] == whole, by
        assert (total_of(answered["rows"]), total_of(answered["rows"], "credits")) == (
            Decimal(whole["cost"]),
            Decimal(whole["credits"]),
        )
        assert sum(row["runs"] for row in answered["rows"]) == whole["runs"], by


def test_each_day_of_a_tag_adds_up_to_that_day(published: Caller) -> None:
    whole = answer(published, "report", "--granularity", "day")["rows"]
    parts = answer(published, "report", "--by", "team,stage", "--granularity", "day")["rows"]
    assert len(whole) > 1
    for day in whole:
        assert total_of([row for row in parts if row["period"] == day["period"]]) == Decimal(day["cost"])


def test_values_of_several_tags_meet_whichever_is_asked_for_first(published: Caller) -> None:
    def sums(by: str) -> dict[tuple[str, str], tuple[Decimal, int]]:
        rows = answer(published, "report", "--by", by)["rows"]
        return {
            (row["team"], row["stage"]): (Decimal(row["cost"]).quantize(Decimal("1E-9")), row["runs"]) for row in rows
        }

    assert sums("team,stage") == sums("stage,team")
    stages = answer(published, "report", "--by", "stage")["rows"]
    assert len(stages) > 1
    for stage in stages:
        asked = answer(published, "report", "--where", f"stage={stage['stage']}", "--by", "team")
        assert asked["total"]["runs"] == stage["runs"]
        assert abs(Decimal(asked["total"]["cost"]) - Decimal(stage["cost"])) < Decimal("1E-12")


def test_tags_are_filtered_like_dimensions_and_split_charge_types(published: Caller) -> None:
    rows = answer(published, "report", "--by", "team", "--where", "team=web", "--where", "team=api")["rows"]
    assert sorted(row["team"] for row in rows) == ["api", "web"]
    by_type = answer(published, "report", "--by", "team,charge_type", "--where", "charge_type=user")
    # `unallocated` is the default value: it is no target of an even split.
    assert [(row["team"], row["credits"], row["runs"]) for row in by_type["rows"]] == [
        ("api", "37500", None),
        ("web", "37500", None),
    ]


def test_parts_that_round_to_no_credits_keep_their_cost_and_rows_of_nothing_are_left_out(call: Caller) -> None:
    call.configure(configuration() + TAGS)
    rows: list[dict[str, Any]] = [{"project": "infra", "compute": "0.000001"}]
    rows += [{"project": name, "compute": 1} for name in ("web", "api")]
    publish_allocated(call, rows)
    whole = answer(call, "report")["total"]
    for by in ("team", "team,stage", "team,charge_type"):
        answered = answer(call, "report", "--by", by)
        assert (answered["total"]["cost"], answered["total"]["credits"]) == (whole["cost"], whole["credits"]), by
        assert all(Decimal(row["cost"]) or row["runs"] for row in answered["rows"]), by


def test_an_unknown_tag_or_value_is_named_with_the_nearest(published: Caller) -> None:
    output = published("report", "--by", "taem")
    assert output.code == 2
    assert output.err.startswith("Error: There is no dimension 'taem'; did you mean 'team'")
    assert output.err.rstrip().endswith("charge_type, trigger_user, pipeline, stage, team.")
    output = published("report", "--where", "team=wep")
    assert (output.code, output.err) == (2, "Error: No usage has the team 'wep'; did you mean 'web'?\n")


def test_explain_adds_up_to_the_reports_figure_and_names_rule_split_and_share(published: Caller) -> None:
    for row in answer(published, "report", "--by", "team")["rows"]:
        answered = answer(published, "allocation", "explain", "--tag", "team", "--value", row["team"])
        assert answered["total"] == {"cost": row["cost"], "credits": row["credits"], "runs": row["runs"]}
    web = answer(published, "allocation", "explain", "--tag", "team", "--value", "web", "--to", "2026-01-01")["rows"]
    assert [(row["rule"], row["condition"], row["source_value"], row["split"]) for row in web] == [
        ("seats", "charge_type is user", "seats", "seats by even"),
        ("rule 3", "project is web; or project is like shop-*", "web", None),
        ("rule 2", "project is infra", "platform", "platform by minutes"),
    ]
    assert web[0]["share"] == ["0.5", "0.5"]
    assert web[0]["cost"] == "7.500000"


def test_explain_takes_filters_and_is_readable(published: Caller) -> None:
    output = published("allocation", "explain", "--tag", "team", "--where", "project=infra", "--value", "api")
    assert output.code == 0
    assert "platform by minutes" in output.out
    assert "project is infra" in output.out
    signs = ("--where", "project~INF", "--where", "project!=web", "--where", "project!=api")
    assert published("allocation", "explain", "--tag", "team", *signs, "--value", "api").out == output.out
    several = published("allocation", "explain")
    assert (several.code, several.err) == (
        2,
        "Error: There are several virtual tags: stage, team; say which one with --tag.\n",
    )


def test_diff_predicts_to_the_last_digit_what_the_next_run_shows(published: Caller) -> None:
    same = answer(published, "allocation", "diff")
    assert same["moves"] == []
    assert {row["change"] for row in same["changes"]} == {"0.000000"}
    text = (configuration() + TAGS).replace('where = { project = "api" }', 'where = { project = ["api", "docs"] }')
    edited = published.folder / "edited.toml"
    edited.write_text(text.replace('value = "seats"\nmethod = "even"', 'value = "seats"\nmethod = "proportional"'))
    before = answer(published, "report", "--by", "team")["rows"]
    predicted = answer(published, "allocation", "diff", "--with", "edited.toml", "--tag", "team")
    assert answer(published, "report", "--by", "team")["rows"] == before
    published.configure(edited.read_text())
    assert answer(published, "allocation", "diff", "--tag", "team") == predicted
    publish_allocated(published)
    after = answer(published, "report", "--by", "team")["rows"]
    costs = {row["value"]: (row["before"], row["after"]) for row in predicted["changes"]}
    assert {name: cost for name, (cost, _) in costs.items() if Decimal(cost)} == _costs(before)
    assert {name: cost for name, (_, cost) in costs.items() if Decimal(cost)} == _costs(after)
    _assert_moves_explain_the_changes(predicted)
    assert answer(published, "allocation", "diff")["moves"] == []


def _costs(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["team"]: row["cost"] for row in rows if Decimal(row["cost"])}


def _assert_moves_explain_the_changes(answered: dict[str, Any]) -> None:
    assert answered["moves"]
    for row in answered["changes"]:
        gained = total_of([move for move in answered["moves"] if move["to"] == row["value"]])
        lost = total_of([move for move in answered["moves"] if move["from"] == row["value"]])
        assert gained - lost == Decimal(row["change"]), row


def test_diff_of_some_days_is_shown_in_dollars(published: Caller) -> None:
    edited = published.folder / "edited.toml"
    edited.write_text((configuration() + TAGS).replace('project = "api"', 'project = "docs"'))
    output = published("allocation", "diff", "--with", "edited.toml", "--from", "2026-02-01", "--tag", "team")
    assert output.code == 0
    assert "Nothing is written" in output.out
    assert "unallocated" in output.out
    unchanged = published("allocation", "diff")
    assert "Nothing would move." in unchanged.out


def test_diff_against_a_configuration_without_tags_tells_what_would_go(published: Caller) -> None:
    (published.folder / "edited.toml").write_text(configuration())
    answered = answer(published, "allocation", "diff", "--with", "edited.toml", "--tag", "team")
    costs = _costs(answer(published, "report", "--by", "team")["rows"])
    assert {row["value"]: row["before"] for row in answered["changes"] if Decimal(row["before"])} == costs
    assert {row["after"] for row in answered["changes"]} == {"0.000000"}
    assert answered["moves"] == []


def test_diff_names_a_mistake_in_the_edited_file_and_values_that_no_usage_has(published: Caller) -> None:
    edited = published.folder / "edited.toml"
    edited.write_text((configuration() + TAGS).replace('project = "api"', 'project = "apii"'))
    output = published("allocation", "diff", "--with", "edited.toml")
    assert output.code == 0
    assert (
        "Note: virtual tag team: 'rule 4' asks for the project 'apii', which no usage has; did you mean" in output.err
    )
    edited.write_text(configuration() + TAGS + '[[virtual_tags.mappings]]\nfile = "missing.csv"\n')
    output = published("allocation", "diff", "--with", "edited.toml")
    assert output.code == 3
    assert "missing.csv cannot be read" in output.err


def test_coverage_by_month_below_the_threshold_exits_with_5_and_suggests_rules_that_raise_it(published: Caller) -> None:
    output = published("allocation", "coverage", "--json", "--tag", "team")
    assert output.code == 5
    (answered,) = json.loads(output.out)["tags"]
    assert [row["month"] for row in answered["months"]] == ["2026-01", "2026-02"]
    assert total_of(answered["months"]) == Decimal(answer(published, "report")["total"]["cost"])
    (suggestion,) = answered["suggestions"]
    assert (suggestion["project"], suggestion["workflow"]) == ("docs", None)
    assert suggestion["rule"] == '[[virtual_tags.rules]]\nvalue = "docs"\nwhere = { project = "docs" }'
    text = configuration() + TAGS.replace(
        "[[virtual_tags.splits]]", suggestion["rule"] + "\n[[virtual_tags.splits]]", 1
    )
    published.configure(text)
    publish_allocated(published)
    output = published("allocation", "coverage", "--tag", "team")
    assert (output.code, output.err) == (0, "")
    assert "100.0 %" in output.out


def test_projects_allocated_in_part_are_suggested_by_workflow(call: Caller) -> None:
    tag = '[[virtual_tags]]\nname = "team"\n[[virtual_tags.rules]]\nvalue = "web"\nwhere = { workflow = "build" }\n'
    call.configure(configuration() + tag)
    rows: list[dict[str, Any]] = [{"compute": 1}, {"workflow": 'say "hi"', "compute": 5}]
    rows += [{"project": "docs", "workflow": "x", "compute": 2}]
    publish_allocated(call, rows)
    (answered,) = answer(call, "allocation", "coverage")["tags"]
    assert [(row["project"], row["workflow"], row["credits"]) for row in answered["suggestions"]] == [
        ("web", 'say "hi"', "5"),
        ("docs", None, "2"),
    ]
    assert answered["suggestions"][0]["rule"].endswith('where = { project = "web", workflow = "say \\"hi\\"" }')


@pytest.mark.parametrize("command", ["explain", "diff", "coverage"])
def test_without_tags_it_says_how_to_add_one(call: Caller, command: str) -> None:
    call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": DAYS[0], "compute": "1"}])
    output = call("allocation", command)
    assert output.code == 3
    assert "There is no virtual tag in " in output.err
    assert "add a [[virtual_tags]] section with name" in output.err


def test_tags_that_are_not_published_yet_can_be_previewed_and_are_told(call: Caller) -> None:
    call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": DAYS[0], "compute": "1"}])
    call.configure(configuration() + TAGS)
    output = call("allocation", "coverage")
    assert output.code == 1
    assert "are in no published costs yet; run `circleci-cost allocation apply`" in output.err
    answered = answer(call, "allocation", "diff", "--tag", "team")
    assert [(row["value"], row["before"], row["after"]) for row in answered["changes"]] == [
        ("web", "0.000000", "0.000600")
    ]


def test_a_generation_of_an_earlier_version_has_no_tags_and_can_be_previewed(published: Caller) -> None:
    whole = answer(published, "report")
    generation = current_generation(Lake(published.folder / "data"))
    with edit_generation(generation) as connection:
        connection.execute("DROP TABLE allocated_costs")
    rows = {name: count for name, count in generation.manifest.rows.items() if name != "allocated_costs"}
    point_to(
        Lake(published.folder / "data"),
        current_generation(Lake(published.folder / "data")).manifest.model_copy(update={"rows": rows}),
    )
    assert answer(published, "report") == whole
    output = published("report", "--by", "team")
    assert (output.code, "run `circleci-cost allocation apply`, which fetches nothing" in output.err) == (1, True)
    assert published("allocation", "coverage").code == 1
    answered = answer(published, "allocation", "diff", "--tag", "team")
    assert total_of(answered["changes"], "before") == 0
    assert total_of(answered["changes"], "after") == Decimal(whole["total"]["cost"])


def test_the_published_files_hold_the_allocated_rows_by_month(published: Caller) -> None:
    generation = current_generation(Lake(published.folder / "data"))
    files = generation.parquet("allocated_costs")
    assert [file.name.split(".")[:2] for file in files] == [["allocated_costs", f"2026-0{month}"] for month in (1, 2)]
    with duckdb.connect() as connection:
        answered = connection.execute(
            "SELECT tag, sum(cost_usd) FROM read_parquet($files) GROUP BY tag ORDER BY tag",
            {"files": [str(file) for file in files]},
        ).fetchall()
    assert answered == [("stage", generation.manifest.cost_usd), ("team", generation.manifest.cost_usd)]
    assert generation.manifest.rows["allocated_costs"] > 0
