"""Puts the progress of runs into words: which export of how many, what a step does, why something waits.

Bars that show the words are `watching`'s, lines `telling`'s.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circleci_cost.cli.runs import AnyRun

STEPS = {
    "usage_exports": "fetching",
    "job_runs": "reading",
    "pricing_periods": "spreading prices",
    "daily_costs": "pricing",
    "allocated_costs": "allocating",
    "cost_forecast": "forecasting",
    "budget_status": "comparing with budgets",
    "infrastructure_costs": "reading infrastructure costs",
    "cost_anomalies": "looking for anomalies",
    "anomaly_drivers": "explaining anomalies",
    "cost_correlations": "correlating",
    "published": "publishing",
    "notifications": "notifying",
}
# How a fetch begins each of its sentences.
_SUBJECT = re.compile(r"Usage export of \S+, (?P<first>\d{4}-\d\d-\d\d)(?: to (?P<last>\d{4}-\d\d-\d\d))?: ")


def fetches(run: "AnyRun") -> bool:
    """Whether a run asks CircleCI for an export."""
    return "usage_exports" in run.made


def export_count(runs: Sequence["AnyRun"], number: int) -> str:
    """Which export of a lane's runs run `number` fetches: `export 2 of 12`; empty for none, and for the only one."""
    exports = [index for index, run in enumerate(runs) if fetches(run)]
    if number not in exports or len(exports) == 1:
        return ""
    return f"export {exports.index(number) + 1} of {len(exports)}"


def days_of(text: str) -> str | None:
    """The days that a fetch's sentence is about; None for one that does not say so."""
    found = _SUBJECT.match(text)
    return found and " – ".join(day for day in found.groups() if day)


def without_subject(text: str) -> str:
    """A fetch's sentence without what it is about, wherever that is named."""
    return _SUBJECT.sub("", text)


def joined(*parts: str) -> str:
    """What is known of a run's name, export and days."""
    return ", ".join(part for part in parts if part)
