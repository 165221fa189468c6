"""The days of an incident and the weeks around it: what its series cost, and what was expected where that is known.

Of days that lie further back only the alarms are kept; their costs are asked for like those of a report.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.explorer.asking import ask, days_there_are
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.incidents.scope import scope_of
from circleci_cost.model.reporting.report import Granularity, Question
from circleci_cost.warehouse.incidents.course import JudgedDay, read_course, unjudged_day

_BEFORE, _AFTER = timedelta(days=42), timedelta(days=21)


def days_around(incident: Mapping[str, Any], available: DayRange | None) -> DayRange:
    """The days of an incident and the weeks around it, as far as there are data."""
    first, last = incident["first_day"] - _BEFORE, incident["last_day"] + _AFTER
    if available is None:
        return DayRange(first, last)
    return DayRange(max(first, available.first), max(incident["last_day"], min(last, incident["data_through"])))


def course_of(incident: Mapping[str, Any], snapshot: Snapshot) -> Sequence[JudgedDay]:
    """The days around an incident (a row of `anomaly_incidents`), the oldest first; missing days are left out."""
    days = days_around(incident, days_there_are(snapshot))
    by_date = {
        day.date: day for day in read_course(snapshot.connection, incident) if days.first <= day.date <= days.last
    }
    between = days_between(days.first, days.last)
    if any(day not in by_date for day in between):
        by_date = _unjudged(incident, days, snapshot) | by_date
    return [by_date[day] for day in between if day in by_date]


def _unjudged(incident: Mapping[str, Any], days: DayRange, snapshot: Snapshot) -> dict[date, JudgedDay]:
    question = Question(days.first, days.last, (), tuple(scope_of(incident)), Granularity.DAY)
    report = ask(snapshot, question)
    missing = {
        day
        for center, ranges in report.missing.items()
        if incident["cost_center"] in {None, center}
        for each in ranges
        for day in days_between(each.first, each.last)
    }
    costs = {row.period: row.amount.cost for row in report.rows}
    return {day: unjudged_day(day, costs.get(day)) for day in days_between(days.first, days.last) if day not in missing}
