"""Real daily series, and the alarms that the detector raises on them at its default settings.

    python -m circleci_cost_tests.benchmarks real_series [--days]

Origins and licences stand in `data/real_series/README.md`. Nobody labelled these series, so nothing is scored here
but what is certain: an alarm that says "less than usual" on a holiday is wrong, and a stop or a spike that this
benchmark puts into the last days of a year is real. Labelled sets are `anomalies`' job.
"""

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.special_days import special_days
from circleci_cost_tests.benchmarks.anomaly_scores import UNSCORED_DAYS, alarms_of

FOLDER = Path(__file__).parents[1] / "data" / "real_series"

_AMERICAN = Calendar(country="US")

CALENDARS: dict[str, Calendar] = {
    "bike_rentals_washington": _AMERICAN,
    "births_us": _AMERICAN,
    "train_rides_chicago": _AMERICAN,
    "deaths_puerto_rico": Calendar(country="PR"),
    "flights_new_york": _AMERICAN,
    "page_views_manning": _AMERICAN,
    "page_views_strasbourg": Calendar(country="FR"),
    "bitcoin_transactions": Calendar(),
    "electricity_portugal": Calendar(country="PT"),
    "road_traffic_minneapolis": _AMERICAN,
    "online_orders_uk": Calendar(country="GB", subdivision="ENG"),
    "uploads_debian": Calendar(),
    "commits_bokeh": _AMERICAN,
    "commits_harfbuzz": _AMERICAN,
    "commits_gnutls": Calendar(country="CZ"),
    "commits_gnupg": Calendar(country="DE"),
    "commits_strace": Calendar(country="RU"),
}
"""Where those who count in a series live; without a country where that is everywhere."""

_STOP_DAYS = 4
_AFTER_EVENT = 2


class _Injection(NamedTuple):
    """Days from `day` on that are multiplied."""

    name: str
    day: tuple[int, int]
    days: int
    factor: float
    direction: str


INJECTIONS = (
    _Injection("stop from 27 December", (12, 27), _STOP_DAYS, 0.0, "down"),
    _Injection("spike on 28 December", (12, 28), 1, 3.0, "up"),
)
BUSY_AT_YEAR_END = 0.7
"""Share of the usual day that the days from 24 December to 1 January must reach for a stop in them to be visible."""


def real_series() -> pl.DataFrame:
    """Return the series: `series`, `date`, `cost` (a count, as dollars), `country` and `subdivision` (codes or null).

    A row for each day that is known; quiet days have a row of zero. Days without a row are not known
    (`page_views_manning` 5, `road_traffic_minneapolis` 9), so judge or forecast a series by itself.
    """
    return pl.concat(
        pl.read_csv(FOLDER / f"{name}.csv", schema={"date": pl.Date(), "cost": pl.Float64()}).select(
            pl.lit(name).alias("series"),
            *("date", "cost"),
            pl.lit(calendar.country, pl.String).alias("country"),
            pl.lit(calendar.subdivision, pl.String).alias("subdivision"),
        )
        for name, calendar in CALENDARS.items()
    )


def main(argv: list[str]) -> None:
    """Print the alarms of each series as mere costs and as runs of one dollar each, and what the injections found."""
    parser = argparse.ArgumentParser(prog="real_series", description=__doc__)
    parser.add_argument("--days", action="store_true", help="list each alarm")
    asked = parser.parse_args(argv)
    print(f"{'alarms a year, by default settings':36}{'cost alone':>12}{'as runs':>9}{'on special days':>17}  kinds")
    daily = real_series()
    for name, calendar in CALENDARS.items():
        _print_alarms(name, daily.filter(pl.col("series") == name), calendar, asked.days)
    for injection in INJECTIONS:
        print(f"\n{injection.name}, in series that are busy then")
        for name, calendar in CALENDARS.items():
            _print_injection(name, daily.filter(pl.col("series") == name), calendar, injection)


