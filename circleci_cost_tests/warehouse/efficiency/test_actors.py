"""The kind of an actor: the macro's rule, its patterns, and the rows that were written before these were edited."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from circleci_cost.assets import DAILY_COSTS
from circleci_cost.config.settings import read_settings
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.efficiency.actors import ACTOR_KINDS, Actors
from circleci_cost.warehouse.core.actors import use_actors
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.costs.current_names import use_current_names
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.tables.manifests import take_snapshot
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.config.test_settings import VALID, refusal, write
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, ingest, land_rows
from circleci_cost_tests.model.usage.builders import record


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        make_tables(opened)
        yield opened


def kind(connection: duckdb.DuckDBPyConnection, source: str | None, branch: str | None) -> str | None:
    query = "SELECT actor_kind(CAST($source AS VARCHAR), CAST($branch AS VARCHAR))"
    (found,) = one_row(connection, query, {"source": source, "branch": branch})
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("source", "branch", "expected"),
    [
        ("webhook", "main", "person"),
        ("webhook", None, "person"),
        ("manual", "feature/renovate/x", "person"),
        ("webhook", "renovate/react-19.x", "bot"),
        ("api", "dependabot/npm_and_yarn/lodash-4.17.21", "bot"),
        ("webhook", "copilot/fix-1", "agent"),
        ("scheduled_pipeline", "main", "schedule"),
        ("Schedule", "renovate/all", "schedule"),
        ("api", "main", "api"),
        ("API", None, "api"),
        (None, "renovate/all", "bot"),
        (None, "main", None),
        (None, None, None),
    ],
)
def test_source_and_branch_tell_who_started_a_pipeline(
    connection: duckdb.DuckDBPyConnection, source: str | None, branch: str | None, expected: str | None
) -> None:
    assert kind(connection, source, branch) == expected
    assert expected is None or expected in ACTOR_KINDS


def test_patterns_of_the_configuration_replace_the_defaults(connection: duckdb.DuckDBPyConnection) -> None:
    actors = Actors(bot_branches=("robot-?",), schedule_sources=("Nightly",), api_sources=())
    use_actors(connection, actors.patterns)
    cases = [
        ("webhook", "robot-1"),
        ("webhook", "renovate/x"),
        ("nightly", "main"),
        ("api", "main"),
        ("api", "codex/1"),
    ]
    assert [kind(connection, *case) for case in cases] == ["bot", "person", "schedule", "person", "agent"]


def test_a_branch_that_can_be_written_in_two_ways_fits_one_pattern(connection: duckdb.DuckDBPyConnection) -> None:
    use_actors(connection, Actors(bot_branches=("ro\u0301bot/*",)).patterns)
    query = "SELECT actor_kind('webhook', same_name($branch))"
    kinds = [one_row(connection, query, {"branch": branch}) for branch in ("r\u00f3bot/1", "ro\u0301bot/1")]
    assert kinds == [("bot",), ("bot",)]


def test_signs_of_regular_expressions_in_a_pattern_stand_for_themselves(connection: duckdb.DuckDBPyConnection) -> None:
    use_actors(
        connection, Actors(bot_branches=("a.b|c (d)#1/*", "[x]-?", "back\\slash'quote"), agent_branches=()).patterns
    )
    branches = ["a.b|c (d)#1/e", "axb|c (d)#1/e", "c (d)", "[x]-1", "x-1", "back\\slash'quote", "", "renovate/1"]
    kinds = ["bot", "person", "person", "bot", "person", "bot", "person", "person"]
    assert [kind(connection, "webhook", branch) for branch in branches] == kinds


def test_a_pattern_that_names_a_folder_says_how_to_name_its_branches(tmp_path: Path) -> None:
    text = refusal(tmp_path, f'{VALID}\n[actors]\nbot_branches = ["renovate/*", "bots/"]\n')
    assert 'no branch has this name; write "bots/*" for all branches below it' in text
    assert "actors.bot_branches" in text


def test_edited_patterns_reach_the_costs_of_all_days_without_the_job_runs(tmp_path: Path) -> None:
    """Kinds follow from columns that are there: the next derivation renames them, and what rests on them is stale."""
    settings = read_settings(write(tmp_path, f'{VALID}\n[actors]\nbot_branches = ["robot/*"]\n'))
    lake = open_lake(tmp_path / "data")
    land_rows(lake, [record(1, VCS_BRANCH="robot/1"), record(2, VCS_BRANCH="renovate/1")])
    ingest(lake)
    kinds = "SELECT branch, actor_kind FROM daily_costs ORDER BY branch"
    store = TableStore(lake)
    with store.writing(DAILY_COSTS.name, CENTER) as connection:
        write_daily_costs(connection, lake, CENTER, [FIRST], EXPORTED, history_start=FIRST, restatement_days=4)
    with store.reading() as opened:
        assert opened.connection.execute(kinds).fetchall() == [("renovate/1", "bot"), ("robot/1", "person")]
        before = one_row(opened.connection, sql("core/costs_stamp"))
    edited = TableStore(lake, actors=settings.actors.patterns)
    lake.job_runs_file(CENTER, FIRST).unlink()
    use_current_names(edited)
    with edited.reading() as opened:
        assert one_row(opened.connection, sql("core/costs_stamp")) != before
        assert opened.connection.execute(kinds).fetchall() == [("renovate/1", "person"), ("robot/1", "bot")]
        written = opened.snapshot
    use_current_names(edited)
    assert take_snapshot(lake) == written
