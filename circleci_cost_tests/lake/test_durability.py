"""What a power cut leaves: bytes are on disk before a name points at them; a change is recorded before it is made.

The calls of the operating system are watched; nothing of the package is replaced.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost_tests.lake.disk_calls import Call, Renamed, synced, watched
from circleci_cost_tests.model.usage.builders import record, records

from .builders import CENTER, contents, day, days, ingest, land_rows


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls that decide what a power cut leaves, in their order."""
    return watched(monkeypatch)


def test_a_files_bytes_are_on_disk_before_its_rename_and_the_rename_before_it_is_done(
    tmp_path: Path, calls: list[Call]
) -> None:
    target = tmp_path / "current.json"
    write_atomic(target, b"all of it")
    assert calls == [synced(target), Renamed(target), synced(tmp_path)]


def test_days_and_restatements_are_on_disk_before_their_renames(lake: Lake, calls: list[Call]) -> None:
    land_rows(lake, records(3))
    ingest(lake)
    land_rows(lake, records(2), export_id="export-2", hours=1)
    calls.clear()
    ingest(lake)
    (restatement,) = lake.restatements(CENTER).glob("*.parquet")
    written = lake.job_runs_file(CENTER, day(1))
    # The restatement first: whoever finds the new day finds what it changed, too.
    assert calls == [
        step
        for path in (restatement, written)
        for step in (synced(path), Renamed(path), synced(path.parent))
    ]  # fmt: skip


class PowerCut(BaseException):
    """Ends everything in the middle of what it does."""


def cut_at(monkeypatch: pytest.MonkeyPatch, nth: int, *, after: bool) -> Callable[[], bool]:
    """Cut the power before or after the nth rename; the answer is whether there were so many."""
    replace, seen = os.replace, [0]

    def counted(source: Any, target: Any, **options: Any) -> None:
        seen[0] += 1
        if seen[0] == nth and not after:
            raise PowerCut
        replace(source, target, **options)
        if seen[0] == nth:
            raise PowerCut

    monkeypatch.setattr(os, "replace", counted)
    return lambda: seen[0] >= nth


def later_export(lake: Lake) -> None:
    """Of days 1 and 2: changed, vanished and new jobs; job 1 moves to day 4, out of the window before."""
    early = [record(job, JOB_RUN_DATE=str(day(number))) for job, number in ((1, 1), (2, 1), (3, 2), (4, 2))]
    land_rows(lake, early, day(1), day(2), export_id="first")
    ingest(lake, days(1, 2))
    late = [record(job, JOB_RUN_DATE=str(day(number)), TOTAL_CREDITS="50") for job, number in ((3, 2), (5, 2), (1, 4))]
    land_rows(lake, late, day(2), day(4), export_id="second", hours=24)


def without_exports(lake: Lake) -> dict[Path, bytes]:
    """All files but the exports, which are given; gzip writes the time into them."""
    files = {path.relative_to(lake.root): content for path, content in contents(lake).items()}
    return {path: content for path, content in files.items() if path.parts[0] != "exports"}


@pytest.mark.parametrize("after", [False, True], ids=["before a rename", "after a rename"])
def test_f085_wherever_an_ingest_is_cut_off_every_change_ends_up_recorded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    whole = open_lake(tmp_path / "whole")
    later_export(whole)
    ingest(whole, days(2, 4))
    expected = without_exports(whole)
    assert read_restatements(whole, [CENTER]).select("date", "jobs_added", "jobs_removed", "jobs_changed").rows() == [
        (day(1), 0, 1, 0),
        (day(2), 1, 1, 1),
    ]
    moments = 0
    while True:
        lake = open_lake(tmp_path / f"cut {moments}")
        later_export(lake)
        with monkeypatch.context() as patch:
            came_to_it = cut_at(patch, moments + 1, after=after)
            try:
                ingest(lake, days(2, 4))
            except PowerCut:
                pass
            else:
                assert not came_to_it()
                break
        ingest(lake, days(2, 4))
        assert without_exports(lake) == expected
        moments += 1
    # Three days written, one left, and a restatement of each of the two that changed.
    assert moments == 6
