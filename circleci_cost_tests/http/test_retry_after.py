"""How long a 429 asks us to stay away."""

from datetime import UTC, datetime

import pytest

from circleci_cost.http.retry_after import retry_after

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30), (" 3600 ", 3600), ("1.2", 2), ("0", 0), ("99999999999", 604_800)],
)
def test_f005_seconds_are_taken_as_they_are_up_to_a_week(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_f006_a_date_counts_from_the_answers_own_date() -> None:
    until = "Sun, 22 Nov 2026 12:10:00 GMT"
    assert retry_after({"retry-after": until}, NOW) == 600
    assert retry_after({"retry-after": until, "date": "Sun, 22 Nov 2026 12:09:00 GMT"}, NOW) == 60
    assert retry_after({"retry-after": "Sunday, 22-Nov-26 12:10:00 GMT"}, NOW) == 600


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-5",
        "1e3",
        "٣",
        "nan",
        "inf",
        "Sun, 22 Nov 2026 11:59:59 GMT",
        "Sun, 99 Nov 2026",
        "30, 40",
    ],
)
def test_f007_what_is_missing_past_or_garbage_is_unknown(value: str) -> None:
    assert retry_after({"retry-after": value} if value else {}, NOW) is None
