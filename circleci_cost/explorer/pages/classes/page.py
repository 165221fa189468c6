"""Classes: which addresses there are, and what they answer. What they show is made by the modules beside this one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Download, Page
from circleci_cost.explorer.pages.classes.asked import EVERY, PATH, asked
from circleci_cost.explorer.pages.classes.lines import SHOWN, advice_lines, change_lines, totals
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.model.efficiency.advice import ADVICE_SCHEMA
from circleci_cost.model.efficiency.class_verdicts import VERDICT_SCHEMA
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, WINDOW_DAYS


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The advice and the changes, of all jobs or of one."""
    wanted = asked(address, snapshot)
    return Content(
        "classes.html",
        {
            "address": address,
            "asked": wanted,
            "is_published": ADVICE in snapshot.generation.manifest.rows,
            "how_to_publish": snapshot.generation.how_to_publish,
            "days": WINDOW_DAYS,
            "shown": SHOWN,
            "advice": advice_lines(wanted),
            "changes": change_lines(wanted),
            "totals": list(totals(wanted)),
            "every": address.changed(show=EVERY),
            "best": address.changed(show=None),
        },
    )


def csv_of_advice(address: Address, snapshot: Snapshot) -> Answer:
    """The advice of the same address with all columns and exact amounts."""
    return Download("classes.csv", _lines(asked(address, snapshot).rows, ADVICE_SCHEMA, advice_listing.as_json))


def csv_of_changes(address: Address, snapshot: Snapshot) -> Answer:
    """The changes of the same address with all columns and exact amounts."""
    wanted = asked(address, snapshot)
    return Download("class-changes.csv", _lines(wanted.changes, VERDICT_SCHEMA, change_listing.as_json))


def _lines(
    rows: pl.DataFrame, schema: Mapping[str, pl.DataType], as_json: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Iterator[str]:
    texts = [place for place, kind in enumerate(schema.values()) if kind == pl.String]
    yield csv_line(list(schema))
    for row in rows.iter_rows(named=True):
        yield csv_line(_cells(list(as_json(row).values())), texts)


def _cells(values: Sequence[object]) -> list[str | None]:
    return [
        None if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in values
    ]


PAGE = Page(
    "classes",
    PATH,
    "Classes",
    respond,
    more=(("/classes.csv", csv_of_advice), ("/classes/changes.csv", csv_of_changes)),
)
