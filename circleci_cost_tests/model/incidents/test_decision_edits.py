"""Editing a file of decisions: one incident's line changes, and every other byte is what it was."""

import csv
import io
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.errors import ConfigurationError, UsageError
from circleci_cost.model.incidents.decision import Decision, asked_decision, version_of
from circleci_cost.model.incidents.decision_edits import DecidedMeanwhileError, edited
from circleci_cost.model.incidents.decisions import decisions_in
from circleci_cost.named_files.csv_records import csv_records
from circleci_cost_tests.text.test_csv_text import HOSTILE

FILE = Path("decisions.csv")
EXPECTED = Decision("expected", "load test", date(2026, 12, 31))
HEADER = "incident,decision,reason,until\n"


def edit(content: str | None, incident: str, decision: Decision | None) -> str:
    after = edited(FILE, None if content is None else content.encode(), incident, decision)
    return "" if after is None else after.decode()


def read(content: bytes | None) -> dict[str, Decision]:
    rows = decisions_in(FILE, content or HEADER.encode()).drop("line").rows()
    return {incident: Decision(*decision) for incident, *decision in rows}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"{HEADER}new,expected,load test,2026-12-31\n"),
        (HEADER, f"{HEADER}new,expected,load test,2026-12-31\n"),
        (f"{HEADER}a,ignored,,\n", f"{HEADER}a,ignored,,\nnew,expected,load test,2026-12-31\n"),
        # Without a line end behind the last line there is none afterwards.
        (f"{HEADER}a,ignored,,", f"{HEADER}a,ignored,,\nnew,expected,load test,2026-12-31"),
        ("decision,incident,until,reason", "decision,incident,until,reason\nexpected,new,2026-12-31,load test"),
        # Blank lines stay at the end; quotes and spaces of others stay.
        (
            f'{HEADER}"a", ignored ,"x, ""y""",\n\n\n',
            f'{HEADER}"a", ignored ,"x, ""y""",\nnew,expected,load test,2026-12-31\n\n\n',
        ),
        (
            "incident,decision\r\na,ignored\r\n",
            "incident,decision,reason,until\r\na,ignored,,\r\nnew,expected,load test,2026-12-31\r\n",
        ),
        ("\ufeffincident,decision", "\ufeffincident,decision,reason,until\nnew,expected,load test,2026-12-31"),
        (
            "incident,decision\ra,ignored\r",
            "incident,decision,reason,until\ra,ignored,,\rnew,expected,load test,2026-12-31\r",
        ),
    ],
)
def test_a_new_decision_is_one_more_line_in_the_form_of_the_others(before: str | None, after: str) -> None:
    assert edit(before, "new", EXPECTED) == after


def test_a_changed_decision_changes_its_line_alone() -> None:
    before = f'{HEADER}a,ignored,"two\r\nlines",\r\nb , expected ,"old",\nc,ignored,,2026-01-01'
    assert edit(before, "b", EXPECTED) == before.replace('b , expected ,"old",', "b,expected,load test,2026-12-31")
    assert edit(before, "c", Decision("expected")) == before.replace("c,ignored,,2026-01-01", "c,expected,,")
    assert edit(before, "a", None) == before.replace('a,ignored,"two\r\nlines",\r\n', "")


def test_a_removed_decision_takes_its_line_along() -> None:
    before = f'{HEADER}a,ignored,"two\nlines",\nb,expected,,\n\nc,ignored,,'
    assert edit(before, "a", None) == f"{HEADER}b,expected,,\n\nc,ignored,,"
    assert edit(before, "c", None) == f'{HEADER}a,ignored,"two\nlines",\nb,expected,,\n\n'
    assert edit(f"{HEADER}a,ignored,,\n", "a", None) == HEADER


def test_columns_are_added_only_where_the_decision_needs_them() -> None:
    before = 'incident,decision \na,"ignored"\n\nb,expected'
    assert edit(before, "c", Decision("ignored")) == f"{before}\nc,ignored"
    assert edit(before, "c", Decision("ignored", "x")) == (
        'incident,decision ,reason\na,"ignored",\n\nb,expected,\nc,ignored,x'
    )
    assert edit(before, "b", Decision("ignored", None, date(2026, 1, 31))) == (
        'incident,decision ,until\na,"ignored",\n\nb,ignored,2026-01-31'
    )


@pytest.mark.parametrize("content", [None, f"{HEADER}  a , expected ,load  test, 2026-12-31  \n".encode()])
def test_what_says_so_already_is_not_touched(content: bytes | None) -> None:
    present = read(content).get("a")
    assert edited(FILE, content, "a", present) is content


