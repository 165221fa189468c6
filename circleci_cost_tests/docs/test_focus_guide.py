"""The guide `focus` has a line for every column that is written, and the limits that files are written by."""

import re

from circleci_cost.model.focus.columns import COLUMNS, Grain, Level
from circleci_cost.model.focus.receivers import RECEIVERS
from circleci_cost_tests.docs.documents import GUIDES

_GUIDE = (GUIDES / "focus.md").read_text("utf-8")
_ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_every_column_is_described_in_its_order_with_its_versions_and_grain() -> None:
    rows = _ROW.findall(_GUIDE)
    assert [name for name, *_ in rows] == [column.name for column in COLUMNS]
    described = {name: (meaning, null) for name, meaning, null in rows}
    for column in COLUMNS:
        meaning, null = described[column.name]
        assert ("only with `--grain job`" in meaning) == (column.grains == (Grain.JOB,))
        assert ("since" in meaning, "until" in meaning) == (column.since != "1.2", column.until != "1.4")
        if not column.nullable:
            assert null == "never", column.name
        elif column.level is Level.OWN:
            assert null != "always", column.name


def test_the_limits_of_receivers_are_those_that_files_keep() -> None:
    for receiver in RECEIVERS.values():
        line = next(line for line in _GUIDE.splitlines() if line.startswith(f"| [{receiver.shown}]"))
        assert receiver.documentation in line
        if receiver.name != "datadog":
            assert f"{receiver.most_rows:,} rows" in line
    assert (RECEIVERS["vantage"].most_bytes, RECEIVERS["datadog"].most_characters) == (2_000_000, 1000)
