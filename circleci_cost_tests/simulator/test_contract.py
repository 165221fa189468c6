import json
from datetime import UTC, date, datetime

import pytest

from circleci_cost.simulator.contract import RefusedRequestError, parse_export_request, rfc3339

from .builders import NOW

START, END = "2026-11-01T00:00:00Z", "2026-11-02T23:59:59Z"
REVERSED = "The end date must not be before the start date."
TOO_OLD = "The start date must be within the last 366 days."
FUTURE = "Dates must not be in the future."
TOO_WIDE = "The date range must not exceed 31 days."
MALFORMED = "malformed request body"
MISSING = "Missing one or more JSON fields."


def refusal(body: object) -> str:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RefusedRequestError) as caught:
        parse_export_request(text, now=NOW)
    return str(caught.value)


def window(start: object, end: object, **more: object) -> dict[str, object]:
    return {"start": start, "end": end, **more}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", MALFORMED),
        (b"\xff", MALFORMED),
        ([], MALFORMED),
        (window(START, END, x=1, y=2), "Unexpected field 'x'."),
        ({"x": 1}, "Unexpected field 'x'."),
        ({}, MISSING),
        ({"start": "nonsense"}, MISSING),
        ({"end": END}, MISSING),
        (window("nonsense", END), MALFORMED),
        (window(None, END), MALFORMED),
        (window("2026-11-01", END), MALFORMED),
        (window("2026-11-01T00:00:00", END), MALFORMED),
        (window("2026-02-30T00:00:00Z", END), MALFORMED),
        (window(START, END, shared_org_ids=["gh/initech"]), MALFORMED),
        (window(START, END, shared_org_ids=None), MALFORMED),
        (window("2027-02-01T00:00:00Z", "2024-01-01T00:00:00Z"), REVERSED),
        (window("2025-11-21T11:59:59Z", "2027-01-01T00:00:00Z"), TOO_OLD),
        (window("2025-12-01T00:00:00Z", "2026-11-22T12:00:01Z"), FUTURE),
        (window("2026-10-01T00:00:00Z", "2026-11-01T00:00:01Z"), TOO_WIDE),
    ],
)
def test_the_first_broken_rule_is_named(body: object, message: str) -> None:
    assert refusal(body) == message


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-11-21T12:00:00Z", "2025-11-21T12:00:00Z"),
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
        ("2026-10-01T00:00:00+00:00", "2026-10-31T23:59:59.999-00:00"),
    ],
)
def test_bounds_are_inside(start: str, end: str) -> None:
    assert parse_export_request(json.dumps(window(start, end)).encode(), now=NOW).start.tzinfo is UTC


def test_a_window_is_whole_utc_dates() -> None:
    body = window("2026-11-02T00:30:00+02:00", "2026-11-03T12:00:00Z", shared_org_ids=[])
    request = parse_export_request(json.dumps(body).encode(), now=NOW)
    assert (request.first_day, request.last_day) == (date(2026, 11, 1), date(2026, 11, 3))


def test_moments_are_written_with_z() -> None:
    assert rfc3339(datetime.fromisoformat("2026-11-02T00:30:00+00:00")) == "2026-11-02T00:30:00Z"
    assert rfc3339(datetime.fromisoformat("2026-11-02T00:30:00.250+02:00")) == "2026-11-01T22:30:00.250000Z"
