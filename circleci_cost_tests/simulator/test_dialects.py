import gzip
import re
from pathlib import Path

import polars as pl

from circleci_cost.simulator.dialects import to_csv

from .builders import NULL, read_quoted, read_unquoted, rows, scenario

SAMPLE = Path(__file__).parents[1] / "data" / "usage_export_part_unquoted.csv.gz"
FREE_TEXT = re.compile("NAME|VCS_|_STATUS|RESOURCE_CLASS|OPERATING_SYSTEM|EXECUTOR|TRIGGER_SOURCE")


def shape(value: str) -> str:
    """Reduce a value to its form: 9-9-9 for a date, digit by digit, and one 9 for a number of any length."""
    return re.sub("[0-9a-f]", "9", value) if "-" in value else re.sub("[0-9]+", "9", value)


def test_both_dialects_hold_the_same_rows() -> None:
    frame = rows(scenario())
    unquoted = read_unquoted(to_csv(frame, "unquoted", header=True))
    quoted = read_quoted(to_csv(frame, "quoted", header=True))
    flags = {frame.columns.index(name) for name in ("IS_UNREGISTERED_USER", "IS_WORKFLOW_SUCCESSFUL")}
    assert {row[index] for row in quoted[1:] for index in flags} == {"True", "False"}
    lowered = [[v.lower() if i in flags else v for i, v in enumerate(row)] for row in quoted[1:]]
    assert unquoted == [quoted[0], *lowered]
    assert len(unquoted) == frame.height + 1
    assert {len(row) for row in unquoted} == {48}
    expected = frame["TOTAL_CREDITS"].cast(pl.String).to_list()
    assert [row[47] for row in unquoted[1:]] == expected
    assert sum(row[28] == NULL for row in unquoted) == frame["JOB_RUN_STOPPED_AT"].null_count()


def test_the_unquoted_dialect_is_the_real_samples() -> None:
    real = gzip.decompress(SAMPLE.read_bytes())
    made = to_csv(rows(scenario()), "unquoted", header=True)
    assert made.split(b"\n", 1)[0] == real.split(b"\n", 1)[0]
    assert made.endswith(b"\n")
    assert b"\r" not in made
    assert b'"' not in made
    assert rb",\\N," in made
    header, *real_rows = read_unquoted(real)
    made_rows = read_unquoted(made)[1:]
    for index, name in enumerate(header):
        if not FREE_TEXT.search(name):
            assert {shape(row[index]) for row in made_rows} <= {shape(row[index]) for row in real_rows}, name


def test_special_characters_survive_both_dialects() -> None:
    values = ["a,b", "back\\slash", 'say "hi"', "two\nlines", "häß✓", ""]
    frame = pl.DataFrame({"JOB_NAME": values, "PARALLELISM": [None, 1, 2, 3, 4, 5]})
    expected = [["JOB_NAME", "PARALLELISM"], *([v, n] for v, n in zip(values, (NULL, *"12345"), strict=True))]
    assert read_unquoted(to_csv(frame, "unquoted", header=True)) == expected
    assert read_quoted(to_csv(frame, "quoted", header=True)) == expected
    assert to_csv(frame[:1], "unquoted", header=False) == b"a\\,b,\\\\N\n"
    assert to_csv(frame[:1], "quoted", header=False) == b'"a,b","\\N"\r\n'
