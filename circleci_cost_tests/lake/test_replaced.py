"""Exports and generations that another process replaces while they are read: nobody sees half of one."""

import gzip
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from circleci_cost.errors import StorageError, TransientSourceError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.warehouse.publishing.generations import (
    KEPT_SECONDS,
    POINTER,
    GenerationManifest,
    current_generation,
    point_to,
    prune,
)
from circleci_cost_tests.model.usage.builders import records, unquoted

from .builders import CENTER, EXPORTED, FIRST, contents, day, ingest, land, stored


def parts(credits: int) -> list[bytes]:
    """Two parts of ten jobs, each with so many credits."""
    rows = records(10, TOTAL_CREDITS=str(credits), COMPUTE_CREDITS=str(credits))
    return [unquoted(rows[:5]), unquoted(rows[5:])]


def jobs_and_credits(lake: Lake) -> tuple[int, set[int]]:
    """The number of jobs of the day and the different credits that they have."""
    rows = stored(lake)
    return rows.height, {int(credits) for credits in rows["total_credits"]}


@contextmanager
def replaced_while_read(lake: Lake, times: int) -> Iterator[None]:
    """While the first part of an export is read, land the next one over it, so many times.

    The part is a pipe: its reader gets what it asks for when the next export has landed.
    """

    def replace() -> None:
        for number in range(times):
            with (directory / f"part-export-{number}-0000.csv.gz").open("wb") as pipe:
                land(lake, parts(number + 1), export_id=f"export-{number + 1}", hours=number + 1)
                if number + 1 < times:
                    as_pipe(number + 1)
                pipe.write(gzip.compress(parts(number)[0]))

    def as_pipe(number: int) -> None:
        path = directory / f"part-export-{number}-0000.csv.gz"
        path.unlink()
        os.mkfifo(path)

    directory = land(lake, parts(0), export_id="export-0")
    as_pipe(0)
    writer = threading.Thread(target=replace)
    writer.start()
    yield
    writer.join(30)
    assert not writer.is_alive()


@pytest.mark.parametrize("times", [1, 3])
def test_an_export_replaced_while_it_is_read_is_read_anew(lake: Lake, times: int) -> None:
    with replaced_while_read(lake, times):
        report = ingest(lake)
    assert jobs_and_credits(lake) == (10, {times})
    assert (report.rows_read, report.duplicate_rows) == (10, 0)
    assert list(lake.spill.glob("*")) == []


def test_an_export_that_is_replaced_again_and_again_is_left_for_later(lake: Lake) -> None:
    with (
        replaced_while_read(lake, 5),
        pytest.raises(TransientSourceError, match=r"of cost center 'acme' were replaced 5 times while they were read"),
    ):
        ingest(lake)
    assert lake.job_runs_days(CENTER) == []
    ingest(lake)
    assert jobs_and_credits(lake) == (10, {5})


def test_whoever_reads_while_others_land_gets_one_whole_export(lake: Lake) -> None:
    land(lake, parts(0), export_id="export-0")
    stop = threading.Event()

    def land_again_and_again() -> None:
        number = 0
        while not stop.wait(0.05):
            number += 1
            land(lake, parts(number), export_id=f"export-{number}", hours=number)

    writer = threading.Thread(target=land_again_and_again)
    writer.start()
    seen: set[int] = set()
    deadline = time.monotonic() + 30
    try:
        while len(seen) < 5 and time.monotonic() < deadline:
            ingest(lake, hours=10_000 + len(seen))
            jobs, credits = jobs_and_credits(lake)
            assert (jobs, len(credits)) == (10, 1)
            seen |= credits
    finally:
        stop.set()
        writer.join(30)
    assert len(seen) == 5


