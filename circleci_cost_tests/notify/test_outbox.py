"""The outbox itself: order, back-off, expiry, clocks that were set, and a file that is damaged."""

import sqlite3
from datetime import timedelta

import pytest

from circleci_cost.errors import StorageError
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.outbox import EXPIRES_AFTER, FIRST_RETRY, KEPT, LEASE, Undelivered
from circleci_cost_tests.notify.harness import NOW, Site, failed, slack_section
from circleci_cost_tests.notify.receiver import Receiver


@pytest.fixture
def queued(site: Site) -> Site:
    site.configure(slack_section())
    site.enqueue(failed("1"), failed("2"))
    return site


def test_messages_go_out_in_the_order_in_which_they_were_put_in(queued: Site) -> None:
    taken = [queued.outbox.claim("slack") for _ in range(3)]
    assert [claim and claim.envelope.key.period for claim in taken] == ["1", "2", None]


def test_a_message_that_is_taken_is_free_again_after_the_lease(queued: Site) -> None:
    for _ in range(2):
        queued.outbox.claim("slack")
    queued.clock.advance(LEASE - timedelta(microseconds=1))
    assert queued.outbox.claim("slack") is None
    queued.clock.advance(timedelta(microseconds=1))
    again = queued.outbox.claim("slack")
    assert again is not None
    assert (again.envelope.key.period, again.attempts) == ("1", 2)


def test_a_process_that_lost_its_lease_cannot_mark_the_message_of_another_one(queued: Site) -> None:
    slow = queued.outbox.claim("slack")
    queued.clock.advance(LEASE)
    quick = queued.outbox.claim("slack")
    assert slow is not None
    assert quick is not None
    queued.outbox.mark_refused(slow, NotDelivered("Too late."))
    queued.outbox.mark_delivered(quick, ["slack"], {})
    assert [message.reason for message in queued.outbox.undelivered()] == [None]


def test_f103_back_off_doubles_up_to_six_hours_and_the_message_expires_after_30_days(queued: Site) -> None:
    waits: list[timedelta] = []
    last = queued.clock.now()
    step = timedelta(minutes=1)
    while len(waits) < 12:
        if claim := queued.outbox.claim("slack"):
            queued.outbox.mark_refused(claim, NotDelivered("No."))
            if claim.envelope.key.period == "1":
                waits.append(queued.clock.now() - last)
                last = queued.clock.now()
        else:
            queued.clock.advance(step)
            step = timedelta(minutes=1) if len(waits) < 9 else timedelta(hours=1)
    assert [wait / timedelta(minutes=1) for wait in waits[:9]] == [0, 1, 2, 4, 8, 16, 32, 64, 128]
    assert waits[11] == timedelta(hours=6)
    queued.clock.advance(EXPIRES_AFTER - (queued.clock.now() - NOW) - timedelta(seconds=1))
    queued.outbox.tidy()
    assert {message.state for message in queued.outbox.undelivered()} == {"pending"}
    queued.clock.advance(timedelta(seconds=1))
    queued.outbox.tidy()
    assert [(message.state, message.reason) for message in queued.outbox.undelivered()] == [("expired", "No.")] * 2
    assert queued.outbox.claim("slack") is None


def test_what_was_sent_is_remembered_for_400_days(site: Site, receiver: Receiver) -> None:
    site.configure(slack_section())
    assert site.run(failed()).sent == 1
    site.clock.advance(KEPT - timedelta(seconds=1))
    assert site.run(failed()).sent == 0
    site.clock.advance(timedelta(seconds=1))
    site.deliver()
    with sqlite3.connect(site.path) as file:
        assert file.execute("select count(*) from messages").fetchone() == (0,)
    file.close()


def test_a_clock_that_ran_ahead_and_was_set_right_blocks_nothing(queued: Site) -> None:
    queued.clock.advance(timedelta(days=300))
    claim = queued.outbox.claim("slack")
    assert claim is not None
    queued.outbox.mark_refused(claim, NotDelivered("No."))
    queued.outbox.claim("slack")
    right = Site(queued.folder)
    assert right.outbox.claim("slack") is not None
    assert right.outbox.claim("slack") is not None


def test_whether_something_is_due_is_known_without_taking_it(queued: Site) -> None:
    assert (
        queued.outbox.has_due(["slack", "mail"]),
        queued.outbox.has_due(["mail"]),
        queued.outbox.has_due(["slack"]),
    ) == (
        True,
        False,
        True,
    )
    for _ in range(2):
        claim = queued.outbox.claim("slack")
        assert claim is not None
        queued.outbox.mark_refused(claim, NotDelivered("No."))
    assert not queued.outbox.has_due(["slack", "mail"])
    queued.clock.advance(FIRST_RETRY)
    assert queued.outbox.has_due(["slack"])


def test_waiting_messages_can_be_tried_at_once(queued: Site) -> None:
    for _ in range(2):
        claim = queued.outbox.claim("slack")
        assert claim is not None
        queued.outbox.mark_refused(claim, NotDelivered("Gone.", permanent=True))
    assert queued.outbox.claim("slack") is None
    queued.outbox.retry_now()
    assert queued.outbox.claim("slack") is not None


def test_messages_for_a_removed_channel_are_kept_and_shown(queued: Site, receiver: Receiver) -> None:
    queued.configure()
    report = queued.deliver()
    assert (report.sent, report.waiting) == (0, 2)
    assert report.problems == (
        "Messages wait for the channel 'slack', which the configuration does not have; add it again, or let them "
        "expire after 30 days.",
    )
    queued.configure(slack_section())
    assert queued.deliver().sent == 2


def test_undelivered_messages_are_listed_with_their_subject(queued: Site) -> None:
    claim = queued.outbox.claim("slack")
    assert claim is not None
    queued.outbox.mark_refused(claim, NotDelivered("No."))
    assert queued.outbox.undelivered() == [
        Undelivered("slack", "sync_failed", "acme", "pending", 1, "No."),
        Undelivered("slack", "sync_failed", "acme", "pending", 0, None),
    ]


@pytest.mark.parametrize("damage", ["not a database", "empty", "cut", "message"])
def test_a_damaged_outbox_is_one_sentence_and_stays_as_it_is(queued: Site, damage: str) -> None:
    if damage == "not a database":
        queued.path.write_bytes(b"x" * 5000)
    elif damage == "empty":
        queued.path.write_bytes(b"")
    elif damage == "cut":
        queued.path.write_bytes(queued.path.read_bytes()[:5000])
    else:
        with sqlite3.connect(queued.path) as file:
            file.execute("update messages set content = '{'")
        file.close()
    before = queued.path.read_bytes()
    with pytest.raises(StorageError, match=r"^The outbox .*outbox\.sqlite is damaged \(.*\); it was left as it is\. "):
        queued.deliver()
    assert damage == "message" or queued.path.read_bytes() == before


def test_an_outbox_of_a_newer_version_is_refused(queued: Site) -> None:
    with sqlite3.connect(queued.path) as file:
        file.execute("pragma user_version = 2")
    file.close()
    with pytest.raises(StorageError, match="has format 2, this version of circleci_cost reads up to 1"):
        queued.deliver()


def test_an_outbox_that_stands_on_a_file_is_refused(site: Site) -> None:
    site.configure(slack_section())
    (site.folder / "state").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        site.enqueue(failed())
