"""Ledger and outbox as objects: every request is counted, no message is lost, by any number of processes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from circleci_cost.circleci.quota import QuotaLedger
from circleci_cost.clock import ManualClock
from circleci_cost.errors import StorageError, TransientSourceError
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.notify.messages import Key, Message
from circleci_cost.notify.outbox import Outbox, outbox_path
from circleci_cost_tests.s3_server import S3Server

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORG = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"


def test_f028_every_request_of_many_processes_is_counted_once(folder: StorePath) -> None:
    def ask(_: int) -> bool:
        ledger = QuotaLedger(folder / "state/quota.sqlite", ManualClock(NOW), posts_per_hour=6)
        try:
            ledger.acquire("POST", ORG, patience=0)
        except TransientSourceError:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(ask, range(12))) == 6


def test_a_pause_that_circleci_asked_for_holds_for_all_processes(folder: StorePath) -> None:
    clock = ManualClock(NOW)
    QuotaLedger(folder / "quota.sqlite", clock).pause("POST", ORG, 100)
    other = QuotaLedger(folder / "quota.sqlite", clock)
    with pytest.raises(TransientSourceError, match="CircleCI asked us to wait"):
        other.acquire("POST", ORG, patience=10)
    other.acquire("POST", ORG)
    assert clock.now() - NOW >= timedelta(seconds=100)


def test_a_damaged_ledger_is_named_and_stays_as_it_is(folder: StorePath) -> None:
    write_atomic(folder / "quota.sqlite", b"no database at all, of any length " * 40)
    with pytest.raises(StorageError, match=r"The request ledger s3://.* cannot be used"):
        QuotaLedger(folder / "quota.sqlite", ManualClock(NOW)).acquire("GET", ORG)
    assert (folder / "quota.sqlite").read_bytes().startswith(b"no database")


def test_messages_wait_in_the_store_and_are_claimed_by_one_process(folder: StorePath, s3: S3Server) -> None:
    path = outbox_path(Lake(folder))
    clock = ManualClock(NOW)
    first, second = Outbox(path, clock), Outbox(path, clock)
    message = Message(title="A budget is used up")
    assert first.enqueue(Key("budget", "platform", "2026-11", "100"), message, ["slack", "mail"]) == 2
    assert second.enqueue(Key("budget", "platform", "2026-11", "100"), message, ["slack", "mail"]) == 0
    claim = first.claim("slack")
    assert claim is not None
    assert second.claim("slack") is None
    first.mark_delivered(claim, ["slack"], {})
    s3.requests.clear()
    assert [waiting.channel for waiting in second.undelivered()] == ["mail"]
    # Looking changes nothing: the outbox itself is read only.
    assert [path for method, path in s3.requests if method == "PUT" and path.endswith("sqlite")] == []


def test_a_damaged_outbox_is_named_and_stays_as_it_is(folder: StorePath) -> None:
    path = outbox_path(Lake(folder))
    write_atomic(path, b"no database at all, of any length " * 40)
    with pytest.raises(StorageError, match=r"The outbox s3://.* is damaged"):
        Outbox(path, ManualClock(NOW)).undelivered()
    assert path.read_bytes().startswith(b"no database")
