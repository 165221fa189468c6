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

_AFTER_EVENT = 2
_YEAR_END_DAYS = 9
_WEEKS_BEFORE = 8
_HISTORY_DAYS = 120


class Injection(NamedTuple):
    """Days from `day` (month, day) on that are multiplied."""

    name: str
    day: tuple[int, int]
    days: int
    factor: float
    direction: str

    def first_day(self, year: int) -> date:
        """The first of the days in a year."""
        return date(year, *self.day)


class Outcome(NamedTuple):
    """An injection into a series, and the greatest score of an alarm about it; None where there is none."""

    injection: Injection
    series: str
    year: int
    alone: float | None
    runs: float | None


INJECTIONS = (
    Injection("stop from 27 to 30 December", (12, 27), 4, 0.0, "down"),
    Injection("three times as much on 28 December", (12, 28), 1, 3.0, "up"),
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
    """Print the alarms of each series as mere costs and as runs of one dollar each, and which injections are found."""
    parser = argparse.ArgumentParser(prog="real_series", description=__doc__)
    parser.add_argument("--days", action="store_true", help="list each alarm")
    asked = parser.parse_args(argv)
    print(f"{'alarms a year, by default settings':36}{'cost alone':>12}{'as runs':>9}{'on special days':>17}  kinds")
    daily, outcomes = real_series(), list[Outcome]()
    for name, calendar in CALENDARS.items():
        own = daily.filter(pl.col("series") == name)
        alone, runs = alarms_in(own, calendar), alarms_in(as_runs(own), calendar)
        years = (own.height - UNSCORED_DAYS) / 365
        kinds = ", ".join(f"{kind} {count}" for kind, count in alone["kind"].value_counts(sort=True).iter_rows())
        special = alone.filter(pl.col("specials") > 0).height
        print(f"{name:36}{alone.height / years:>12.1f}{runs.height / years:>9.1f}{special:>17}  {kinds}")
        if asked.days:
            _print_days(alone)
        outcomes += injections_found(own, calendar)
    for injection in INJECTIONS:
        print(f"\n{injection.name}, in series that are busy then: score as {'cost alone':>12}{'as runs':>10}")
        for outcome in outcomes:
            if outcome.injection is injection:
                scores = "".join(f"{_shown(score):>12}" for score in (outcome.alone, outcome.runs))
                print(f"{outcome.series:36}{outcome.year}{'':14}{scores}")


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


def injections_found(daily: pl.DataFrame, calendar: Calendar) -> list[Outcome]:
    """Put each injection into the last busy end of a year of a series, if there is one, and judge it."""
    years = [
        year for year in daily["date"].dt.year().unique().sort() if _share_at_year_end(daily, year) >= BUSY_AT_YEAR_END
    ]
    results = []
    for injection in INJECTIONS if years else ():
        begins = injection.first_day(years[-1])
        ends = begins + timedelta(days=injection.days - 1)
        within = pl.col("date").is_between(begins, ends)
        changed = daily.with_columns(pl.when(within).then(pl.col("cost") * injection.factor).otherwise("cost"))
        changed = changed.filter(pl.col("date") <= ends + timedelta(days=_AFTER_EVENT))
        alone, runs = (
            alarms_in(rows, calendar).filter(
                pl.col("direction") == injection.direction, pl.col("last_day") >= begins, pl.col("score") >= 1
            )["score"]
            for rows in (changed, as_runs(changed))
        )
        results.append(Outcome(injection, daily["series"][0], years[-1], _greatest(alone), _greatest(runs)))
    return results


def _greatest(scores: pl.Series) -> float | None:
    return None if scores.is_empty() else float(scores.sort()[-1])


def _shown(score: float | None) -> str:
    return "missed" if score is None else f"{score:.2f}"


def _print_days(alarms: pl.DataFrame) -> None:
    for row in alarms.iter_rows(named=True):
        print(
            f"    {row['first_day']:%a %Y-%m-%d} to {row['last_day']}  {row['direction']:5}{row['kind']:13}"
            f"score {row['score']:.2f}{'  special day' if row['specials'] else ''}"
        )


def _share_at_year_end(daily: pl.DataFrame, year: int) -> float:
    """Return the mean cost from 24 December to 1 January as a share of that of the weeks before; 0 where unknown."""
    first = date(year, 12, 24)
    ends = daily.filter(pl.col("date").is_between(first, first + timedelta(days=_YEAR_END_DAYS - 1)))
    weeks = pl.col("date").is_between(first - timedelta(weeks=_WEEKS_BEFORE), first - timedelta(days=1))
    known = daily.filter(pl.col("date") < first).height >= _HISTORY_DAYS and ends.height == _YEAR_END_DAYS
    shares = ends.select(pl.col("cost").mean() / pl.lit(daily.filter(weeks)["cost"].mean()))
    return float(shares.item()) if known else 0.0
