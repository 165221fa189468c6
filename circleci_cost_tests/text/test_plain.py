"""Text of other programs, made safe for a sentence of ours."""

import pytest

from circleci_cost.text.lists import some_of
from circleci_cost.text.plain import QUOTABLE_LENGTH, cut, quotable, squeezed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  two \t words\r\nof\x00 three\u2028lines\u00a0", "two words of three lines"),
        ("turned \u202eround, \u200bhidden", "turned round, hidden"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\ud83d of a broken pair", "of a broken pair"),
    ],
)
def test_line_breaks_and_characters_that_hide_or_turn_text_become_a_space(text: str, words: str) -> None:
    assert squeezed(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("see https://example.com/a?signature=canary#x, then go on", "see a URL at example.com then go on"),
        ("http://user:canary@example.com:8443/", "a URL at example.com:8443"),
        ("HTTPS://EXAMPLE.COM/canary", "a URL at EXAMPLE.COM"),
        ("'https://example.com/canary'", "'a URL at example.com'"),
        ("https://example.com/\ncanary is no part of it", "a URL at example.com canary is no part of it"),
    ],
)
def test_only_the_host_of_an_address_is_quoted(text: str, words: str) -> None:
    assert quotable(text) == words


def test_a_quotation_is_cut_to_its_length_after_addresses_are_shortened() -> None:
    assert quotable("x" * QUOTABLE_LENGTH) == "x" * QUOTABLE_LENGTH
    assert quotable("x" * (QUOTABLE_LENGTH + 1)) == "x" * (QUOTABLE_LENGTH - 1) + "…"
    assert quotable("https://example.com/" + "x" * 500) == "a URL at example.com"
    assert cut("four", 4) == "four"
    assert cut("fiver", 4) == "fiv…"


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (1, "1"), (3, "1, 2, 3"), (4, "1, 2, 3 and 1 more"), (1_503, "1, 2, 3 and 1,500 more")]
)
def test_the_first_of_many_names_are_listed_and_the_others_counted(count: int, text: str) -> None:
    assert some_of([str(number + 1) for number in range(count)], 3) == text
