"""Numbers of things, bytes, seconds and times as messages write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from circleci_cost.text.units import counted, duration, size, to_the_minute, verb


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (-1, "-1 days"), (1_234, "1,234 days")]
)
def test_one_thing_alone_is_singular(number: int, text: str) -> None:
    assert counted(number, "day") == text


@pytest.mark.parametrize(("number", "word"), [(0, "are"), (1, "is"), (2, "are")])
def test_a_verb_agrees_with_the_number_of_things(number: int, word: str) -> None:
    assert verb(number, "is", "are") == word


@pytest.mark.parametrize(
    ("count", "text"),
    [
        *(
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1024**2 - 1, "1024.0 KiB"),
            (1024**2, "1.0 MiB"),
        ),
        *((5 * 1024**3 // 2, "2.5 GiB"), (3 * 1024**4, "3072.0 GiB")),
    ],
)
def test_bytes_are_written_in_the_largest_unit_up_to_gib(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.4, "0 s"), (119.4, "119 s"), (119.6, "2 min"), (7_169, "119 min"), (7_200, "2 h"), (7_260, "2 h 1 min")),
        (604_800, "168 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))])
def test_a_moment_is_written_in_utc_wherever_it_was_read(zone: timezone) -> None:
    moment = datetime(2026, 11, 21, 0, 15, 59, tzinfo=UTC).astimezone(zone)
    assert to_the_minute(moment) == "2026-11-21 00:15 UTC"
