"""What an address asks of the page of classes, and the published rows that answer it. Every value is checked."""

from dataclasses import dataclass

import polars as pl

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.efficiency import advice_listing, change_listing
from circleci_cost.text.plain import quoted
from circleci_cost.warehouse.efficiency.class_advice import published_advice
from circleci_cost.warehouse.efficiency.class_changes import published_changes

PATH = "/classes"
PARAMETERS = ("project", "job", "show")
EVERY = "all"


@dataclass(frozen=True)
class Asked:
    """A checked address with its rows: all advice, the `rows` of it that are asked for, and the changes."""

    address: Address
    project: str | None
    job: str | None
    shows_all: bool
    advice: pl.DataFrame
    rows: pl.DataFrame
    changes: pl.DataFrame


def asked(address: Address, snapshot: Snapshot) -> Asked:
    """Read an address. Raises `UsageError` for a project or job that no row has."""
    address.require_known(PARAMETERS)
    show = address.one("show")
    if show not in {None, EVERY}:
        raise UsageError(f"show={quoted(show)} is unknown; leave it out, or write show={EVERY}.")
    advice = published_advice(snapshot.connection, snapshot.generation)
    changes = published_changes(snapshot.connection, snapshot.generation)
    project, job = address.one("project"), address.one("job")
    for column, value in (("project", project), ("job", job)):
        if value is not None:
            advice, changes = (rows.filter(pl.col(column) == value) for rows in (advice, changes))
            if advice.is_empty() and changes.is_empty():
                raise UsageError(f"There is nothing about classes of the {column} {quoted(value)}.")
    rows = advice_listing.chosen(advice, [job] if job else [], every=show == EVERY)
    return Asked(address, project, job, show == EVERY, advice, rows, change_listing.chosen(changes, []))
