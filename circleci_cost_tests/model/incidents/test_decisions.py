"""The file of decisions: what it says, each mistake as one sentence with file and line, and how long it holds."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.incidents.decisions import (
    DECISION_SCHEMA,
    NO_DECISIONS,
    decided,
    read_decisions,
    unmatched_decisions,
)

FILE = "decisions.csv"
THROUGH = date(2026, 6, 30)


def read(folder: Path, content: str | bytes) -> pl.DataFrame:
    (folder / FILE).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_decisions(folder / FILE)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, content)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def incidents(*statuses: str) -> pl.DataFrame:
    """Incidents `i0`, `i1` … known through the same day."""
    rows = [(f"i{number}", status, THROUGH) for number, status in enumerate(statuses)]
    return pl.DataFrame(rows, schema=["incident_id", "status", "data_through"], orient="row")


def test_a_file_is_read_with_lines_of_the_file(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        'incident,decision,reason,until\n\nabc,expected,"load test, weekly",2026-12-31\n  def , ignored ,,\n',
    )
    assert rows.schema == DECISION_SCHEMA
    assert rows.rows() == [
        ("abc", "expected", "load test, weekly", date(2026, 12, 31), 3),
        ("def", "ignored", None, None, 4),
    ]


def test_reason_and_until_may_be_left_out_and_columns_stand_in_any_order(tmp_path: Path) -> None:
    rows = read(tmp_path, "decision,incident\nexpected,abc\n")
    assert rows.rows() == [("abc", "expected", None, None, 2)]
    assert rows.schema == DECISION_SCHEMA


def test_a_file_of_a_header_alone_decides_nothing(tmp_path: Path) -> None:
    assert_frame_equal(read(tmp_path, "incident,decision\n"), NO_DECISIONS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", f"{FILE} is empty; its first line names the columns: incident, decision."),
        (b"incident,decision\n\xff,expected\n", f"{FILE} is not UTF-8 text (byte 18); save it as UTF-8."),
        ("incident\nabc\n", f"{FILE}, line 1: the column 'decision' is missing; add it."),
        (
            "incident,decison\nabc,expected\n",
            f"{FILE}, line 1: 'decison' is no column of such a file; did you mean 'decision'?",
        ),
        (
            "incident,decision,decision\nabc,expected,ignored\n",
            f"{FILE}, line 1: the column 'decision' is there twice; leave one of them out.",
        ),
        ("incident,decision\nabc,expected\n,ignored\n", f"{FILE}, line 3: incident is empty; write a value."),
        ("incident,decision\nabc,\n", f"{FILE}, line 2: decision is empty; write a value."),
        (
            "incident,decision\nabc,expected\ndef,fine\n",
            f"{FILE}, line 3: 'fine' is no decision; write expected or ignored.",
        ),
        (
            "incident,decision\na,expected\nb,expected\nb,ignored\na,ignored\n",
            f"{FILE}, line 5: the incident 'a' is decided in line 2 already; leave one of them.",
        ),
        (
            "incident,decision,until\nabc,expected,31.12.2026\n",
            f"{FILE}, line 2: until = 31.12.2026: write a day as YYYY-MM-DD, such as 2026-01-31.",
        ),
        (
            "incident,decision,until\nabc,expected,2026-02-30\n",
            f"{FILE}, line 2: until = 2026-02-30: write a day as YYYY-MM-DD, such as 2026-01-31.",
        ),
        (
            "incident,decision\nabc,expected,ignored\n",
            f"{FILE}, line 2: 3 cells where the first line names 2; add the missing commas, or put quotes around a "
            "value that holds one.",
        ),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(tmp_path, content) == message


def test_a_missing_file_of_decisions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none.csv cannot be read \(No such file or directory\); correct the"):
        read_decisions(tmp_path / "none.csv")


def test_a_decision_replaces_the_status_and_gives_its_reason(tmp_path: Path) -> None:
    decisions = read(tmp_path, "incident,decision,reason\ni1,expected,load test\ni2,ignored,\n")
    rows = decided(incidents("open", "open", "ended", "new_normal"), decisions)
    assert rows.select("incident_id", "status", "reason", "decided_until").rows() == [
        ("i0", "open", None, None),
        ("i1", "expected", "load test", None),
        ("i2", "ignored", None, None),
        ("i3", "new_normal", None, None),
    ]


@pytest.mark.parametrize(
    ("until", "status"), [("2026-06-29", "open"), ("2026-06-30", "expected"), ("2026-07-01", "expected")]
)
def test_a_decision_holds_through_its_last_day(tmp_path: Path, until: str, status: str) -> None:
    decisions = read(tmp_path, f"incident,decision,reason,until\ni0,expected,migration,{until}\n")
    row = decided(incidents("open"), decisions).row(0, named=True)
    assert (row["status"], row["reason"], row["decided_until"]) == (status, "migration", date.fromisoformat(until))


def test_without_decisions_incidents_keep_their_status() -> None:
    rows = decided(incidents("open", "ended"), NO_DECISIONS)
    assert rows.select("incident_id", "status").rows() == [("i0", "open"), ("i1", "ended")]
    assert rows.select("reason", "decided_until").null_count().row(0) == (2, 2)
    assert (
        decided(
            incidents().cast({"incident_id": pl.String, "status": pl.String, "data_through": pl.Date}), NO_DECISIONS
        ).height
        == 0
    )


def test_a_decision_about_a_missing_incident_is_named_with_its_line(tmp_path: Path) -> None:
    decisions = read(tmp_path, "incident,decision\ni0,expected\nx9,ignored\n")
    assert unmatched_decisions(decisions, incidents("open").get_column("incident_id"), Path(FILE)) == [
        f"{FILE}, line 3: there is no incident 'x9'; correct it (`circleci-cost anomalies --all` names those there "
        "are), or remove the line if it is gone"
    ]
    assert unmatched_decisions(NO_DECISIONS, incidents("open").get_column("incident_id"), Path(FILE)) == []
