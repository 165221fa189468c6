"""The file of annotations: days with texts, each mistake as one sentence with file and line."""

from datetime import date
from pathlib import Path

import pytest

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.reporting.annotations import Mark, MarkKind, in_order, read_annotations
from circleci_cost.text.plain import is_unsafe


def read(folder: Path, content: str | bytes) -> list[Mark]:
    path = folder / "releases.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_annotations(path)


def test_annotations_are_read_by_day_with_several_on_one(tmp_path: Path) -> None:
    marks = read(tmp_path, '\ufefftext,date\r\n"Release 4.1, hotfix",2026-10-13\r\nz,2026-10-12\r\na,2026-10-12\r\n')
    assert [(mark.date, mark.text, mark.kind) for mark in marks] == [
        (date(2026, 10, 12), "z", "annotation"),
        (date(2026, 10, 12), "a", "annotation"),
        (date(2026, 10, 13), "Release 4.1, hotfix", "annotation"),
    ]


def test_a_hostile_text_becomes_one_short_line(tmp_path: Path) -> None:
    (mark,) = read(tmp_path, f'date,text\n2026-10-12,"<b>a\n\u202e\x1b[31m{"x" * 10_000}"\n')
    assert mark.text.startswith("<b>a [31mxxx")
    assert len(mark.text) == 200
    assert not any(map(is_unsafe, mark.text))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "releases.csv is empty; its first line names the columns: date, text."),
        ("date\n2026-10-12\n", "releases.csv, line 1: the column 'text' is missing; add it."),
        ("date,text\n2026-10-12,\n", "releases.csv, line 2: text is empty; write a value."),
        (
            "date,text\n2026-10-12,a\n12.10.2026,b\n",
            "releases.csv, line 3: date = 12.10.2026: write a day as YYYY-MM-DD, such as 2026-01-31.",
        ),
        (b"date,text\n2026-10-12,\xff\n", "releases.csv is not UTF-8 text (byte 21); save it as UTF-8."),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_line(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, content)
    assert str(refused.value) == f"{tmp_path}/{sentence}"


def test_marks_of_one_day_stand_by_kind() -> None:
    days = [date(2026, 1, 2), date(2026, 1, 1)]
    marks = [Mark(day, kind.value, kind) for kind in reversed(MarkKind) for day in days]
    assert [(mark.date.day, mark.text) for mark in in_order(marks)] == [
        (number, kind) for number in (1, 2) for kind in ("annotation", "price", "decision", "restatement")
    ]