def as_runs(daily: pl.DataFrame) -> pl.DataFrame:
    """Return the series as if each unit were a run of one dollar."""
    return daily.with_columns(pl.col("cost").alias("runs"), pl.col("cost").alias("cost_squared"))


def alarms_in(daily: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Return the alarms of one series after its first weeks.

    Out: `direction`, `first_day`, `last_day`, `kind` (of its first day), `score` (the greatest), `specials` (how many
    of its anomalous days are holidays, bridges, closures or days at the turn of the year).
    """
    days = daily["date"].sort().to_list()
    judged = detect(daily, calendar=calendar).filter(pl.col("date") >= days[0] + timedelta(days=UNSCORED_DAYS))
    special = special_days(days[0], days[-1], calendar)["date"]
    return (
        alarms_of(judged)
        .join(
            judged.select("series", "date", "kind", "score").with_columns(pl.col("series").cast(pl.String)),
            on=["series", "date"],
        )
        .sort("date")
        .group_by("direction", pl.col("alarm").alias("first_day"), maintain_order=True)
        .agg(
            pl.col("date").max().alias("last_day"),
            pl.col("kind").first(),
            pl.col("score").max(),
            pl.col("date").is_in(special.implode()).sum().alias("specials"),
        )
        .sort("first_day", "direction")
    )


def _print_alarms(name: str, daily: pl.DataFrame, calendar: Calendar, each: bool) -> None:
    years = (daily.height - UNSCORED_DAYS) / 365
    alone, runs = alarms_in(daily, calendar), alarms_in(as_runs(daily), calendar)
    kinds = ", ".join(f"{kind} {count}" for kind, count in alone["kind"].value_counts(sort=True).iter_rows())
    specials = alone.filter(pl.col("specials") > 0).height
    print(f"{name:36}{alone.height / years:>12.1f}{runs.height / years:>9.1f}{specials:>17}  {kinds}")
    for row in alone.iter_rows(named=True) if each else ():
        print(
            f"    {row['first_day']:%a %Y-%m-%d} to {row['last_day']}  {row['direction']:5}{row['kind']:13}"
            f"score {row['score']:.2f}{'  special day' if row['specials'] else ''}"
        )


def _print_injection(name: str, daily: pl.DataFrame, calendar: Calendar, injection: _Injection) -> None:
    """Put an event into the last year's end that the series has, if it is busy then, and tell whether it is found."""
    years = [year for year in range(2000, 2030) if _share_at_year_end(daily, year) >= BUSY_AT_YEAR_END]
    if not years:
        return
    begins = date(years[-1], *injection.day)
    ends = begins + timedelta(days=injection.days - 1)
    within = pl.col("date").is_between(begins, ends)
    changed = daily.with_columns(pl.when(within).then(pl.col("cost") * injection.factor).otherwise("cost"))
    words = []
    for rows in (changed, as_runs(changed)):
        found = alarms_in(rows, calendar).filter(
            pl.col("direction") == injection.direction,
            pl.col("last_day") >= begins,
            pl.col("first_day") <= ends + timedelta(days=_AFTER_EVENT),
        )
        words.append("missed" if found.is_empty() else f"found, score {found.select(pl.col('score').max()).item():.2f}")
    print(f"{name:36}{years[-1]}  cost alone: {words[0]:18} as runs: {words[1]}")


def _share_at_year_end(daily: pl.DataFrame, year: int) -> float:
    """Return the mean cost from 24 December to 1 January as a share of that of the eight weeks before; 0 if unknown."""
    first = date(year, 12, 24)
    ends = daily.filter(pl.col("date").is_between(first, first + timedelta(days=8)))
    before = daily.filter(pl.col("date").is_between(first - timedelta(days=56), first - timedelta(days=1)))
    if ends.height < 9 or before.height < 50 or daily["date"].min() > first - timedelta(days=120):  # type: ignore[operator]
        return 0.0
    return float(ends["cost"].mean() / before["cost"].mean())  # type: ignore[operator,arg-type]
