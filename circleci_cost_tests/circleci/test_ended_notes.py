"""Notes and locks of export jobs: removed when they say nothing any more, never under another process's hands."""

import fcntl
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from circleci_cost.circleci.intents import held, remove_ended
from circleci_cost.errors import SourceError
from circleci_cost_tests.circleci.harness import WINDOW, Harness
from circleci_cost_tests.simulator_faults import actions

DAY = timedelta(hours=24)


def files(site: Harness) -> list[str]:
    return sorted(path.suffix for path in site.lake.intents.glob("*/*"))


def test_a_window_that_has_landed_leaves_neither_note_nor_lock(site: Harness) -> None:
    site.fetch()
    assert files(site) == []


def test_the_note_of_a_failed_window_stays_for_a_day_and_goes_then(site: Harness) -> None:
    site.fault("poll", actions.change_json("another job", lambda value: value | {"usage_export_job_id": "0" * 8}))
    with pytest.raises(SourceError):
        site.fetch()
    assert files(site) == [".json", ".lock"]
    now = site.clock.now()
    assert remove_ended(site.lake.intents, now + DAY - timedelta(minutes=5)) == 0
    assert files(site) == [".json", ".lock"]
    assert remove_ended(site.lake.intents, now + DAY) == 1
    assert files(site) == []
    assert site.landed_contents(site.fetch()) == site.contents


def test_a_note_that_is_held_or_cannot_be_read_stays(site: Harness) -> None:
    path = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day)
    path.parent.mkdir(parents=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_ended(site.lake.intents, site.clock.now()) == 0
    path.write_text("no note")
    assert remove_ended(site.lake.intents, site.clock.now()) == 0
    path.unlink()
    # What earlier versions left of each window: a lock alone.
    assert remove_ended(site.lake.intents, site.clock.now()) == 1
    assert files(site) == []


def test_a_window_is_held_once_however_often_its_lock_is_removed(site: Harness) -> None:
    """Each holder removes the lock when it ends, while others open it, wait for it, and tidy."""
    path = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day)
    inside, most, rounds = [0], [0], [0]

    def work() -> None:
        for _ in range(40):
            with held(path, site.clock, "window", lambda text, seconds: None, 1e9):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                rounds[0] += 1
                Path(path.parent / "turn").write_text("x" * 1000)
                inside[0] -= 1
            remove_ended(site.lake.intents, site.clock.now())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, rounds, files(site)) == ([1], [160], [""])
