"""When a request may be sent, counted over all processes."""

import bisect
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.circleci.quota import Kind, QuotaLedger
from circleci_cost.clock import ManualClock
from circleci_cost.errors import StorageError, TransientSourceError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORG = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"


def ledger(tmp_path: Path, clock: ManualClock, waits: list[tuple[str, float]] | None = None) -> QuotaLedger:
    return QuotaLedger(
        tmp_path / "state" / "quota.sqlite",
        clock,
        on_wait=lambda reason, seconds: None if waits is None else waits.append((reason, round(seconds))),
    )


def elapsed(clock: ManualClock) -> float:
    return round(clock.monotonic(), 1)


def test_f028_the_eleventh_post_of_an_hour_waits_and_says_why(tmp_path: Path) -> None:
    clock, waits = ManualClock(NOW), list[tuple[str, float]]()
    first, second = ledger(tmp_path, clock, waits), ledger(tmp_path, clock, waits)
    for _ in range(5):
        first.acquire("POST", ORG)
        second.acquire("POST", ORG)
    assert elapsed(clock) == 0
    clock.advance(timedelta(minutes=59))
    first.acquire("POST", ORG)
    assert elapsed(clock) == 3602
    assert waits[:2] == [
        ("CircleCI allows 10 export requests an hour per organization", 62),
        ("CircleCI allows 10 export requests an hour per organization", 47),
    ]


def test_a_limit_of_one_request_is_named_in_the_singular(tmp_path: Path) -> None:
    quota = QuotaLedger(tmp_path / "quota.sqlite", ManualClock(NOW), posts_per_hour=1)
    quota.acquire("POST", ORG)
    with pytest.raises(TransientSourceError, match="CircleCI allows 1 export request an hour per organization"):
        quota.acquire("POST", ORG, patience=60)


def test_other_organizations_and_kinds_have_quotas_of_their_own(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    quota = ledger(tmp_path, clock)
    for _ in range(10):
        quota.acquire("POST", ORG)
        quota.acquire("POST", "another")
        quota.acquire("GET", ORG)
    assert elapsed(clock) == 0
    quota.acquire("GET", ORG)
    assert elapsed(clock) == 62


def test_f008_after_a_429_no_process_asks_earlier(tmp_path: Path) -> None:
    clock, waits = ManualClock(NOW), list[tuple[str, float]]()
    ledger(tmp_path, clock).pause("POST", ORG, 3600)
    ledger(tmp_path, clock).pause("POST", ORG, 5)
    ledger(tmp_path, clock, waits).acquire("POST", ORG)
    assert (elapsed(clock), waits[0]) == (3600, ("CircleCI asked us to wait (429)", 3600))


def test_f028_who_cannot_wait_so_long_is_told_when_to_come_back(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    quota = ledger(tmp_path, clock)
    quota.pause("POST", ORG, 3600)
    with pytest.raises(TransientSourceError) as caught:
        quota.acquire("POST", ORG, patience=60)
    assert (str(caught.value), caught.value.retry_after, elapsed(clock)) == (
        f"Organization {ORG} cannot be asked for another 60 min: CircleCI asked us to wait (429); nothing "
        "was lost, run the same command again after that.",
        3600,
        0,
    )


def test_f077_requests_counted_by_a_clock_a_day_ahead_delay_by_one_window_at_most(tmp_path: Path) -> None:
    ahead = ledger(tmp_path, ManualClock(NOW + timedelta(days=1)))
    for _ in range(10):
        ahead.acquire("POST", ORG)
    ahead.pause("GET", ORG, 30)
    clock = ManualClock(NOW)
    ledger(tmp_path, clock).acquire("GET", ORG)
    assert elapsed(clock) == 30
    ledger(tmp_path, clock).acquire("POST", ORG)
    assert elapsed(clock) == 3602


def test_a_damaged_ledger_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match=r"quota\.sqlite cannot be used .*remove it if it is damaged"):
        QuotaLedger(path, ManualClock(NOW)).acquire("GET", ORG)


KINDS: st.SearchStrategy[Kind] = st.sampled_from(("POST", "GET"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        KINDS,
        st.sampled_from(["one", "two"]),
        st.integers(0, 900),
        st.one_of(st.none(), st.integers(1, 5000)),
    ),
    max_size=60,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_f028_never_more_than_the_quota_in_any_sliding_window(
    steps: list[tuple[int, Kind, str, int, int | None]],
) -> None:
    with TemporaryDirectory() as folder:
        clock = ManualClock(NOW)
        ledgers = [ledger(Path(folder), clock), ledger(Path(folder), clock)]
        times: dict[tuple[str, str], list[float]] = {}
        pauses: dict[tuple[str, str], float] = {}
        for process, kind, organization, advance, pause in steps:
            clock.advance(timedelta(seconds=advance))
            if pause is not None:
                ledgers[process].pause(kind, organization, pause)
                key = (kind, organization)
                pauses[key] = max(pauses.get(key, 0), clock.monotonic() + pause)
            ledgers[process].acquire(kind, organization)
            assert clock.monotonic() >= pauses.get((kind, organization), 0) - 0.001
            times.setdefault((kind, organization), []).append(clock.monotonic())
        for (counted, _), asked in times.items():
            span = 3600 if counted == "POST" else 60
            assert all(bisect.bisect(asked, end) - bisect.bisect_left(asked, end - span) <= 10 for end in asked)


_PROCESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from circleci_cost.circleci.quota import QuotaLedger
from circleci_cost.clock import ManualClock

class Full(Exception):
    pass

def full(reason, seconds):
    raise Full

ledger = QuotaLedger(Path(sys.argv[1]), ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC)), on_wait=full)
granted = 0
try:
    while True:
        ledger.acquire("POST", "one")
        granted += 1
