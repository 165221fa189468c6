"""What a file that cannot be used withholds: cost that it might have claimed goes to nobody else, with a message."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.config.budget_definitions import all_budgets, usable_budgets
from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.allocation.planning import prepare, prepare_usable
from circleci_cost.model.incidents.decisions import DECISION_SCHEMA
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult, allocate
from circleci_cost.warehouse.allocation.coverage import coverage
from circleci_cost.warehouse.anomalies.cost_anomalies import decisions_before
from circleci_cost.warehouse.derived import Derivation
from circleci_cost_tests.cli.harness import configuration
from circleci_cost_tests.warehouse.allocation.builders import (
    BY_PROJECT,
    PROJECT_ROWS,
    SHARED,
    credits_by_value,
    selected,
    team,
    warehouse,
)

WHERE_WEB = {"value": "web-team", "where": {"project": "web"}}
ALL_CREDITS = 440


def run(*tags: Mapping[str, Any], folder: Path) -> tuple[duckdb.DuckDBPyConnection, AllocationResult]:
    connection = warehouse(PROJECT_ROWS)
    plan = prepare_usable([VirtualTag.model_validate(tag) for tag in tags], lambda file: folder / file)
    result = allocate(connection, plan)
    assert all(tag.credits == ALL_CREDITS for tag in result.tags)
    return connection, result


def test_what_a_broken_mapping_may_have_held_goes_to_no_later_file_and_not_to_the_default(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("project,valeu\nweb,red\n")
    (tmp_path / "b.csv").write_text("project,value\napi,blue\ninfra,blue\n")
    mappings = [{"file": "a.csv"}, {"file": "b.csv"}]
    connection, result = run(team(WHERE_WEB, mappings=mappings, default="blue"), folder=tmp_path)
    with connection:
        assert selected(connection, "project, value, rule") == [
            ("api", "unallocated", "a.csv cannot be used"),
            ("infra", "unallocated", "a.csv cannot be used"),
            ("web", "web-team", "rule 1"),
        ]
        # Under another default, too, it counts as cost without a value.
        assert coverage(connection, "team", "blue")[-1].allocated_credits == 300
    assert result.tags[0].unallocated_credits == 140
    assert [str(problem) for problem in result.problems] == [
        f"virtual tag team: {tmp_path / 'a.csv'}, line 1: 'valeu' is no column of such a file; did you mean 'value'? "
        "Until then what rests on it is unallocated."
    ]


def test_a_broken_codeowners_file_withholds_its_own_projects_only(tmp_path: Path) -> None:
    (tmp_path / "GOOD").write_text("* @good\n")
    (tmp_path / "BAD").write_bytes(b"* @caf\xe9\n")
    owners = [
        {"project": "web", "file": "BAD", "from": "2020-01-01"},
        {"project": "id of api", "file": "MISSING"},
        {"project": "web", "file": "GOOD"},
        {"project": "infra", "file": "GOOD"},
    ]
    connection, result = run(team(codeowners=owners), folder=tmp_path)
    with connection:
        assert selected(connection, "project, value, rule") == [
            ("api", "unallocated", "MISSING cannot be used"),
            ("infra", "@good", "CODEOWNERS of infra line 1"),
            ("web", "unallocated", "BAD cannot be used"),
        ]
    assert [problem.path.name for problem in result.problems] == ["BAD", "MISSING"]


def test_a_tag_that_asks_for_another_one_gives_nobody_what_was_withheld_there(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("team,value\nweb-team,red\nunallocated,blue\n")
    first = team(WHERE_WEB, codeowners=[{"project": "api", "file": "MISSING"}])
    by_rule = {
        "name": "by_rule",
        "rules": [
            {"value": "fixed", "where": {"project": "infra"}},
            {"value": "red", "where": {"team": "web-team"}},
            {"value": "blue"},
        ],
    }
    by_file = {"name": "by_file", "mappings": [{"file": "d.csv"}]}
    third = {"name": "third", "rules": [{"value_of": "by_rule"}, {"value": "x"}]}
    connection, _ = run(first, by_rule, by_file, third, folder=tmp_path)
    with connection:
        sums = {
            tag: dict(selected(connection, "project, value", f"tag = '{tag}'"))
            for tag in ("by_rule", "by_file", "third")
        }
    assert sums == {
        "by_rule": {"web": "red", "api": "unallocated", "infra": "fixed"},
        # What team left to its default is unallocated there by right, and may be mapped.
        "by_file": {"web": "red", "api": "unallocated", "infra": "blue"},
        "third": {"web": "red", "api": "unallocated", "infra": "fixed"},
    }


def test_a_split_without_its_amounts_leaves_the_cost_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "usage.parquet").write_bytes(b"PAR1 is not all of it")
    split = {"value": "shared", "method": "telemetry", "file": "usage.parquet", "fallback": "proportional"}
    connection, result = run(team(SHARED, BY_PROJECT, splits=[split]), folder=tmp_path)
    with connection:
        assert credits_by_value(connection) == {"web": "300", "api": "100", "shared": "40"}
    (problem,) = result.problems
    assert str(problem).endswith("Until then the cost of 'shared' is not split.")
    (fallback,) = result.tags[0].fallbacks
    assert str(fallback).endswith("its cost stays where it is")


def test_mapping_files_that_make_a_circle_are_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("b,value\nx,y\n")
    (tmp_path / "b.csv").write_text("a,value\nx,y\n")
    tags = [
        {"name": "a", "rules": [WHERE_WEB], "mappings": [{"file": "a.csv"}]},
        {"name": "b", "mappings": [{"file": "b.csv"}]},
        team(BY_PROJECT),
    ]
    connection, result = run(*tags, folder=tmp_path)
    with connection:
        assert credits_by_value(connection, "a") == {"web-team": "300", "unallocated": "140"}
        assert credits_by_value(connection, "b") == {"unallocated": "440"}
        assert credits_by_value(connection) == {"web": "300", "api": "100", "infra": "40"}
    assert {problem.path.name for problem in result.problems} == {"a.csv", "b.csv"}
    with pytest.raises(ConfigurationError, match="use each other in a circle through their mapping files, "):
        prepare([VirtualTag.model_validate(tag) for tag in tags], lambda file: tmp_path / file)


@pytest.mark.parametrize("name", ["usage.parquet", "usage.csv", "teams.csv", "teams.toml", "OWNERS"])
@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"PAR1\0\0\0\0\xff\xff\xff\x7fPAR1", b"\xff\xfe", b'"'])
def test_no_content_of_an_optional_file_stops_the_allocation(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    more: dict[str, Any] = {
        "usage": {"splits": [{"value": "shared", "method": "telemetry", "file": name}]},
        "teams": {"mappings": [{"file": name}]},
        "OWNERS": {"codeowners": [{"file": name, "project": "web"}]},
    }[name.partition(".")[0]]
    connection, result = run(team(SHARED, **more), folder=tmp_path)
    with connection:
        assert credits_by_value(connection) == {"shared": "40", "unallocated": "400"}
    assert len(result.problems) + len(result.warnings) == 1


def test_a_parquet_file_with_columns_of_other_types_is_a_problem_and_no_bug(tmp_path: Path) -> None:
    for number, key in enumerate([[["web"]], [{"a": 1}], [b"\xff"]]):
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame({"date": ["2026-01-01"], "key": key, "amount": [1]}).write_parquet(path)
        split = {"value": "shared", "method": "telemetry", "file": path.name}
        connection, result = run(team(SHARED, BY_PROJECT, splits=[split]), folder=tmp_path)
        connection.close()
        assert [problem.path for problem in result.problems] == [path]


def test_a_broken_file_of_decisions_leaves_those_that_were_read_last(tmp_path: Path) -> None:
    (tmp_path / "circleci_cost.toml").write_text(configuration() + '[anomalies]\ndecisions = "decisions.csv"\n')
    (tmp_path / "decisions.csv").write_text("incident,decision\na,expcted\n")
    settings = read_settings(tmp_path / "circleci_cost.toml")
    with warehouse([]) as connection:
        for name, status in (("a", "expected"), ("b", "open"), ("c", "ignored")):
            connection.execute(
                "INSERT INTO anomaly_incidents BY NAME SELECT $name AS incident_id, 'total' AS series_kind, "
                "'s' AS series, 'spike' AS kind, 'up' AS direction, $status AS status, DATE '2026-01-01' AS first_day, "
                "DATE '2026-01-02' AS last_day, DATE '2026-01-02' AS told_on, 1 AS actual_usd, 1 AS expected_usd, "
                "1 AS impact_usd, 1 AS impact_usd_per_day, 1 AS told_usd_per_day, 1 AS peak_usd_per_day, 1 AS score, "
                "1 AS alarms, 1 AS series_in_alarm, 'migration' AS reason, DATE '2026-02-01' AS decided_until, "
                "DATE '2026-01-03' AS data_through",
                {"name": name, "status": status},
            )
        decisions = decisions_before(connection)
        summary = Derivation(settings, open_lake(settings.data_dir)).detect(connection)
    assert decisions.schema == DECISION_SCHEMA
    assert decisions.sort("incident_id").select("incident_id", "decision", "reason").rows() == [
        ("a", "expected", "migration"),
        ("c", "ignored", "migration"),
    ]
    assert summary.problems == (
        f"{tmp_path / 'decisions.csv'}, line 2: 'expcted' is no decision; write expected or ignored. Until then the "
        "decisions that were read last stay.",
    )
    assert summary.unmatched_decisions == ()


def test_the_budgets_of_a_broken_file_are_left_out_and_the_others_stay(tmp_path: Path) -> None:
    files = "".join(f'[[budget_files]]\nfile = "{name}.csv"\n' for name in ("good", "bad", "twice", "nobodys"))
    own = '[[budgets]]\nname = "own"\namount = 5\nparent = "all"\n'
    (tmp_path / "circleci_cost.toml").write_text(configuration() + own + files)
    (tmp_path / "good.csv").write_text("name,amount,parent\nweb,5,all\napi,6,\n")
    (tmp_path / "bad.csv").write_text("name,amount\nall,many\n")
    (tmp_path / "twice.csv").write_text("name,amount\nnew,1\nown,1\n")
    (tmp_path / "nobodys.csv").write_text("name,amount,period,parent\nweekly,1,week,own\n")
    settings = read_settings(tmp_path / "circleci_cost.toml")
    usable = usable_budgets(settings)
    assert [(budget.name, budget.parent) for budget in usable.budgets] == [("own", None), ("web", None), ("api", None)]
    assert [problem.path.name for problem in usable.problems] == ["bad.csv", "twice.csv", "nobodys.csv"]
    assert str(usable.problems[0]) == (
        f"budgets: {tmp_path / 'bad.csv'}, line 2, column amount: 'many' is no amount; write digits and a point, such "
        "as 1500.00. Until then the budgets of this file are left out."
    )
    with pytest.raises(ConfigurationError, match="'many' is no amount"):
        all_budgets(settings)
    assert usable.budgets[0].amount == Decimal(5)
