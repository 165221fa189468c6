"""Dagster's SQLite files stay open while runs are executed."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from circleci_cost.defs.held_files import Durability, HeldFiles, hold_files


@pytest.fixture
def held() -> Iterator[HeldFiles]:
    holding = hold_files.__wrapped__()
    yield holding
    event.remove(Engine, "connect", holding.hold)
    holding.close()


def logs(folder: Path) -> set[str]:
    return {path.name.removesuffix("-wal") for path in folder.rglob("*-wal")}


def test_the_files_of_runs_stay_open_and_hold_what_was_recorded(tmp_path: Path, held: HeldFiles) -> None:
    @dg.job
    def nothing() -> None:
        """A run without steps."""

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run_ids = [nothing.execute_in_process(instance=instance).run_id for _ in range(2)]
        for run_id in run_ids:
            kinds = [entry.dagster_event_type for entry in instance.all_logs(run_id)]
            assert kinds[-1] is dg.DagsterEventType.RUN_SUCCESS
        # Their changes are in logs, which no event waits for to be moved.
        assert logs(tmp_path / "history") == {"runs.db", "index.db", *(f"{run_id}.db" for run_id in run_ids)}
        held.close()
        assert {run.run_id for run in instance.get_runs()} == set(run_ids)


def test_of_many_files_the_last_ones_are_held(tmp_path: Path, held: HeldFiles) -> None:
    for number in range(20):
        engine = create_engine(f"sqlite:///{tmp_path / str(number)}", poolclass=NullPool)
        for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE numbers (number INT)"):
            with engine.begin() as connection:
                connection.execute(text(statement))
    assert logs(tmp_path) == {str(number) for number in range(4, 20)}
    held.close()
    assert logs(tmp_path) == set()


@pytest.mark.parametrize(("durability", "level"), [("FULL", 2), ("NORMAL", 1), ("OFF", 0)])
def test_changes_reach_the_disk_as_was_asked_and_at_the_end_of_a_run_at_the_latest(
    tmp_path: Path, durability: str, level: int
) -> None:
    path = tmp_path / "runs.db"
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
    holding = HeldFiles(Durability(durability))
    event.listen(engine, "connect", holding.hold)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (number INT)"))
        assert connection.execute(text("PRAGMA synchronous")).scalar() == level
    before = path.stat().st_size
    holding.write_back()
    assert path.stat().st_size > before
    holding.close()


@pytest.mark.usefixtures("held")
def test_what_is_no_database_is_told_by_the_work_on_it_and_what_is_in_memory_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is no database." * 100)
    broken = create_engine(f"sqlite:///{tmp_path / 'text'}", poolclass=NullPool)
    with pytest.raises(DatabaseError, match="file is not a database"), broken.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (number INT)"))
    with create_engine("sqlite://", poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE numbers (number INT)"))
