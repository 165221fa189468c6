"""Each message arrives once per channel: over runs, over crashes (f104), over days (f105), over processes."""

import json
import signal
from datetime import date, timedelta
from pathlib import Path

import pytest

from circleci_cost.notify.events import data_quality, sync_recovered
from circleci_cost.notify.outbox import LEASE
from circleci_cost_tests.notify.harness import (
    DAYS,
    NOW,
    Site,
    at_80_percent,
    email_section,
    failed,
    secrets,
    slack_section,
    webhook_section,
)
from circleci_cost_tests.notify.mailbox import Mailbox
from circleci_cost_tests.notify.processes import delivering, kill, sent_by
from circleci_cost_tests.notify.receiver import Receiver


def test_over_three_runs_each_event_arrives_once_by_mail_and_by_http(
    site: Site, mailbox: Mailbox, receiver: Receiver
) -> None:
    site.configure(email_section(mailbox), webhook_section(receiver))
    notices = [failed(), at_80_percent(), at_80_percent(threshold=1), at_80_percent(period="2026-04")]
    reports = []
    for _ in range(3):
        reports.append(site.run(*notices))
        site.clock.advance(timedelta(hours=24))
    assert [report.sent for report in reports] == [8, 0, 0]
    ids = [notice.key.id for notice in notices]
    assert [json.loads(request.body)["id"] for request in receiver.requests] == ids
    assert [mail["Message-ID"] for mail in mailbox.mails] == [f"<{message_id}@example.com>" for message_id in ids]


def test_f105_a_finding_that_goes_on_is_sent_once_for_its_day_whatever_it_says_by_then(
    site: Site, receiver: Receiver
) -> None:
    site.configure(slack_section())

    def report(subject: str, sentence: str, day: date) -> int:
        return site.run(data_quality("coverage", subject, sentence, day, NOW.date())).sent

    today = NOW.date()
    assert report("team", "Only 60 % of the cost has a team.", today) == 1
    site.clock.advance(timedelta(days=1))
    assert report("team", "Only 59 % of the cost has a team.", today) == 0
    assert report("project", "Only 60 % of the cost has a project.", today) == 1
    assert report("team", "Only 59 % of the cost has a team.", today + timedelta(days=7)) == 1
    assert [b"60 %" in request.body for request in receiver.requests] == [True, True, False]


def test_f105_a_failure_that_goes_on_is_one_message_its_end_another_and_the_next_one_is_notified(
    site: Site, receiver: Receiver
) -> None:
    site.configure(slack_section())

    def since(center: str = "acme") -> str | None:
        failure = site.outbox.open_message("sync_failed", "sync_recovered", center)
        return failure.key.period if failure else None

    assert [site.run(failed(run, open_period=since())).sent for run in ("1", "2", "3")] == [1, 0, 0]
    assert (since(), since("labs")) == ("1", None)
    recovered = sync_recovered("acme", DAYS, "4", open_period="1")
    assert [site.run(recovered).sent, site.run(recovered).sent] == [1, 0]
    assert since() is None
    assert site.run(failed("5", open_period=since())).sent == 1
    assert since() == "5"


def test_a_channel_that_is_added_later_gets_what_is_still_true(site: Site, mailbox: Mailbox) -> None:
    site.configure(slack_section())
    site.run(at_80_percent())
    site.configure(slack_section(), email_section(mailbox))
    assert site.run(at_80_percent()).sent == 1
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("channel", ["mail", "hook"])
def test_f104_killed_between_sending_and_marking_makes_one_duplicate_at_most(
    site: Site, mailbox: Mailbox, receiver: Receiver, channel: str
) -> None:
    section = email_section(mailbox) if channel == "mail" else webhook_section(receiver)
    site.configure(section)

    def arrived() -> int:
        return len(mailbox.mails) + len(receiver.requests)

    with delivering(site.path, NOW, [section], secrets()) as process:
        # The server has the whole message, and the process dies before it reads the reply.
        mailbox.on_data = receiver.on_request = lambda: kill(process)
        assert process.wait(30) == -signal.SIGKILL
    assert arrived() == 1
    mailbox.on_data = receiver.on_request = lambda: None

    # Other processes cannot know that it is dead: it may still be sending.
    assert site.deliver().sent == 0
    site.clock.advance(LEASE)
    assert [site.deliver().sent, site.deliver().sent] == [1, 0]
    assert arrived() == 2
    known = {request.headers["webhook-id"] for request in receiver.requests}
    known |= {mail["Message-ID"] for mail in mailbox.mails}
    assert len(known) == 1  # so that the receiver recognizes the repetition


def test_two_processes_that_begin_with_no_outbox_send_each_message_once(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "state" / "outbox.sqlite"
    sections = [webhook_section(receiver)]
    with (
        delivering(path, NOW, sections, secrets(), count=30) as first,
        delivering(path, NOW, sections, secrets(), count=30) as second,
    ):
        assert sent_by(first) + sent_by(second) == 30
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests) == 30
