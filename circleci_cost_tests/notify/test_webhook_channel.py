"""Webhooks over a real HTTP server: what arrives, its signature, and what happens after a refusal (f103)."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest

from circleci_cost.notify import payload
from circleci_cost.notify.delivery import Limits
from circleci_cost.notify.outbox import FIRST_RETRY, LONGEST_WAIT, RETRY_OF_REFUSED
from circleci_cost.notify.webhook_secret import unusable_secret
from circleci_cost_tests.notify.harness import (
    NOW,
    SIGNING_SECRET,
    SLACK_PATH,
    Site,
    at_80_percent,
    failed,
    slack_section,
    webhook_section,
)
from circleci_cost_tests.notify.receiver import Answer, Received, Receiver


def signature(request: Received, key: bytes) -> str:
    """What a receiver computes, written from the specification."""
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_webhook_gets_exact_values_signed(site: Site, receiver: Receiver) -> None:
    site.configure(webhook_section(receiver), link="https://d.example.com")
    notice = at_80_percent(forecast_median=Decimal("1250.10"), probability=Decimal("0.93"))
    assert site.run(notice).sent == 1
    (request,) = receiver.requests
    assert request.headers["webhook-signature"] == signature(request, base64.b64decode(SIGNING_SECRET))
    assert request.headers["webhook-id"] == notice.key.id
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "schema": 1,
        "id": notice.key.id,
        "event": "budget",
        "key": {"subject": "web", "period": "2026-03", "threshold": "actual 0.8"},
        "time": "2026-03-10T12:00:00+00:00",
        "severity": "warning",
        "title": "Budget web has reached 80 % of $1,000.00 (2026-03)",
        "lines": [
            "So far $812.35 of $1,000.00 are used, 81.2 %.",
            "The period is expected to end at $1,250.10.",
        ],
        "data": {
            "budget": "web",
            "owner": "web",
            "period": "2026-03",
            "unit": "USD",
            "kind": "actual",
            "threshold": "0.8",
            "amount": "1000",
            "actual": "812.3456",
            "forecast_median": "1250.1",
            "forecast_p10": None,
            "forecast_p90": None,
            "overrun_probability": "0.93",
            "expected_overrun": None,
        },
        "link": "https://d.example.com",
    }


@pytest.mark.parametrize("prefix", ["", "whsec_"])
def test_the_published_example_of_standard_webhooks_has_its_signature(prefix: str) -> None:
    # `openssl dgst -sha256 -mac HMAC` comes to the same.
    signed = payload.signature(
        f"{prefix}MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("prefix", ["", "whsec_"])
def test_a_secret_is_base64_with_or_without_its_prefix(site: Site, receiver: Receiver, prefix: str) -> None:
    key = b"24 bytes are the least.."
    site.environment = {"WEBHOOK_SECRET": prefix + base64.b64encode(key).decode()}
    site.configure(webhook_section(receiver))
    site.run(failed())
    (request,) = receiver.requests
    assert request.headers["webhook-signature"] == signature(request, key)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("whsec_canary!", "the secret is not base64"),
        ("canary-signing-secret", "the secret is not base64"),
        ("canär", "the secret is not base64"),
        ("canarypassword00", "the secret is base64 of 12 bytes"),
    ],
)
def test_a_secret_that_is_not_base64_is_one_sentence_without_it(
    site: Site, receiver: Receiver, secret: str, reason: str
) -> None:
    site.environment = {"WEBHOOK_SECRET": secret}
    site.configure(webhook_section(receiver))
    (problem,) = site.run(failed()).problems
    assert problem.startswith(f"The variable WEBHOOK_SECRET cannot be used: {reason}")
    assert "can" not in problem.replace("cannot", "")
    assert receiver.requests == []
    assert unusable_secret(site.notifications.channels[0], site.environment) == problem


def test_slack_and_teams_get_their_own_form_at_the_address_of_the_variable(site: Site, receiver: Receiver) -> None:
    site.environment = {"SLACK_WEBHOOK_URL": f"{receiver.origin}/slack", "TEAMS_URL": f"{receiver.origin}/teams"}
    site.configure(slack_section(), {"name": "teams", "type": "teams", "url_env": "TEAMS_URL"})
    assert site.run(failed()).sent == 2
    bodies = {request.path: json.loads(request.body) for request in receiver.requests}
    assert bodies["/slack"]["blocks"][0]["text"]["text"] == "acme: sync failed"
    card = bodies["/teams"]["attachments"][0]["content"]
    assert (card["type"], card["body"][0]["inlines"][0]["text"]) == ("AdaptiveCard", "acme: sync failed")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_f103_a_temporary_failure_keeps_the_message_and_tries_again_after_a_minute(
    site: Site, receiver: Receiver, status: int
) -> None:
    receiver.answers.append(Answer(status))
    site.configure(slack_section())
    report = site.run(failed())
    assert (report.sent, report.waiting, len(receiver.requests)) == (0, 1, 1)
    assert report.problems[0].startswith(f"Slack (channel 'slack') answered {status} ")
    site.clock.advance(FIRST_RETRY - timedelta(seconds=1))
    assert (site.run(failed()).sent, len(receiver.requests)) == (0, 1)
    site.clock.advance(timedelta(seconds=1))
    assert (site.run(failed()).sent, len(receiver.requests)) == (1, 2)


@pytest.mark.parametrize(("asked", "waits"), [("7200", timedelta(hours=2)), ("999999", LONGEST_WAIT)])
def test_f103_retry_after_is_honoured_for_the_whole_channel_up_to_a_day(
    site: Site, receiver: Receiver, asked: str, waits: timedelta
) -> None:
    receiver.answers.append(Answer(429, {"retry-after": asked}))
    site.configure(slack_section())
    assert site.run(failed("1"), failed("2")).waiting == 2
    site.clock.advance(waits - timedelta(seconds=1))
    site.deliver()
    assert len(receiver.requests) == 1
    site.clock.advance(timedelta(seconds=1))
    assert (site.deliver().sent, len(receiver.requests)) == (2, 3)


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (404, b"no_service", "404 Not Found (no_service)"),
        (410, b"<html>Cannot POST " + SLACK_PATH.encode(), "410 Gone"),
        (403, b"canaryslacktoken", "403 Forbidden"),
        (400, b"invalid_payload", "400 Bad Request (invalid_payload)"),
    ],
)
def test_f103_what_is_refused_for_good_is_shown_and_tried_again_daily(
    site: Site, receiver: Receiver, status: int, body: bytes, answer: str
) -> None:
    receiver.answers.append(Answer(status, body=body))
    site.configure(slack_section())
    report = site.run(failed())
    assert (report.failed, report.problems) == (1, (f"Slack (channel 'slack') answered {answer}.",))
    site.clock.advance(RETRY_OF_REFUSED - timedelta(seconds=1))
    assert site.deliver().failed == 1
    site.clock.advance(timedelta(seconds=1))
    assert (site.deliver().sent, len(receiver.requests)) == (1, 2)


def test_f103_one_message_that_is_refused_for_good_does_not_keep_the_next_one(site: Site, receiver: Receiver) -> None:
    receiver.answers.append(Answer(400))
    site.configure(slack_section())
    report = site.run(failed("1"), failed("2"))
    assert (report.sent, report.failed) == (1, 1)


def test_f103_redirects_are_not_followed(site: Site, receiver: Receiver) -> None:
    receiver.answers.append(Answer(307, {"location": f"{receiver.origin}/elsewhere"}))
    site.configure(webhook_section(receiver))
    assert site.run(failed()).problems == (
        "The webhook 'hook' redirects (307), which is not followed; use the address it redirects to.",
    )
    assert [request.path for request in receiver.requests] == ["/cost"]


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_f103_a_hanging_server_is_left_after_the_limit_and_keeps_nobody_waiting(
    site: Site, receiver: Receiver, manner: str
) -> None:
    with Receiver() as other:
        receiver.answers.append(Answer(manner="hang" if manner == "hang" else "drip"))
        site.limits = Limits(message=4, channel=12)
        site.configure(slack_section(), webhook_section(other))
        started = time.monotonic()
        report = site.run(failed())
        assert time.monotonic() - started < 30
        assert len(other.requests) == 1
    assert (report.sent, report.waiting) == (1, 1)
    assert report.problems == ("Slack (channel 'slack') did not answer within 4 s.",)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "The environment variable SLACK_WEBHOOK_URL is not set; set it, or put it into .env."),
        ("canary", "holds no https:// address"),
        ("http://hooks.example.com/canary", "holds no https:// address"),
        ("https://[canary", "holds no https:// address"),
        ("http://127.0.0.1:1/canary", "does not accept connections"),
        ("https://no-such-host.invalid/canary", "cannot be found in the DNS"),
    ],
)
def test_f103_an_address_that_cannot_be_used_is_one_sentence_without_it(site: Site, url: str, reason: str) -> None:
    site.environment = {"SLACK_WEBHOOK_URL": url}
    site.configure(slack_section())
    report = site.run(failed())
    (problem,) = report.problems
    assert reason in problem
    assert "canary" not in problem
    assert report.waiting == 1
