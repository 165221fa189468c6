"""`notify test` and `notify send` on the command line, with real servers."""

from pathlib import Path

import pytest

from circleci_cost.clock import SystemClock
from circleci_cost.notify.outbox import Outbox
from circleci_cost_tests.cli.harness import Caller, configuration
from circleci_cost_tests.notify.harness import SIGNING_SECRET, SLACK_PATH, Site, failed
from circleci_cost_tests.notify.mailbox import CERTIFICATE, PASSWORD, USER, Mailbox
from circleci_cost_tests.notify.receiver import Answer, Receiver

OK = "ok      notifications: hook (webhook): `notify test` tries it"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Caller:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIRCLECI_COST_CONFIG", raising=False)
    return Caller(tmp_path, capsys)


@pytest.fixture
def channels(call: Caller, mailbox: Mailbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", receiver.origin + SLACK_PATH)
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    (call.folder / "ca.pem").write_bytes(CERTIFICATE.read_bytes())
    call.configure(
        configuration()
        + f"""\
[[notifications.channels]]
name = "mail"
type = "email"
to = ["ann@example.com"]
from = "ci-cost@example.com"
host = "127.0.0.1"
port = {mailbox.port}
username = "{USER}"
password_env = "SMTP_PASSWORD"
ca_file = "ca.pem"
[[notifications.channels]]
name = "slack"
type = "slack"
url_env = "SLACK_WEBHOOK_URL"
"""
    )
    return call


def test_a_test_message_reaches_every_channel(channels: Caller, mailbox: Mailbox, receiver: Receiver) -> None:
    for _ in range(2):
        done = channels("notify", "test")
        assert (done.code, done.out, done.err) == (0, "mail: ok\nslack: ok\n", "")
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 2
    assert mailbox.mails[0]["Subject"] == "[CircleCI cost] Test of this channel"
    assert len(receiver.requests) == 2


def test_a_channel_that_fails_is_reported_with_its_reason(
    channels: Caller, mailbox: Mailbox, receiver: Receiver
) -> None:
    receiver.answers.append(Answer(404, body=b"no_service"))
    done = channels("notify", "test")
    assert (done.code, done.out) == (
        1,
        "mail: ok\nslack: Slack (channel 'slack') answered 404 Not Found (no_service).\n",
    )


def test_one_channel_can_be_tried_alone(channels: Caller, mailbox: Mailbox, receiver: Receiver) -> None:
    assert channels("notify", "test", "--channel", "slack").out == "slack: ok\n"
    assert mailbox.mails == []
    done = channels("notify", "test", "--channel", "slak")
    assert (done.code, done.err) == (2, "Error: There is no channel 'slak'; there are: mail, slack.\n")


def test_without_channels_the_sentence_says_what_to_add(call: Caller) -> None:
    call.configure(configuration())
    done = call("notify", "test")
    assert done.code == 2
    assert done.err.endswith(" has no notification channels; add a [[notifications.channels]] section.\n")


def test_waiting_messages_are_sent_and_failures_are_reported(
    channels: Caller, mailbox: Mailbox, receiver: Receiver
) -> None:
    path = Site(channels.folder / "data").path
    Outbox(path, SystemClock()).enqueue(failed().key, failed().message, ["mail", "slack"])
    receiver.answers.append(Answer(404, body=b"no_service"))
    done = channels("notify", "send")
    assert (done.code, done.out) == (
        1,
        "1 sent, 0 waiting, 1 refused, 0 expired\nSlack (channel 'slack') answered 404 Not Found (no_service).\n",
    )
    assert channels("notify", "send").out.startswith("0 sent, 0 waiting, 1 refused, 0 expired\n")
    done = channels("notify", "send", "--retry")
    assert (done.code, done.out) == (0, "1 sent, 0 waiting, 0 refused, 0 expired\n")
    assert (len(mailbox.mails), len(receiver.requests)) == (1, 2)


@pytest.mark.parametrize(
    ("secret", "code", "line"),
    [
        (
            "canary-signing-secret",
            3,
            "error   notifications: The variable WEBHOOK_SECRET cannot be used: the secret is not base64 (with or "
            "without whsec_ before it); make one with `openssl rand -base64 32`, or write "
            "`printf %s SECRET | base64 -w0` of a secret that is plain text.",
        ),
        (SIGNING_SECRET, 0, OK),
        (f"whsec_{SIGNING_SECRET}", 0, OK),
    ],
)
def test_check_reports_a_webhook_secret_that_cannot_sign(
    call: Caller, monkeypatch: pytest.MonkeyPatch, secret: str, code: int, line: str
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    keys = 'name = "hook"\ntype = "webhook"\nurl = "https://example.com/"\nsecret_env = "WEBHOOK_SECRET"\n'
    call.configure(f"{configuration()}[[notifications.channels]]\n{keys}")
    checked = call("check", "--offline")
    about = [text for text in checked.out.splitlines() if "notifications: " in text]
    assert (checked.code, about, checked.err) == (code, [line], "")
    assert "canary" not in checked.out
