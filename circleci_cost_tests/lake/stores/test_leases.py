"""Leases: one holder at a time, ended by the store's clock, and a fence for those who have lost theirs."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import atomic_path, write_atomic
from circleci_cost.lake.stores import clients
from circleci_cost.lake.stores.failures import ChangedMeanwhileError
from circleci_cost.lake.stores.leases import LEASE_SECONDS, HeldLease, LostLeaseError, take
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import PUBLISHING, turn
from circleci_cost_tests.s3_server import AWAY, S3Server

_LONG = timedelta(seconds=LEASE_SECONDS + 5)


def test_one_process_holds_a_lease_and_the_token_of_the_next_is_greater(folder: StorePath) -> None:
    first = take(folder / "lock")
    assert first is not None
    assert take(folder / "lock") is None
    first.release()
    second = take(folder / "lock")
    assert second is not None
    assert second.token == first.token + 1
    with pytest.raises(LostLeaseError):
        first.require()
    second.require()
    assert [path.name for path in folder.iterdir()] == ["lock"]
    second.remove()
    assert list(folder.iterdir()) == []


def test_of_many_who_want_a_lease_one_gets_it(folder: StorePath) -> None:
    with ThreadPoolExecutor(5) as pool:
        leases = [lease for lease in pool.map(lambda _: take(folder / "lock"), range(5)) if lease]
    assert len(leases) == 1
    leases[0].release()


def test_a_wait_for_a_turn_is_said_and_ends_when_the_other_ends(folder: StorePath) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(1) as pool, turn(folder / "lock"):
        waiting = pool.submit(lambda: _in_turn(folder, said))
        while not said:
            time.sleep(0.01)
        assert said == [PUBLISHING.waits]
        assert not waiting.done()
    assert said == [PUBLISHING.waits, PUBLISHING.goes_on, "at work"]


def _in_turn(folder: StorePath, said: list[str]) -> None:
    with turn(folder / "lock", said.append, PUBLISHING):
        said.append("at work")


_HOLDER = """
import sys, time
from circleci_cost.lake.stores.leases import take
from circleci_cost.lake.stores.paths import StorePath
take(StorePath(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_f087_the_lease_of_a_killed_process_ends_by_the_clock_of_the_store_alone(
    folder: StorePath, s3: S3Server
) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(folder / "lock")], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert take(folder / "lock") is None
    s3.ahead = _LONG
    lease = take(folder / "lock")
    assert lease is not None
    assert lease.token == 2
    lease.release()


def test_f087_a_worker_that_lost_its_lease_does_not_overwrite_the_work_of_the_one_that_took_over(
    folder: StorePath, s3: S3Server
) -> None:
    stale = take(folder / "lock")
    assert stale is not None
    with HeldLease(stale):
        with pytest.raises(ChangedMeanwhileError, match="day"), atomic_path(folder / "day") as temporary:
            temporary.write_bytes(b"of the stale worker")
            s3.ahead = _LONG
            new = take(folder / "lock")
            assert new is not None
            _write_elsewhere(folder / "day", b"of the new worker")
        stale.renew()
        with pytest.raises(LostLeaseError, match=r"lost its turn at s3://.*/lock"):
            write_atomic(folder / "day", b"once more")
        with pytest.raises(LostLeaseError):
            stale.confirm()
    assert (folder / "day").read_bytes() == b"of the new worker"
    assert new is not None
    # Giving back a lost lease leaves the new holder's alone.
    new.confirm()
    new.release()


def _write_elsewhere(path: StorePath, content: bytes) -> None:
    """Write as another process would: without the leases of this thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(write_atomic, path, content).result()


def test_a_lease_that_cannot_be_renewed_ends_for_its_holder_before_it_ends_for_others(
    folder: StorePath, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_RETRIES", 0)
    lease = take(folder / "lock", seconds=0.4)
    assert lease is not None
    s3.before = lambda method, path: AWAY
    time.sleep(0.5)
    with pytest.raises(LostLeaseError):
        lease.require()
    lease.release()


def test_a_thread_renews_a_lease_also_where_an_answer_is_lost(folder: StorePath, s3: S3Server) -> None:
    lost = iter([AWAY])
    s3.after = lambda method, path: next(lost, None) if method == "PUT" and path.endswith("/lock") else None
    lease = take(folder / "lock", seconds=4.0)
    assert lease is not None
    first = lease.version
    while lease.version == first:
        time.sleep(0.05)
    lease.confirm()
    assert lease.token == 1
    lease.release()


def test_an_object_that_is_no_lease_is_left_alone_and_named(folder: StorePath) -> None:
    write_atomic(folder / "lock", b"something else")
    with pytest.raises(StorageError, match="/lock is not a lease of this version; remove it"):
        take(folder / "lock")
    assert (folder / "lock").read_bytes() == b"something else"
