"""Shared leases: many hold one together, nobody alone meanwhile, and those that stand still hold nobody up for long."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.reading_turns import WAITING_FOR_EARLIER_VERSION, reading_turn
from circleci_cost.lake.stores.leases import LEASE_SECONDS, LostLeaseError, take
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.shared_leases import share
from circleci_cost.lake.turns import turn
from circleci_cost_tests.s3_server import S3Server

_LONG = timedelta(seconds=LEASE_SECONDS + 5)


def test_nobody_holds_a_lease_alone_until_the_last_who_share_it_has_given_it_back(folder: StorePath) -> None:
    first, second = share(folder / "lock"), share(folder / "lock")
    assert first is not None
    assert second is not None
    first.renew()
    second.renew()
    first.renew()
    first.require()
    second.confirm()
    assert take(folder / "lock") is None
    first.release()
    with pytest.raises(LostLeaseError):
        first.require()
    second.confirm()
    assert take(folder / "lock") is None
    second.release()
    alone = take(folder / "lock")
    assert alone is not None
    assert alone.token > second.token
    assert share(folder / "lock") is None
    alone.release()
    again = share(folder / "lock")
    assert again is not None
    again.release()


def test_many_share_a_lease_at_the_same_moment_and_all_give_it_back(folder: StorePath) -> None:
    with ThreadPoolExecutor(6) as pool:
        leases = [lease for lease in pool.map(lambda _: share(folder / "lock"), range(6)) if lease]
        assert len(leases) == 6
        assert len({lease.token for lease in leases}) == 1
        list(pool.map(lambda lease: lease.confirm(), leases))
        assert take(folder / "lock") is None
        list(pool.map(lambda lease: lease.release(), leases))
    alone = take(folder / "lock")
    assert alone is not None
    alone.release()


def test_a_sharer_that_stands_still_ends_by_the_clock_of_the_store_and_is_not_counted_again(
    folder: StorePath, s3: S3Server
) -> None:
    stale = share(folder / "lock")
    assert stale is not None
    later = share(folder / "lock")
    assert later is not None
    later.release()
    # It may be alive, for all that the store tells.
    assert take(folder / "lock") is None
    s3.ahead = _LONG
    after = share(folder / "lock")
    assert after is not None
    assert after.token == stale.token + 1
    stale.renew()
    with pytest.raises(LostLeaseError):
        stale.require()
    after.release()
    alone = take(folder / "lock")
    assert alone is not None
    alone.release()


@pytest.fixture
def remote(folder: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake in a store, and a machine whose temporary files are the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return open_lake(folder)


def test_readers_of_two_cost_centers_share_a_store_but_not_with_an_earlier_version(remote: Lake) -> None:
    said: list[str] = []

    def read() -> None:
        with reading_turn(remote, "acme", said.append, at_once=2):
            said.append("reads")

    with (
        reading_turn(remote, "initech", pytest.fail, at_once=2),
        reading_turn(remote, "hooli", pytest.fail, at_once=2),
    ):
        lock = remote.job_runs_lock
        assert isinstance(lock, StorePath)
        assert take(lock) is None
    with ThreadPoolExecutor(1) as pool, turn(lock):
        reader = pool.submit(read)
        while not said:
            time.sleep(0.01)
        assert not reader.done()
    assert said == [WAITING_FOR_EARLIER_VERSION.waits, WAITING_FOR_EARLIER_VERSION.goes_on, "reads"]