except Full:
    print(granted)
"""


def test_f028_two_processes_at_once_share_one_quota(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROCESS, str(tmp_path / "quota.sqlite")]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) for _ in range(2)
    ]
    granted = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(granted) == 10


def patched_connections(monkeypatch: pytest.MonkeyPatch, after: Callable[[str], None]) -> None:
    """Call `after` with each statement that a connection to SQLite has executed from now on."""
    connect = sqlite3.connect

    class Watched(sqlite3.Connection):
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            cursor = super().execute(statement, *arguments)
            after(statement)
            return cursor

    def watched(path: Path, **options: Any) -> sqlite3.Connection:
        return connect(path, **options, factory=Watched)

    monkeypatch.setattr(sqlite3, "connect", watched)


def test_f028_two_that_count_at_the_same_moment_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits, once it has begun to read, for the other to have read too: who has the ledger has it alone."""
    ledger(tmp_path, ManualClock(NOW)).pause("GET", "another", 0)  # makes the file
    both_read = threading.Barrier(2)
    met = []

    def meet(statement: str) -> None:
        if statement.startswith("select") and not both_read.broken:
            try:
                both_read.wait(0.3)
            except threading.BrokenBarrierError:
                return
            met.append(statement)

    patched_connections(monkeypatch, meet)
    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(ledger(tmp_path, ManualClock(NOW)).acquire, "POST", ORG) for _ in range(2)]
        assert [future.result(60) for future in asking] == [None, None]
    assert met == []
    monkeypatch.undo()
    with sqlite3.connect(tmp_path / "state" / "quota.sqlite") as connection:
        assert connection.execute("select count(*) from requests").fetchall() == [(2,)]


def test_f028_a_ledger_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    quota = ledger(tmp_path, ManualClock(NOW))
    quota.acquire("GET", ORG)
    holder = sqlite3.connect(tmp_path / "state" / "quota.sqlite", isolation_level=None, check_same_thread=False)
    holder.execute("begin exclusive")
    freed = threading.Event()

    def free() -> None:
        freed.set()
        holder.execute("commit")

    release = threading.Timer(0.3, free)
    release.start()
    quota.acquire("GET", ORG)
    assert freed.is_set()
    release.join()
    holder.close()
