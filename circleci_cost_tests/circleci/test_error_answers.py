"""Which error a refusal becomes, and what it tells to do."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from circleci_cost.circleci.error_answers import RequestContext, refusal
from circleci_cost.circleci.failures import LostAnswer, RateLimited, Refusal
from circleci_cost.circleci.http import Answer
from circleci_cost.errors import AuthorizationError, CircleciCostError
from circleci_cost.text.plain import quotable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORG = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"


def refused(status: int, body: object = None, headers: dict[str, str] | None = None, **asked: Any) -> CircleciCostError:
    settings: dict[str, Any] = {
        "subject": "Usage export of acme",
        "host": "circleci.com",
        "token_env": "CIRCLECI_TOKEN",
        "organization_id": ORG,
    }
    answer = Answer(status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    return refusal(answer, RequestContext(**settings | asked), NOW)


def test_f001_a_token_that_is_not_accepted_says_where_to_get_another() -> None:
    error = refused(401)
    assert isinstance(error, AuthorizationError)
    assert str(error) == (
        "Usage export of acme: CircleCI does not accept the token in the environment variable CIRCLECI_TOKEN "
        "(401), it is missing, revoked or expired; make a new one in CircleCI under User Settings, Personal "
        "API Tokens (project tokens do not work) and set the variable to it."
    )


@pytest.mark.parametrize(
    ("slug", "where"),
    [
        (
            "gh/acme",
            "make its owner an administrator of the organization on GitHub, which decides CircleCI's roles",
        ),
        ("bitbucket/acme", "an administrator of the organization on Bitbucket, which"),
        ("circleci/Kq7Z", "the role Org Admin in CircleCI, under Organization Settings, People"),
        (None, "an administrator of the organization (on GitHub or Bitbucket, or in CircleCI)"),
    ],
)
def test_f002_who_is_no_administrator_learns_where_to_become_one(slug: str | None, where: str) -> None:
    error = refused(403, slug=slug)
    assert isinstance(error, AuthorizationError)
    assert where in str(error)
    assert "the token in CIRCLECI_TOKEN has no access (403)" in str(error)


def test_f003_a_wrong_id_a_slug_and_a_self_hosted_server_are_told_apart() -> None:
    errors = [
        refused(404),
        refused(404, organization_id="gh/acme"),
        refused(404, host="circleci.acme.example"),
    ]
    assert all(isinstance(error, Refusal) for error in errors)
    assert [str(error).partition(": ")[2] for error in errors] == [
        f"CircleCI knows no organization {ORG} that this token may see (404); compare organization_id with "
        "the Organization ID in CircleCI's Organization Settings, and whether the token's owner belongs to "
        "it.",
        "organization_id is 'gh/acme', which is not a UUID; put the Organization ID from CircleCI's "
        "Organization Settings there, the slug goes into slug.",
        "circleci.acme.example does not know this address (404); CircleCI Server (self-hosted) has no usage "
        "exports, and base_url for CircleCI's cloud is https://circleci.com/api/v2.",
    ]
    assert str(refused(400, {"message": "malformed request body"}, organization_id="gh/acme")) == str(errors[1])


def test_f004_a_refused_window_quotes_circleci_in_one_clean_line() -> None:
    message = "The start date\r\nmust\x1b[31m be\u202e within 366 days.\x00  " + "x" * 300
    error = refused(400, {"message": message})
    assert isinstance(error, Refusal)
    assert str(error) == (
        "Usage export of acme: CircleCI refused the request (HTTP 400: The start date must [31m be within "
        "366 days. " + "x" * 154 + "…)."
    )
    assert "(HTTP 422: no reason given)" in str(refused(422, b"<html>"))


def test_f077_a_clock_a_day_off_is_named_as_the_likely_cause() -> None:
    def hint(hours: int) -> str:
        date = format_datetime(NOW - timedelta(hours=hours), usegmt=True)
        return str(refused(400, {"message": "Dates must not be in the future."}, {"date": date})).partition("future)")[
            2
        ]

    assert hint(24) == "; this machine's clock is 24 h ahead of CircleCI's, set it right and try again."
    assert hint(-24) == "; this machine's clock is 24 h behind CircleCI's, set it right and try again."
    assert hint(0) == "."


def test_f005_too_many_requests_carry_the_wait_and_never_none() -> None:
    def wait(value: str) -> float | None:
        error = refused(429, headers={"retry-after": value})
        assert isinstance(error, RateLimited)
        return error.retry_after

    assert [wait("30"), wait("3600"), wait("-1"), wait("soon")] == [30, 3600, 60, 60]


def test_f009_server_failures_are_lost_answers() -> None:
    errors = [refused(status) for status in (500, 502, 503, 504, 599, 408)]
    assert all(isinstance(error, LostAnswer) for error in errors)
    assert str(errors[2]) == (
        "Usage export of acme: the CircleCI API at circleci.com failed (HTTP 503); try again later, see "
        "https://status.circleci.com."
    )


def test_f107_urls_in_foreign_text_are_cut_to_their_host() -> None:
    text = "see https://user:pass@x.amazonaws.com/part?X-Amz-Signature=canary_signature, or HTTP://b.example"
    assert quotable(text) == "see a URL at x.amazonaws.com or a URL at b.example"
