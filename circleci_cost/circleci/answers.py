"""Reads the API's JSON answers strictly into values; an error names the field that is missing or wrong.

Pure; `error_answers` words the errors for answers outside 2xx.
"""

import json
import re
from dataclasses import dataclass, field

from circleci_cost.circleci.http import Answer
from circleci_cost.errors import SourceError
from circleci_cost.text.plain import quotable

KNOWN_STATES = frozenset({"created", "processing", "completed", "failed"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class ExportJob:
    """An export job as the API reports it. `state` may be one outside `KNOWN_STATES`."""

    usage_export_job_id: str
    state: str
    download_urls: tuple[str, ...] = field(repr=False)
    error_reason: str = ""


@dataclass(frozen=True)
class Person:
    """The owner of a token."""

    id: str
    login: str
    name: str


@dataclass(frozen=True)
class Organization:
    """An organization that the token sees; `id` is None where CircleCI knows it by slug alone."""

    id: str | None
    name: str
    slug: str
    vcs_type: str


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID, the form of CircleCI's ids."""
    return _UUID.fullmatch(text) is not None


def export_job(answer: Answer, subject: str) -> ExportJob:
    """Read the answer to the POST or GET of an export job. Raises `SourceError`."""
    fields = _object(_json(answer, subject), subject)
    job_id = _text(fields, "usage_export_job_id", subject)
    if not is_uuid(job_id):
        raise _unexpected(subject, "usage_export_job_id is not a UUID")
    state = _text(fields, "state", subject)
    urls = fields.get("download_urls")
    if state == "completed" and "download_urls" not in fields:
        raise _unexpected(subject, "the export is completed, but download_urls is missing")
    if urls is not None and not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
        raise _unexpected(subject, "download_urls is not a list of texts")
    reason = fields.get("error_reason")
    return ExportJob(job_id, quotable(state), tuple(urls or ()), quotable(reason) if isinstance(reason, str) else "")


def person(answer: Answer, subject: str) -> Person:
    """Read the answer of `GET /me`. Raises `SourceError`."""
    fields = _object(_json(answer, subject), subject)
    return Person(_text(fields, "id", subject), _optional(fields, "login"), _optional(fields, "name"))


def organizations(answer: Answer, subject: str) -> tuple[Organization, ...]:
    """Read the answer of `GET /me/collaborations`. Raises `SourceError`."""
    entries = _json(answer, subject)
    if not isinstance(entries, list):
        raise _unexpected(subject, "it is not a list")
    return tuple(_organization(_object(entry, subject), subject) for entry in entries)


def organization(answer: Answer, subject: str) -> Organization:
    """Read the answer of `GET /organization/{slug-or-id}`. Raises `SourceError`."""
    return _organization(_object(_json(answer, subject), subject), subject)


def _organization(fields: dict[str, object], subject: str) -> Organization:
    identifier = fields.get("id")
    if identifier is not None and not (isinstance(identifier, str) and is_uuid(identifier)):
        raise _unexpected(subject, "the id of an organization is not a UUID")
    # /me/collaborations writes vcs-type, /organization vcs_type.
    vcs_type = _optional(fields, "vcs_type") or _optional(fields, "vcs-type")
    return Organization(identifier, _text(fields, "name", subject), _text(fields, "slug", subject), vcs_type)


def _json(answer: Answer, subject: str) -> object:
    try:
        parsed: object = json.loads(answer.body)
    # Deep nesting raises a RecursionError, bytes that are not text a ValueError.
    except (ValueError, RecursionError):
        kind = "an HTML or XML page" if answer.body.lstrip()[:1] == b"<" else "no readable JSON"
        raise _unexpected(subject, f"it is {kind} (HTTP {answer.status}, {len(answer.body)} bytes)") from None
    return parsed


def _object(parsed: object, subject: str) -> dict[str, object]:
    if not isinstance(parsed, dict):
        raise _unexpected(subject, "it is not a JSON object")
    return parsed


def _text(fields: dict[str, object], name: str, subject: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _unexpected(subject, f"{name} is {'missing' if name not in fields else 'null, empty or not a text'}")
    return value


def _optional(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    return quotable(value) if isinstance(value, str) else ""


def _unexpected(subject: str, what: str) -> SourceError:
    return SourceError(
        f"{subject}: the answer is not what the CircleCI API promises: {what}; check base_url and proxies in "
        "between, then try again."
    )
