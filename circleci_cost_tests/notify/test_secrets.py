"""Canary secrets are nowhere: not in reprs, reports, the outbox, logs, or errors."""

import logging
import traceback

import pytest

from circleci_cost.notify.failures import NotDelivered
from circleci_cost_tests.notify.harness import Site, email_section, envelope, failed, slack_section, webhook_section
from circleci_cost_tests.notify.mailbox import Mailbox
from circleci_cost_tests.notify.receiver import Answer, Receiver


def test_no_secret_is_in_the_log_the_outbox_the_report_or_a_repr(
    site: Site, mailbox: Mailbox, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [Answer(), Answer(404, body=b"canaryslacktoken"), Answer(500), Answer(302, {"location": "/canary"})]
    outputs = []
    with Receiver() as other:
        site.configure(email_section(mailbox), slack_section(), webhook_section(other))
        for number, answer in enumerate(answers):
            receiver.answers.append(answer)
            outputs.append(site.run(failed(str(number))))
        mailbox.data_answer = "554 I was told canary-smtp-password"
        outputs.append(site.run(failed("last")))
    # Only the server's own log may hold what it received.
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    stored = b"".join(path.read_bytes() for path in site.path.parent.iterdir())
    everything = f"{outputs} {logged} {stored!r} {site.channels!r} {site.outbox.undelivered()}"
    assert "I was told ***" in everything
    assert "canary" not in everything
    assert "/services/T0" not in everything
    assert (len(mailbox.mails), len(other.requests)) == (4, 5)


@pytest.mark.parametrize("answer", [Answer(404, body=b"canaryslacktoken"), Answer(manner="hang")])
def test_no_secret_is_in_a_traceback(site: Site, receiver: Receiver, answer: Answer) -> None:
    receiver.answers.append(answer)
    site.configure(slack_section())
    (channel,) = site.channels
    with pytest.raises(NotDelivered) as caught:
        channel.send(envelope(failed()), channel.recipients, 0.3)
    shown = "".join(traceback.format_exception(caught.value))
    assert "canary" not in shown
    assert "/services/T0" not in shown
