"""The days on which usage is expected to be low: public holidays, bridge days, the turn of the year, own closures.

How low they are is learned from the series by whoever forecasts them, and is not known here.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import holidays
import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.text.suggestions import similar

KINDS = ("closure", "holiday", "year_end", "bridge")
"""The kinds of special days; a day that is several is the first of them."""

SCHEMA: dict[str, pl.DataType] = {"date": pl.Date(), "kind": pl.String()}


def special_days(
    first: date,
    last: date,
    country: str | None = None,
    subdivision: str | None = None,
    closures: Iterable[date] = (),
) -> pl.DataFrame:
    """Return the special days from `first` to `last`, both included, in order: `date`, `kind` (one of `KINDS`).

    `country` is an ISO 3166-1 code and `subdivision` one of its ISO 3166-2 parts, as the package `holidays` knows
    them; without a country only the days from 24 December to 1 January and the closures are special. A bridge is a
    single working day between a holiday and the weekend. Raises ConfigurationError for a code that is not known.
    """
    public = _public(first, last, country, subdivision)
    kinds = {day: "bridge" for day in _bridges(public)}
    for year in range(first.year - 1, last.year + 1):
        kinds |= {date(year, 12, 24) + timedelta(days=offset): "year_end" for offset in range(9)}
    kinds |= dict.fromkeys(public, "holiday")
    kinds |= dict.fromkeys(closures, "closure")
    rows = sorted((day, kind) for day, kind in kinds.items() if first <= day <= last)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _public(first: date, last: date, country: str | None, subdivision: str | None) -> set[date]:
    """Return the public holidays and those of the days next to the range, which make bridges in it."""
    if country is None:
        if subdivision is not None:
            raise ConfigurationError(f"subdivision {subdivision!r} has no country; write country beside it")
        return set()
    known = holidays.list_supported_countries()
    if country not in known:
        raise ConfigurationError(
            f"country {country!r} has no calendar of holidays{_nearest(country, known)}; "
            "write an ISO 3166-1 code such as 'DE' or 'US'"
        )
    if subdivision is not None and subdivision not in known[country]:
        raise ConfigurationError(
            f"subdivision {subdivision!r} of {country} has no calendar of holidays"
            f"{_nearest(subdivision, known[country])}; known are: {', '.join(known[country]) or 'none'}"
        )
    years = range((first - timedelta(days=3)).year, (last + timedelta(days=3)).year + 1)
    return set(holidays.country_holidays(country, subdiv=subdivision, years=years))


def _bridges(public: set[date]) -> set[date]:
    """Return the Mondays before and the Fridays after a holiday, where they are none themselves."""
    before = {day - timedelta(days=1) for day in public if day.weekday() == 1}
    after = {day + timedelta(days=1) for day in public if day.weekday() == 3}
    return (before | after) - public


def _nearest(asked: str, known: Iterable[str]) -> str:
    found = similar(asked, [str(each) for each in known])
    return f" (did you mean {' or '.join(found)}?)" if found else ""
