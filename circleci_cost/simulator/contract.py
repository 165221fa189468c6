"""What the Usage API accepts as the body of an export request, and in which order it refuses.

Text in, request or refusal out. `app` checks tokens, quotas and whether organizations exist.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

LONGEST_WINDOW = timedelta(hours=31 * 24)

_FIELDS = ("start", "end", "shared_org_ids")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_MALFORMED = "malformed request body"


class RefusedRequestError(Exception):
    """A body that is answered with 400 and this message."""


@dataclass(frozen=True)
class ExportRequest:
    """An accepted window; the export holds whole dates, both ends inclusive."""

    start: datetime
    end: datetime
    shared_org_ids: tuple[str, ...] = ()

    @property
    def first_day(self) -> date:
        """Return the first JOB_RUN_DATE."""
        return self.start.date()

    @property
    def last_day(self) -> date:
        """Return the last JOB_RUN_DATE."""
        return self.end.date()


def parse_export_request(body: bytes, *, now: datetime, reach_days: int = 366) -> ExportRequest:
    """Read a POST's body; raise RefusedRequestError with CircleCI's message for the first rule it breaks."""
    fields = _fields(body)
    start, end = _moment(fields["start"]), _moment(fields["end"])
    shared = _uuids(fields.get("shared_org_ids", []))
    if end < start:
        raise RefusedRequestError("The end date must not be before the start date.")
    if start < now - timedelta(days=reach_days):
        raise RefusedRequestError(f"The start date must be within the last {reach_days} days.")
    if start > now or end > now:
        raise RefusedRequestError("Dates must not be in the future.")
    if end - start > LONGEST_WINDOW:
        raise RefusedRequestError("The date range must not exceed 31 days.")
    return ExportRequest(start, end, shared)


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID in its usual form."""
    return _UUID.fullmatch(text) is not None


def rfc3339(moment: datetime) -> str:
    """Write a time as CircleCI re-serialises it: UTC with `Z`, a fraction of a second only where there is one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _fields(body: bytes) -> dict[str, object]:
    """Return the body's fields: only known ones, with every required one present."""
    try:
        fields = json.loads(body)
    except ValueError:
        raise RefusedRequestError(_MALFORMED) from None
    if not isinstance(fields, dict):
        raise RefusedRequestError(_MALFORMED)
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown:
        raise RefusedRequestError(f"Unexpected field '{unknown[0]}'.")
    if "start" not in fields or "end" not in fields:
        raise RefusedRequestError("Missing one or more JSON fields.")
    return fields


def _moment(value: object) -> datetime:
    """Read an RFC 3339 time."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise RefusedRequestError(_MALFORMED)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedRequestError(_MALFORMED) from None


def _uuids(value: object) -> tuple[str, ...]:
    """Read a list of UUIDs."""
    if not isinstance(value, list) or not all(isinstance(text, str) and is_uuid(text) for text in value):
        raise RefusedRequestError(_MALFORMED)
    return tuple(str(UUID(text)) for text in value)
