"""The days on which usage is expected to be low: public holidays, bridge days, the turn of the year, own closures.

How low it is, the forecasts learn from the series; it is not known here.
"""

from datetime import date, timedelta

import polars as pl

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.holidays import public_holidays

KINDS = ("closure", "holiday", "year_end", "bridge", "near_year_end")
"""The kinds of special days; a day of several kinds counts as the first of them."""

SCHEMA: dict[str, pl.DataType] = {"date": pl.Date(), "kind": pl.String()}


def special_days(first: date, last: date, calendar: Calendar) -> pl.DataFrame:
    """Return the special days from `first` to `last`, both included, in order: `date`, `kind` (one of `KINDS`).

    Without a country only the days from 22 December to 2 January and the closures are special. 22 and 23 December and
    2 January are a kind of their own, `near_year_end`: many work on them, as many do not. A bridge is a single working
    day between a holiday and the weekend.
    """
    public = public_holidays(first, last, calendar.country, calendar.subdivision)
    kinds = {day: "bridge" for day in _bridges(public)}
    for year in range(first.year - 1, last.year + 1):
        kinds |= {day: "near_year_end" for day in _days(date(year, 12, 22), date(year + 1, 1, 2)) if day not in kinds}
        kinds |= dict.fromkeys(_days(date(year, 12, 24), date(year + 1, 1, 1)), "year_end")
    kinds |= dict.fromkeys(public, "holiday")
    kinds |= dict.fromkeys(calendar.closures, "closure")
    rows = sorted((day, kind) for day, kind in kinds.items() if first <= day <= last)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _bridges(public: set[date]) -> set[date]:
    """Return the Mondays before and the Fridays after a holiday that are no holidays themselves."""
    before = {day - timedelta(days=1) for day in public if day.weekday() == 1}
    after = {day + timedelta(days=1) for day in public if day.weekday() == 3}
    return (before | after) - public
