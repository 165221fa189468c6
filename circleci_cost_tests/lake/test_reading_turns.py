"""Whom a reader of exports waits for: its own cost center, memory, and nobody else."""

import os
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.memory import memory_bytes
from circleci_cost.lake.reading_turns import WAITING_FOR_MEMORY, places, reading_turn, reading_words
from circleci_cost_tests.pipeline.processes import ended, start

GB = 1_000_000_000


def read(lake: Lake, asked: tuple[str, int], said: Any, reading: Any, go_on: Any) -> None:
    """Take the turn of a cost center, with so many at once, and keep it until told to go on."""
    cost_center, at_once = asked
    with reading_turn(lake, cost_center, said.put, at_once=at_once):
        reading.set()
        assert go_on.wait(60)


class Reader:
    """A process that reads a cost center until it is told to go on."""

    def __init__(self, lake: Lake, cost_center: str, at_once: int = 4) -> None:
        context = get_context("forkserver")
        self.said, self.reading, self.go_on = context.Queue(), context.Event(), context.Event()
        self.process = start(read, lake, (cost_center, at_once), self.said, self.reading, self.go_on)

    def end(self) -> None:
        """Let it go on, and wait for its end."""
        self.go_on.set()
        assert ended(self.process) == 0


def test_two_cost_centers_are_read_at_the_same_time(lake: Lake) -> None:
    readers = [Reader(lake, name) for name in ("acme", "initech", "hooli")]
    assert all(reader.reading.wait(60) for reader in readers)
    for reader in readers:
        reader.end()
        assert reader.said.empty()


def test_two_windows_of_one_cost_center_are_read_one_after_the_other(lake: Lake) -> None:
    first = Reader(lake, "acme")
    assert first.reading.wait(60)
    second = Reader(lake, "acme")
    words = reading_words("acme")
    assert second.said.get(timeout=60) == words.waits
    assert not second.reading.wait(0.5)
    first.end()
    assert second.reading.wait(60)
    assert second.said.get(timeout=60) == words.goes_on
    second.end()


def test_no_more_read_at_once_than_the_memory_holds(lake: Lake) -> None:
    readers = [Reader(lake, name, at_once=2) for name in ("acme", "initech")]
    assert all(reader.reading.wait(60) for reader in readers)
    third = Reader(lake, "hooli", at_once=2)
    assert third.said.get(timeout=60) == WAITING_FOR_MEMORY.waits
    assert not third.reading.wait(0.5)
    readers[1].end()
    assert third.reading.wait(60)
    assert third.said.get(timeout=60) == WAITING_FOR_MEMORY.goes_on
    third.end()
    readers[0].end()


def test_a_killed_reader_holds_nobody_up(lake: Lake) -> None:
    killed = Reader(lake, "acme", at_once=1)
    assert killed.reading.wait(60)
    killed.process.kill()
    killed.process.join()
    begun = time.monotonic()
    with reading_turn(lake, "acme", pytest.fail, at_once=1), reading_turn(lake, "initech", pytest.fail, at_once=2):
        assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("memory", "processors", "count"),
    [(1 * GB, 8, 1), (4 * GB, 2, 1), (8 * GB, 1, 1), (8 * GB, 4, 2), (16 * GB, 4, 4), (64 * GB, 4, 4)],
)
def test_half_of_the_memory_is_left_to_others(memory: int, processors: int, count: int) -> None:
    assert places(memory, processors) == count


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/", {"memory.max": f"{GB}\n"}, GB),
        ("0::/system.slice/dagster.service", {"system.slice/memory.max": "max", "memory.max": f"{GB}"}, GB),
        ("0::/a/b", {"a/b/memory.max": f"{2 * GB // 10}", "a/memory.max": f"{3 * GB // 10}"}, 2 * GB // 10),
        ("0::/\udcff", {"memory.max": f"{GB}"}, GB),
        ("4:cpu,memory:/docker", {"memory/docker/memory.limit_in_bytes": f"{GB}"}, GB),
    ],
    ids=["container", "service without a limit below one", "the smallest counts", "no text", "version 1"],
)
def test_a_containers_limit_is_its_memory(tmp_path: Path, own: str, files: dict[str, str], limit: int) -> None:
    (tmp_path / "own").write_bytes(os.fsencode(f"1:name=systemd:/elsewhere\n{own}\n"))
    for name, text in files.items():
        path = tmp_path / "cgroups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_bytes(tmp_path / "cgroups", tmp_path / "own") == limit
    assert memory_bytes(tmp_path / "nothing", tmp_path / "own") > limit
    assert memory_bytes(tmp_path / "nothing", tmp_path / "nothing") > limit
