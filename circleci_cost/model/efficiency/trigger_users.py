"""Reads the names of users from the file that `[actors]` names: a CSV table of ids and names.

Names are looked up when an answer is written and are stored nowhere; which costs a user caused is
`warehouse.reporting.run_costs`' subject.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.usage.dimensions import NO_VALUE
from circleci_cost.named_files.csv_tables import LINE, read_bytes, read_csv, refuse_empty
from circleci_cost.text.plain import QUOTABLE_LENGTH, cut

WITHOUT_NAMES = "Users go by their ids."
_COLUMNS = ("id", "name")
_USER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_user_id(text: str) -> bool:
    """Whether a text has the form of CircleCI's ids, a UUID in lower case."""
    return _USER_ID.fullmatch(text) is not None


def read_user_names(path: Path) -> Mapping[str, str]:
    """The name of each id of a file; several ids may have one name. Raises `ConfigurationError` with file and line."""
    rows = read_csv(path, read_bytes(path), _COLUMNS, _COLUMNS)
    for name in _COLUMNS:
        refuse_empty(path, rows, name)
    rows = rows.with_columns(pl.col("id").str.to_lowercase())
    wrong = rows.filter(~pl.col("id").str.contains(f"^{_USER_ID.pattern}$"))
    if not wrong.is_empty():
        raise ConfigurationError(
            f"{path}, line {wrong.item(0, LINE)}: id = {cut(str(wrong.item(0, 'id')), QUOTABLE_LENGTH)}: write the "
            "user's id as CircleCI has it, a UUID; `circleci-cost report --by trigger_user` shows those there are."
        )
    repeated = rows.filter(~pl.col("id").is_first_distinct())
    if not repeated.is_empty():
        raise ConfigurationError(
            f"{path}, line {repeated.item(0, LINE)}: the id {repeated.item(0, 'id')} is there twice; leave one of "
            "them out."
        )
    nobody = rows.filter(pl.col("name") == NO_VALUE)
    if not nobody.is_empty():
        raise ConfigurationError(
            f"{path}, line {nobody.item(0, LINE)}: the name {NO_VALUE} stands for costs without a user; write another "
            "one, or leave the line out."
        )
    return dict(rows.select(_COLUMNS).iter_rows())
