"""Rules, mapping files and CODEOWNERS of virtual tags on real tables, and what is said about them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost_tests.warehouse.allocation.builders import (
    BY_PROJECT,
    PROJECT_ROWS,
    SHARED,
    credits_by_value,
    day,
    fill,
    plan,
    run,
    selected,
    shared_split,
    team,
)


def test_f100_of_two_rules_that_fit_the_first_wins_and_the_rest_is_unallocated() -> None:
    rules = [
        {"value": "first", "where": {"project": ["web", "api"]}},
        {"value": "second", "where": {"project": {"glob": "*"}, "workflow": "build"}},
    ]
    rows = [*PROJECT_ROWS, {"project": "docs", "workflow": "other", "compute": "7"}]
    connection, result = run(rows, team(*rules))
    with connection:
        assert selected(connection, "project, value, rule", "credits > 0") == [
            ("api", "first", "rule 1"),
            ("docs", "unallocated", "default"),
            ("infra", "second", "rule 2"),
            ("web", "first", "rule 1"),
        ]
    (tag,) = result.tags
    assert (tag.credits, tag.unallocated_credits) == (Decimal(447), Decimal(7))
    assert tag.unallocated_cost_usd == Decimal("0.0042")
    assert tag.coverage == 1 - Decimal("0.0042") / Decimal("0.2682")


def test_f101_renamed_and_deleted_projects_keep_their_team_by_id_and_take_the_one_of_their_newest_name() -> None:
    rows: list[dict[str, Any]] = [
        {"date": day(1), "project": "new-name", "project_id": "p1", "compute": "1"},
        {"date": day(2), "project": "new-name", "project_id": "p1", "compute": "2"},
        {"date": day(1), "project": None, "project_id": "deleted", "compute": "4"},
    ]
    by_id = team({"value": "by id", "where": {"project_id": ["p1", "deleted"]}})
    by_name = {"name": "named", "rules": [{"value": "by name", "where": {"project": ["new-name", "deleted"]}}]}
    by_old_name = {"name": "old", "rules": [{"value": "never", "where": {"project": "old-name"}}]}
    connection, result = run(rows, by_id, by_name, by_old_name)
    with connection:
        assert credits_by_value(connection) == {"by id": "7"}
        assert credits_by_value(connection, "named") == {"by name": "7"}
        assert credits_by_value(connection, "old") == {"unallocated": "7"}
    (warning,) = result.tags[2].warnings
    assert warning == ("virtual tag old: 'rule 1' asks for the project 'old-name', which no usage has")


def test_every_operator_and_a_missing_value_can_be_asked_for() -> None:
    branches = [None, "main", "feature/login", "feature/1", "release-2", "[x]*"]
    rows = [{"branch": name, "compute": 1} for name in branches]
    rules: list[dict[str, Any]] = [
        {"value": "none", "where": {"branch": "(none)"}},
        {"value": "digits", "where": {"branch": {"glob": "feature/*", "regex": r"\d$"}}},
        {"value": "literal", "where": {"branch": "[x]*"}},
        {"value": "released", "where": [{"branch": {"regex": "^release"}}, {"branch": {"in": ["nowhere", "main"]}}]},
        {"value": "others", "where": {"branch": {"not": ["nowhere"]}, "project": {"is": "web"}}},
    ]
    connection, _ = run(rows, team(*rules))
    with connection:
        values = dict(selected(connection, "coalesce(branch, '(none)'), value"))
    assert values == {
        "(none)": "none",
        "main": "released",
        "feature/login": "others",
        "feature/1": "digits",
        "release-2": "released",
        "[x]*": "literal",
    }


def test_rules_hold_from_their_first_to_their_last_day() -> None:
    rows = [{"date": day(number), "compute": 1} for number in (1, 2, 3, 4)]
    rules = [{"value": "two days", "from": day(2), "until": day(3)}, {"value": "at the end", "from": day(4)}]
    connection, _ = run(rows, team(*rules))
    with connection:
        assert selected(connection, "date, value") == [
            (day(1), "unallocated"),
            (day(2), "two days"),
            (day(3), "two days"),
            (day(4), "at the end"),
        ]


def test_a_tag_that_uses_another_sees_its_value_before_the_split_whatever_their_order_in_the_file() -> None:
    division = {
        "name": "division",
        "rules": [{"value": "common", "where": {"team": "shared"}}, {"value_of": "team"}],
    }
    connection, result = run(PROJECT_ROWS, division, team(SHARED, BY_PROJECT, splits=[shared_split(method="even")]))
    with connection:
        assert credits_by_value(connection) == {"api": "120", "web": "320"}
        assert credits_by_value(connection, "division") == {"api": "100", "common": "40", "web": "300"}
    assert [tag.tag for tag in result.tags] == ["team", "division"]


def test_values_with_quotes_are_compared_and_never_run() -> None:
    name = "a'; DROP TABLE daily_costs; --"
    connection, _ = run([{"project": name, "compute": 1}], team({"value": name, "where": {"project": {"glob": name}}}))
    with connection:
        assert selected(connection, "project, value") == [(name, name)]


def test_a_mapping_file_follows_the_rules_and_its_first_row_that_fits_wins(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text(
        "project,branch,value,from,until\n"
        "web,main,trunk,,\n"
        "web,,web team,,2026-01-01\n"
        "web,,late web team,2026-01-02,\n"
        ",hotfix,urgent,,\n"
        "api,hotfix,never reached,,\n"
    )
    rows = [
        {"project": "web", "branch": "main", "compute": 1},
        {"project": "web", "branch": "dev", "compute": 1},
        {"project": "web", "branch": "dev", "date": day(2), "compute": 1},
        {"project": "api", "branch": "hotfix", "compute": 1},
        {"project": "infra", "branch": "hotfix", "compute": 1},
        {"project": "docs", "compute": 1},
    ]
    tag = team(SHARED, mappings=[{"file": "teams.csv"}])
    connection, _ = run(rows, tag, folder=tmp_path)
    with connection:
        assert selected(connection, "project, branch, date, value, rule") == [
            ("api", "hotfix", day(1), "urgent", "teams.csv line 5"),
            ("docs", None, day(1), "unallocated", "default"),
            ("infra", "hotfix", day(1), "shared", "rule 1"),
            ("web", "dev", day(1), "web team", "teams.csv line 3"),
            ("web", "dev", day(2), "late web team", "teams.csv line 4"),
            ("web", "main", day(1), "trunk", "teams.csv line 2"),
        ]


def test_a_mapping_of_a_hundred_thousand_rows_is_joined(tmp_path: Path) -> None:
    lines = "".join(f"project-{number},team-{number % 50}\n" for number in range(100_000))
    (tmp_path / "teams.csv").write_text("project,value\n" + lines + "web,red\n")
    connection, result = run(PROJECT_ROWS, team(mappings=[{"file": "teams.csv"}]), folder=tmp_path)
    with connection:
        assert credits_by_value(connection) == {"red": "300", "unallocated": "140"}
    assert result.tags[0].warnings[0] == (
        "virtual tag team: teams.csv line 2 asks for the project 'project-0', which no usage has"
    )
    assert len(result.tags[0].warnings) == 21
    assert result.tags[0].warnings[-1] == "virtual tag team: 99,980 more values like these were never seen"


def test_a_toml_mapping_holds_rules_as_the_configuration_does(tmp_path: Path) -> None:
    (tmp_path / "teams.toml").write_text('[[rules]]\nvalue = "red"\nwhere = { project = { glob = "w*" } }\n')
    connection, _ = run(PROJECT_ROWS, team(mappings=[{"file": "teams.toml"}]), folder=tmp_path)
    with connection:
        assert selected(connection, "project, value, rule", "project = 'web'") == [("web", "red", "teams.toml rule 1")]


def test_codeowners_come_last_and_the_last_line_that_fits_names_the_owner(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").write_text("# owners\n*  @acme/web-team @bob\n/services/api/ @acme/api-team\n/docs/\n")
    owners = [
        {"project": "web", "file": "CODEOWNERS"},
        {"project": "id of api", "file": "CODEOWNERS", "path": "services/api", "values": {"@acme/api-team": "api"}},
        {"project": "infra", "file": "CODEOWNERS", "path": "/docs/"},
        {"project": "wep", "file": "CODEOWNERS"},
    ]
    connection, result = run(PROJECT_ROWS, team(codeowners=owners), folder=tmp_path)
    with connection:
        assert selected(connection, "project, value, rule") == [
            ("api", "api", "CODEOWNERS of id of api line 3"),
            ("infra", "unallocated", "default"),
            ("web", "@acme/web-team", "CODEOWNERS of web line 2"),
        ]
    assert result.tags[0].warnings == (
        "virtual tag team: CODEOWNERS of 'wep', a project that no usage has; did you mean 'web'?",
    )
    assert result.warnings == (
        f"virtual tag team: {tmp_path / 'CODEOWNERS'} names no owner of /docs/ for the project 'infra'; add a line for "
        "it, such as * @team.",
    )


def test_names_that_no_usage_has_are_reported_with_the_nearest_ones() -> None:
    tag = team(
        {"value": "red", "where": {"project": ["web", "wib"]}},
        SHARED,
        splits=[shared_split(method="even", among=["red", "rad"]), {"value": "seats", "method": "even"}],
    )
    connection, result = run(PROJECT_ROWS, tag)
    connection.close()
    assert result.tags[0].warnings == (
        "virtual tag team: 'rule 1' asks for the project 'wib', which no usage has; did you mean 'web'?",
        "virtual tag team: split 'shared by even': 'rad' gets a share, and no cost has that value; did you mean 'red'?",
        "virtual tag team: split 'seats by even': no cost has the value 'seats'",
    )


def test_one_name_beyond_those_that_are_named_is_a_singular() -> None:
    names = [f"project-{number}" for number in range(21)]
    connection, result = run(PROJECT_ROWS, team({"value": "red", "where": {"project": ["web", *names]}}))
    connection.close()
    assert result.tags[0].warnings[-1] == "virtual tag team: 1 more value like these was never seen"


def test_without_tags_the_table_is_empty_and_a_second_allocation_replaces_the_first() -> None:
    connection, first = run(PROJECT_ROWS, team(BY_PROJECT))
    with connection:
        assert allocate(connection, plan(team(BY_PROJECT))).rows == first.rows == 3
        assert allocate(connection, plan()).rows == 0
        assert selected(connection, "*") == []


def test_without_daily_costs_there_is_nothing_to_allocate() -> None:
    connection, result = run([], team(SHARED, splits=[shared_split(method="even")]))
    connection.close()
    (tag,) = result.tags
    assert (tag.rows, tag.cost_usd, tag.coverage, tag.fallbacks) == (0, Decimal(0), Decimal(1), ())


def test_after_an_error_the_former_allocation_is_still_there() -> None:
    connection, _ = run(PROJECT_ROWS, team(BY_PROJECT))
    with connection:
        by_users = plan(team(SHARED, splits=[shared_split(method="telemetry", by="users")]))
        with pytest.raises(duckdb.IOException):
            allocate(connection, by_users, lambda: ["/nowhere/data.parquet"])
        assert credits_by_value(connection) == {"api": "100", "infra": "40", "web": "300"}
        fill(connection, [{"project": "docs", "compute": "1"}])
        assert allocate(connection, plan(team(BY_PROJECT))).rows == 4


def test_the_hash_of_a_plan_changes_with_a_rule_and_with_a_byte_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("project,value\nweb,red\n")
    tag = team(mappings=[{"file": "teams.csv"}])
    first = plan(tag, folder=tmp_path).content_hash
    assert plan(tag, folder=tmp_path).content_hash == first
    assert plan({**tag, "default": "rest"}, folder=tmp_path).content_hash != first
    (tmp_path / "teams.csv").write_text("project,value\nweb,rad\n")
    assert plan(tag, folder=tmp_path).content_hash != first


def test_tags_that_use_each_other_through_a_mapping_file_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "divisions.csv").write_text("division,value\nwest,red\n")
    division = {"name": "division", "rules": [{"value_of": "team"}]}
    with pytest.raises(ConfigurationError, match=r"(division → team → division|team → division → team)"):
        plan(team(mappings=[{"file": "divisions.csv"}]), division, folder=tmp_path)


def test_every_charge_type_of_every_daily_cost_is_a_source_of_its_own() -> None:
    rows = [{"project": name, **dict.fromkeys(CHARGE_TYPES, 1)} for name in ("web", "api", "shop")]
    connection, _ = run(rows, team(BY_PROJECT))
    with connection:
        sources = selected(connection, "source_row, project, charge_type")
    assert len({source for source, _, _ in sources}) == len(sources) == 3 * len(CHARGE_TYPES)
