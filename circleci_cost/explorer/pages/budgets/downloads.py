"""The tables of budgets as CSV: all columns, amounts to the last digit."""

from collections.abc import Iterator

import polars as pl

from circleci_cost.explorer.pages.budgets.one_budget import AskedPeriod
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.budgets.course import COURSE_SCHEMA
from circleci_cost.model.budgets.status import STATUS_SCHEMA
from circleci_cost.model.budgets.text import as_json, tree
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.text.csv_text import csv_line

_COLUMNS = [*STATUS_SCHEMA, "used"]
_TEXTS = {_COLUMNS.index(name) for name in ("budget", "owner", "parent", "note")}


def states_csv(states: pl.DataFrame) -> Iterator[str]:
    """Rows of `budget_status` in the order of their tree, the columns of `budgets --json`."""
    yield csv_line(_COLUMNS)
    for row in as_json(row for _, row in tree(states)):
        yield csv_line([None if row[name] is None else str(row[name]) for name in _COLUMNS], _TEXTS)


def course_csv(asked: AskedPeriod, snapshot: Snapshot) -> Iterator[str]:
    """The days of one budget in one period."""
    written = cost_text if asked.row["unit"] == "USD" else credits_text
    yield csv_line(["budget", "unit", *COURSE_SCHEMA])
    for day in asked.course(snapshot).to_dicts():
        amounts = [None if day[name] is None else written(day[name]) for name in list(COURSE_SCHEMA)[1:]]
        yield csv_line([asked.row["budget"], asked.row["unit"], day["date"].isoformat(), *amounts], {0})
