"""Turns an answer outside 2xx into a typed error whose sentence says what to do next.

Pure; `answers` reads the other answers.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from circleci_cost.circleci.addresses import is_circleci
from circleci_cost.circleci.answers import is_uuid
from circleci_cost.circleci.failures import LostAnswer, RateLimited, Refusal, UnknownOrganization
from circleci_cost.circleci.http import Answer
from circleci_cost.errors import AuthorizationError, CircleciCostError
from circleci_cost.http.loopback import is_loopback
from circleci_cost.http.retry_after import DEFAULT_SECONDS, http_date, retry_after
from circleci_cost.text.plain import quotable
from circleci_cost.text.units import duration

_RENEW = "make a new one in CircleCI under User Settings, Personal API Tokens (project tokens do not work)"
_CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """What was requested from which host, with whose token; `subject` begins each sentence."""

    subject: str
    host: str
    token_env: str
    organization_id: str | None = None
    slug: str | None = None


def refusal(answer: Answer, context: RequestContext, now: datetime) -> CircleciCostError:
    """Return the error for an answer outside 2xx; `now` is this machine's time."""
    status = answer.status
    reason = _reason(answer)
    if status == 401:
        return AuthorizationError(
            f"{context.subject}: CircleCI does not accept the token in the environment variable "
            f"{context.token_env} (401), it is missing, revoked or expired; {_RENEW} and set the variable to it."
        )
    if status == 403:
        return AuthorizationError(_no_admin(context))
    malformed_id = context.organization_id is not None and not is_uuid(context.organization_id)
    if status == 404 or (status == 400 and malformed_id):
        return UnknownOrganization(_not_found(context), status=status)
    if status == 429:
        seconds = retry_after(answer.headers, now) or DEFAULT_SECONDS
        return RateLimited(
            f"{context.subject}: CircleCI has had too many requests (429) and asks us to wait "
            f"{duration(seconds)}; the same command can be run again after that.",
            retry_after=seconds,
        )
    if status >= 500 or status == 408:
        return LostAnswer(
            f"{context.subject}: the CircleCI API at {context.host} failed (HTTP {status}); try again later, see "
            "https://status.circleci.com.",
            retry_after=retry_after(answer.headers, now),
        )
    return Refusal(
        f"{context.subject}: CircleCI refused the request (HTTP {status}: {reason}){_clock_hint(answer, now)}.",
        status=status,
    )


def _no_admin(context: RequestContext) -> str:
    provider = (context.slug or "").split("/")[0]
    if provider == "circleci":
        where = "give its owner the role Org Admin in CircleCI, under Organization Settings, People"
    elif provider in {"gh", "github", "bb", "bitbucket"}:
        host = "GitHub" if provider in {"gh", "github"} else "Bitbucket"
        where = f"make its owner an administrator of the organization on {host}, which decides CircleCI's roles"
    else:
        where = "make its owner an administrator of the organization (on GitHub or Bitbucket, or in CircleCI)"
    return (
        f"{context.subject}: the token in {context.token_env} has no access (403), usage exports are for "
        f"organization administrators; {where}, or use an administrator's token."
    )


def _not_found(context: RequestContext) -> str:
    if not is_circleci(context.host) and not is_loopback(context.host):
        return (
            f"{context.subject}: {context.host} does not know this address (404); CircleCI Server (self-hosted) "
            "has no usage exports, and base_url for CircleCI's cloud is https://circleci.com/api/v2."
        )
    if context.organization_id is not None and not is_uuid(context.organization_id):
        return (
            f"{context.subject}: organization_id is {quotable(context.organization_id)!r}, which is "
            "not a UUID; put the Organization ID from CircleCI's Organization Settings there, the slug goes "
            "into slug."
        )
    what = f"no organization {context.organization_id}" if context.organization_id else "nothing of that name"
    return (
        f"{context.subject}: CircleCI knows {what} that this token may see (404); compare organization_id with "
        "the Organization ID in CircleCI's Organization Settings, and whether the token's owner belongs to "
        "it."
    )


def _reason(answer: Answer) -> str:
    try:
        parsed = json.loads(answer.body)
    except (ValueError, RecursionError):
        parsed = None
    message = parsed.get("message") if isinstance(parsed, dict) else None
    return (quotable(message) if isinstance(message, str) else "").rstrip(". ") or "no reason given"


def _clock_hint(answer: Answer, now: datetime) -> str:
    """A hint where the clocks differ: windows follow this machine's date, so a wrong one is refused as well."""
    theirs = http_date(answer.headers.get("date", ""))
    if theirs is None or abs(now - theirs) <= _CLOCK_TOLERANCE:
        return ""
    direction = "ahead of" if now > theirs else "behind"
    apart = duration(abs(now - theirs).total_seconds())
    return f"; this machine's clock is {apart} {direction} CircleCI's, set it right and try again"
