"""The dialect of an export, the ends of its records, and its escapes."""

import pytest

from circleci_cost.model.usage.dialects import (
    Dialect,
    detect_dialect,
    hide_escapes,
    parse_header,
    quoted_records,
    strictly_quoted,
    unquoted_records,
    whole_records,
)


@pytest.mark.parametrize(
    ("start", "dialect"),
    [
        (b"A,B\n1,2\n", Dialect.UNQUOTED),
        (b'"A","B"\r\n"1","2"\r\n', Dialect.QUOTED),
        (b'A,B\n"1","2"\n', Dialect.QUOTED),
        (b'A,B\n1,"2"\n"3",4', Dialect.UNQUOTED),
        (b"A,B", Dialect.UNQUOTED),
    ],
)
def test_the_first_two_lines_decide_the_dialect(start: bytes, dialect: Dialect) -> None:
    assert detect_dialect(start) is dialect


def test_a_header_may_be_bare_though_the_records_are_quoted() -> None:
    assert parse_header(b'A,"B,C",D', Dialect.QUOTED) == ["A", "B,C", "D"]
    with pytest.raises(ValueError, match="unexpected end of data"):
        parse_header(b'A,"B', Dialect.QUOTED)


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (rb"", 0),
        (b"a,b", 0),
        (b"a,b\nc", 4),
        (b"a,b\\\nc", 0),
        (b"a,b\\\\\nc", 6),
        (b"x\na,b\\\\\\\nc", 2),
        (b"x\n\\\n\\\n", 2),
    ],
)
def test_an_escaped_line_end_ends_no_record(data: bytes, whole: int) -> None:
    assert whole_records(data, Dialect.UNQUOTED) == whole


@pytest.mark.parametrize(
    ("data", "whole"),
    [(b'"a"\n"b', 4), (b'"a\n', 0), (b'"a"\n"b\nc\n', 4), (b'"a""\n""b"\n"', 10), (b'"a"\r\n"b"\r\n', 10)],
)
def test_a_line_end_inside_quotes_ends_no_record(data: bytes, whole: int) -> None:
    assert whole_records(data, Dialect.QUOTED) == whole


def test_escapes_are_taken_in_pairs_from_the_left() -> None:
    data, originals = hide_escapes(rb"a\\,b\,c\\\,d\te")
    backslash, comma, _ = originals
    assert originals == {"\ufdd0": "\\", "\ufdd1": ",", "\ufdd2": "\n"}
    assert data.decode() == rf"a{backslash},b{comma}c{backslash}{comma}d\te"


def test_a_stand_in_is_a_character_that_the_data_does_not_hold() -> None:
    assert list(hide_escapes("\ufdd0,\ufdd2".encode())[1]) == ["\ufdd1", "\ufdd3", "\ufdd4"]


def test_the_records_of_both_dialects_are_found_with_their_lines() -> None:
    assert list(quoted_records(b'"a\nb","c"\r\n,"x"\n"d ""q"""')) == [(0, 2), (2, 2), (3, 1)]
    data, originals = hide_escapes(b"a\\\nb,c\nd\n")
    assert list(unquoted_records(data, originals)) == [(0, 2), (2, 1)]


@pytest.mark.parametrize("data", [b'"a","b"\n', b'"a","b"', b'a,"b"\n', b'"a""","b"\n', b'"\r","b"\n'])
def test_strict_quotes_are_recognized(data: bytes) -> None:
    assert strictly_quoted(data, 2)


@pytest.mark.parametrize("data", [b'"a","b\n', b'"a"x,"b"\n', b'a"b,"c"\n', b'"a","b"\r"c","d"\n', b'"a"","b"\n'])
def test_quotes_out_of_place_are_recognized(data: bytes) -> None:
    assert not strictly_quoted(data, 2)