@pytest.mark.parametrize("hostile", HOSTILE)
def test_f110_a_reason_that_a_spreadsheet_would_run_is_disarmed_and_comes_back_the_same(hostile: str) -> None:
    decision = asked_decision("expected", hostile)
    after = edited(FILE, None, "a", decision) or b""
    assert read(after) == {"a": decision}
    ((_, _, cell, _),) = list(csv.reader(io.StringIO(after.decode())))[1:]
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def test_a_reason_that_somebody_wrote_by_hand_is_read_as_written() -> None:
    content = f"{HEADER}a,expected,-5 % is fine,\nb,expected,'quoted',\nc,expected,it's,\n"
    assert [decision.reason for decision in read(content.encode()).values()] == ["-5 % is fine", "'quoted'", "it's"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "decisions.csv is empty; its first line names the columns: incident, decision."),
        (
            f"{HEADER}a,expected,,\na,ignored,,\n",
            "decisions.csv, line 3: the incident 'a' is decided in line 2 already; leave one of them.",
        ),
        (f"{HEADER}a,fine,,\n", "decisions.csv, line 2: 'fine' is no decision; write expected or ignored."),
        (f'{HEADER}a,expected,"open,\n', "decisions.csv, line 2: unexpected end of data; correct that line."),
    ],
)
def test_a_file_with_a_mistake_is_not_edited(content: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        edit(content, "new", EXPECTED)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("incident", ["", "=1", "a,b", "a\nb", "a b", "x" * 65, "../x", "\u202ea"])
def test_what_is_no_incident_is_refused(incident: str) -> None:
    with pytest.raises(UsageError, match="is no incident"):
        edited(FILE, None, incident, EXPECTED)


def test_a_decision_that_the_user_had_not_seen_is_not_replaced() -> None:
    content = f"{HEADER}a,ignored,known,\n".encode()
    with pytest.raises(DecidedMeanwhileError) as refused:
        edited(FILE, content, "a", EXPECTED, seen=version_of(None))
    assert str(refused.value) == (
        "Somebody has decided about the incident a meanwhile: it is ignored (known). Nothing was changed; reload the "
        "page, then decide again."
    )
    with pytest.raises(DecidedMeanwhileError, match="it is undecided again"):
        edited(FILE, content, "b", EXPECTED, seen=version_of(EXPECTED))
    assert edited(FILE, content, "a", EXPECTED, seen=version_of(Decision("ignored", "known"))) is not None
    # The same form sent twice.
    assert edited(FILE, content, "a", Decision("ignored", "known"), seen=version_of(None)) is content


IDS = [f"{number:02x}" for number in range(12)]
_reasons = st.one_of(st.none(), st.sampled_from(HOSTILE), st.text(max_size=12))
_days = st.one_of(st.none(), st.dates(date(1000, 1, 1)))
_decisions = st.builds(
    lambda decision, reason, until: Decision(decision, asked_decision(decision, reason or "").reason, until),
    st.sampled_from(["expected", "ignored"]),
    _reasons,
    _days,
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file as people and spreadsheets may have written it."""
    columns = draw(st.permutations(["incident", "decision", *draw(st.sets(st.sampled_from(["reason", "until"])))]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    spaces = st.sampled_from(["", " ", "  "])
    lines = [",".join(draw(spaces) + column for column in columns)]
    for incident in draw(st.lists(st.sampled_from(IDS), unique=True)):
        reason = draw(st.text(st.sampled_from("ab',; \"\n\r=-é\u202e"), max_size=6))
        cells = {
            "incident": incident,
            "decision": draw(st.sampled_from(["expected", "ignored"])),
            "reason": '"' + reason.replace('"', '""') + '"',
            "until": draw(st.sampled_from(["", "2026-12-31", '"2026-01-01"', " 2026-02-28 "])),
        }
        lines += [""] * draw(st.integers(0, 1))
        lines.append(",".join(cells[column] for column in columns))
    lines += draw(st.sampled_from([[], [""], ["", ""]]))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + end.join(lines).encode()


def written(content: bytes) -> tuple[int, dict[str, str]]:
    """How many columns there are, and the text of each incident's record, without the line end."""
    text = content.decode("utf-8-sig")
    header, *records = csv_records(text)
    at = header.cells.index("incident")
    return len(header.cells), {record.cells[at]: text[record.start : record.end] for record in records}


@settings(deadline=None, max_examples=1000 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 60)
@given(files() | st.none(), st.lists(st.tuples(st.sampled_from(IDS), st.none() | _decisions), min_size=1, max_size=5))
def test_whatever_is_edited_reading_gives_the_others_as_before_and_the_one_as_decided(
    content: bytes | None, edits: list[tuple[str, Decision | None]]
) -> None:
    decisions = read(content)
    for incident, decision in edits:
        before, content = content, edited(FILE, content, incident, decision)
        decisions = {key: value for key, value in (decisions | {incident: decision}).items() if value is not None}
        assert read(content) == decisions
        if before is not None and content is not None:
            columns, records = written(before)
            now_columns, now = written(content)
            others = {key: text + "," * (now_columns - columns) for key, text in records.items() if key != incident}
            assert {key: text for key, text in now.items() if key != incident} == others
            assert list(now) == [key for key in dict.fromkeys([*records, incident]) if key in decisions]
            assert before[:3].startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
