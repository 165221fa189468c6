"""Turns between processes: one at a time, no wake-up lost, and a killed holder holds nobody up."""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.assets import BUDGET_STATUS
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.turns import PUBLISHING, turn
from circleci_cost_tests.pipeline.processes import ended, start

PROCESSES, ROUNDS = 4, 50


def count_up(root: Path) -> None:
    """Add one to a number in a file, again and again: whatever two do at once is lost."""
    for _ in range(ROUNDS):
        with turn(root / "lock"):
            number = int((root / "number").read_text())
            time.sleep(0)
            (root / "number").write_text(str(number + 1))


def hold(root: Path, held: Any) -> None:
    """Take the turn and keep it for ever."""
    with turn(root / "lock"):
        held.set()
        time.sleep(600)


def add_rows(root: Path) -> None:
    """Add a row to a table, again and again."""
    columns = "budget, period_kind, period, period_start, period_end, unit, amount, actual, unpriced_credits, days"
    more = "days_gone, period_gone, prorated_budget, status, data_through"
    day = "DATE '2026-01-01'"
    row = f"'b', 'month', '2026-01', {day}, {day}, 'USD', 1, 1, 0, 31, 1, 0.1, 1, 'on_track', {day}"
    for _ in range(10):
        with warehouse_resource(Lake(root)).writing(BUDGET_STATUS) as connection:
            connection.execute(f"INSERT INTO budget_status ({columns}, {more}) VALUES ({row})")


def test_each_turn_is_one_process_alone_and_none_waits_for_ever(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    processes = [start(count_up, tmp_path) for _ in range(PROCESSES)]
    assert [ended(process) for process in processes] == [0] * PROCESSES
    assert (tmp_path / "number").read_text() == str(PROCESSES * ROUNDS)


def test_a_killed_process_gives_its_turn_back_and_the_wait_is_reported_once(tmp_path: Path) -> None:
    held = get_context("forkserver").Event()
    process = start(hold, tmp_path, held)
    assert held.wait(60)
    sentences = []

    def kill(sentence: str) -> None:
        sentences.append(sentence)
        if sentence == PUBLISHING.waits:
            os.kill(process.pid or 0, signal.SIGKILL)

    with turn(tmp_path / "lock", kill, PUBLISHING):
        assert sentences == [PUBLISHING.waits, PUBLISHING.goes_on]
    with turn(tmp_path / "lock", pytest.fail, PUBLISHING):
        assert ended(process) == -signal.SIGKILL


def test_a_turn_is_given_back_where_its_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), turn(tmp_path / "lock"):
        raise ValueError("broken")
    with turn(tmp_path / "lock", pytest.fail, PUBLISHING):
        pass


def test_a_table_is_written_by_many_processes_in_turn(tmp_path: Path) -> None:
    processes = [start(add_rows, tmp_path) for _ in range(PROCESSES)]
    assert [ended(process) for process in processes] == [0] * PROCESSES
    with warehouse_resource(Lake(tmp_path)).get_connection() as connection:
        assert connection.sql("SELECT count(*) FROM budget_status").fetchall() == [(PROCESSES * 10,)]


def test_a_lock_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a directory belongs")
    with pytest.raises(StorageError, match=r"Cannot write .*lock: File exists"), turn(tmp_path / "state" / "lock"):
        pass