def test_the_advice_for_a_missing_part_loses_nothing(lake: Lake) -> None:
    """The other parts may be the only copy of their days: no step of the advice removes them."""
    directory = land(lake, parts(7))
    (directory / "part-export-1-0001.csv.gz").unlink()
    before = contents(lake)
    with pytest.raises(StorageError) as caught:
        ingest(lake)
    sentence = str(caught.value)
    assert "part-export-1-0001.csv.gz, a part of export export-1, is missing; nothing was replaced." in sentence
    assert "move its directory out of exports (keep it)" in sentence
    assert "remove" not in sentence
    assert contents(lake) == before
    # As it says: out of the way, then what is left of it is fetched again.
    directory.rename(lake.root / "kept")
    assert ingest(lake).days_without_export == [FIRST]


def test_an_export_that_is_moved_away_is_not_there(lake: Lake) -> None:
    land(lake, parts(1), export_id="stays")
    dangling = land(lake, parts(1), day(2), day(2), export_id="goes") / "manifest.json"
    dangling.unlink()
    dangling.symlink_to(lake.root / "moved")
    assert [export.manifest.export_id for export in landed_exports(lake, CENTER)] == ["stays"]


def generation(lake: Lake, number: int, age_seconds: float) -> GenerationManifest:
    """A generation that was finished some time ago, and is the current one now."""
    manifest = GenerationManifest(
        generation=f"202610{number:02}T000000Z-0000000{number % 10}",
        published_at=EXPORTED,
        data_from=None,
        data_through=None,
        rows={},
        credits=Decimal(0),
        unpriced_credits=Decimal(0),
        cost_usd=Decimal(0),
    )
    (lake.published / manifest.generation).mkdir(parents=True)
    directory = point_to(lake, manifest).directory
    os.utime(directory, (time.time() - age_seconds,) * 2)
    return manifest


def test_a_generation_is_kept_for_an_hour_after_the_next_one_was_finished(lake: Lake) -> None:
    """The second was current for a week, until a minute ago: somebody may have just opened it."""
    week = 7 * 24 * 3600
    first, second, *_, last = (
        generation(lake, number, age) for number, age in enumerate([2 * week, week, 60, 50, 40, 30], start=1)
    )
    assert prune(lake, last.generation) == [first.generation]
    assert (lake.published / second.generation).is_dir()
    for directory in lake.published.glob("2*"):
        os.utime(directory, (time.time() - KEPT_SECONDS - 60,) * 2)
    assert second.generation in prune(lake, last.generation)
    assert len(list(lake.published.glob("2*"))) == 3


def test_a_generation_that_was_never_finished_does_not_shorten_the_time_of_the_others(lake: Lake) -> None:
    finished = [generation(lake, number, KEPT_SECONDS + 60).generation for number in (1, 2, 3)]
    for number in range(4, 9):
        unfinished = lake.published / f"2026100{number}T000000Z-0000000{number}"
        unfinished.mkdir()
        os.utime(unfinished, (time.time() - KEPT_SECONDS - 60,) * 2)
    assert len(prune(lake, finished[-1])) == 5
    assert sorted(path.name for path in lake.published.iterdir()) == [*finished, POINTER]


def test_a_reader_whose_generation_was_removed_reads_the_pointer_again(lake: Lake) -> None:
    current = generation(lake, 2, 0)
    pointer, newer = lake.published / POINTER, lake.published / "newer.json"
    pointer.rename(newer)
    os.mkfifo(pointer)

    def write_former() -> None:
        with pointer.open("w") as pipe:
            newer.rename(pointer)
            pipe.write(json.dumps({"generation": "20261001T000000Z-00000001"}))

    writer = threading.Thread(target=write_former)
    writer.start()
    assert current_generation(lake).manifest == current
    writer.join(30)


def test_a_pointer_to_a_missing_generation_is_reported(lake: Lake) -> None:
    generation(lake, 1, 0)
    (lake.published / POINTER).write_text('{"generation": "20261002T000000Z-00000002"}')
    with pytest.raises(StorageError, match=r"current\.json names no readable generation \(FileNotFoundError\); run"):
        current_generation(lake)
