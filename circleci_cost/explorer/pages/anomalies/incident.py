"""One incident: what happened, its course, its drivers, what shifted around it, and the decision about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.asking import days_there_are
from circleci_cost.explorer.page import Content
from circleci_cost.explorer.pages.anomalies.course import course_of, days_around
from circleci_cost.explorer.pages.anomalies.course_chart import course_chart
from circleci_cost.explorer.pages.anomalies.decided import Decided, decided
from circleci_cost.explorer.pages.anomalies.drivers_table import drivers_table
from circleci_cost.explorer.pages.job_run_links import run_links
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.incidents.decision import LONGEST_REASON, Decision
from circleci_cost.model.incidents.listing import incident_named
from circleci_cost.model.incidents.scope import scope_of
from circleci_cost.model.incidents.text import (
    certainty,
    days_text,
    kind_words,
    sentences,
    series_text,
    status_words,
    title,
)
from circleci_cost.model.reporting.filters import filter_text
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.warehouse.correlation.cost_correlations import read_incident_services
from circleci_cost.warehouse.incidents.drivers import read_drivers

DECIDE = "/anomalies/decide"


@dataclass(frozen=True)
class Typed:
    """What a form was sent with; it is shown again where it was refused."""

    decision: str
    reason: str
    until: str


@dataclass(frozen=True)
class Panel:
    """The form for a decision: what the file says now, where it is, and why it cannot be changed."""

    decision: Decision | None
    version: str
    file: str | None
    read_only: str | None
    toml: bool
    typed: Typed
    longest: int


@dataclass(frozen=True)
class Facts:
    """An incident in words and amounts."""

    incident_id: str
    title: str
    what: str
    level: str
    kind: str
    days: str
    status: str
    status_words: str
    direction: str
    row: Mapping[str, Any]
    certainty: str


def incident_address(incident_id: str) -> Address:
    """The page of one incident."""
    return Address("/anomalies", (("incident", incident_id),))


def show_incident(
    incident_id: str, snapshot: Snapshot, refusal: str | None = None, typed: Typed | None = None, status: int = 200
) -> Content:
    """The page of one incident; `refusal` says why a form that was sent as `typed` has changed nothing.

    Raises `UsageError` where there is no such incident.
    """
    present = decided(snapshot)
    row = incident_named(present.rows, incident_id)
    drivers = read_drivers(snapshot.connection, incident_id)
    table = drivers_table(drivers) if drivers else None
    # Where the table of drivers links to runs, those of the root cause are among them.
    of_cause = run_links(drivers.example_urls) if drivers and table and not any(row.runs for row in table.rows) else ()
    days = course_of(row, snapshot)
    values = {
        "facts": _facts(row),
        "sentences": sentences(row, drivers.sentence if drivers else None),
        "chart": course_chart(days) if days else None,
        "days": days,
        "drivers": drivers,
        "drivers_table": table,
        "runs": of_cause,
        "services": read_incident_services(snapshot.connection, incident_id).get_column("sentence").to_list(),
        "why": _why(row),
        "explore": _explore(row, days_around(row, days_there_are(snapshot))),
        "download": Address("/anomalies.csv", (("incident", incident_id),)),
        "decide": DECIDE,
        "panel": _panel(present, incident_id, typed),
        "problem_of_file": present.problem,
        "refusal": refusal,
    }
    return Content("anomalies_incident.html", values, status)


def _facts(row: Mapping[str, Any]) -> Facts:
    return Facts(
        row["incident_id"],
        title(row),
        series_text(row),
        dimension_name(row["series_kind"]),
        kind_words(row),
        days_text(row["first_day"], row["last_day"]),
        row["status"],
        status_words(row),
        row["direction"],
        row,
        certainty(row),
    )


def _panel(present: Decided, incident_id: str, typed: Typed | None) -> Panel:
    decision = present.decision(incident_id)
    if typed is None and decision is not None:
        until = decision.until.isoformat() if decision.until else ""
        typed = Typed(decision.decision, decision.reason or "", until)
    read_only = str(present.problem) if present.problem else present.file.read_only
    return Panel(
        decision,
        present.version(incident_id),
        present.file.shown,
        read_only,
        present.file.shown is None,
        typed or Typed("", "", ""),
        LONGEST_REASON,
    )


def _why(row: Mapping[str, Any]) -> Address:
    return Address("/why", (("from", f"{row['first_day']}"), ("to", f"{row['last_day']}"), *_where(row)))


def _explore(row: Mapping[str, Any], days: DayRange) -> Address:
    return Address("/", (("from", f"{days.first}"), ("to", f"{days.last}"), ("granularity", "day"), *_where(row)))


def _where(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("where", filter_text(each.dimension, each.operator, value)) for each in scope_of(row) for value in each.values
    ]
