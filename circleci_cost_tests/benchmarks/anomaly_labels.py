"""Labels from events and their effects: in which series an event should be detected, and where it merely explains.

Making effects is the generators' job (`anomaly_series`, `anomaly_statistical`), scoring `anomaly_scores`'s.

An event is a **label** of a series where it changes the series' cost by at least 20 % over the days on which it is
measured (a spike's, an outage's and a leak's own days; the first 14 days after a change of level, price or class; the
14 days after a drift has reached its full strength), and where the series has run for at least 14 days before it.
The share is relative to the cost without the event, at least a fifth of what the series cost in the four weeks before
(so that a few cents on a day that would have cost nothing are no label). Of the rest, an effect of at least 2 %
**explains** alarms of the series on the event's days; smaller ones do nothing. What people know (`KNOWN`) explains and
is no label, however large: projects that begin or end, closed weeks, corrections, and the first occurrence of a monthly
batch. All later ones are usual: an alarm at them is false, as at the quiet end of the year.
"""

from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from circleci_cost_tests.benchmarks.anomaly_tables import LAST, LEVELS, rolled_up

MINIMUM_SHARE = 0.2
EXPLAINS_FROM = 0.02
CAUSE_FROM = 0.05
"""Share of its organization's daily cost from which an event is a cause that incidents are held against."""
CAUSE_KNOWN_FROM = 0.01
"""An incident about an event between these shares counts neither way."""

HISTORY = timedelta(days=14)
SETTLED_DAYS = 14
ECHO_DAYS = 10
"""For so many days after an event has ended, its end may be taken for an event: such alarms count neither way."""

GRACE_DAYS = 2
GRACE_DAYS_OF_DRIFT = 14
STOP, SCHEDULE_OFF, DRIFT, PRICE_CHANGE = "stop", "schedule_off", "drift", "price_change"
NEW, VANISHED, CORRECTION, CLOSED, FIRST_BATCH = "new_series", "vanished_series", "correction", "closed", "first_batch"
KNOWN = (NEW, VANISHED, CORRECTION, CLOSED, FIRST_BATCH)

LASTING_DAYS = 21
"""An alarm finds a lasting change up to this many days after its first day."""


class Happening(NamedTuple):
    """An event in the form of both generators; `last_day` is None for lasting changes."""

    event: str
    kind: str
    scope: str
    first_day: date
    last_day: date | None


def measured_days(happening: Happening) -> list[date]:
    """Return the days of the set over which the effect of an event is measured."""
    last = happening.last_day
    if happening.kind == DRIFT and last is not None:
        start, end = last, last + timedelta(days=SETTLED_DAYS - 1)
    else:
        start = happening.first_day
        end = last or start + timedelta(days=SETTLED_DAYS - 1)
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    return [day for day in days if day <= LAST and (day.weekday() >= 5 or happening.kind != "weekend_leak")]


def short_ones(happenings: list[Happening]) -> list[tuple[date, date]]:
    """Return the first and last days of the events that go away."""
    return [
        (happening.first_day, happening.last_day)
        for happening in happenings
        if happening.last_day and happening.kind != DRIFT
    ]


def effects_of(happenings: list[Happening], measured: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Return the effect of each event in each series that it changes at all.

    In: `measured`: `event`, `series` (jobs), `date`, `cost_with`, `cost_without`, for all jobs of the organization on
    the days of `measured_days`; `daily`: `series`, `date`, `cost` of all levels. Out: `event`, `kind`, `scope`,
    `series`, `level`, `first_day`, `last_day`, `ends` (last day on which an alarm finds it), `over` (last day on which
    it lasts, null for what stays), `direction`, `effect_share`, `effect_usd_per_day`, `old_enough`, `visibility`
    (the effect in standard deviations of the series' usual noise over as many days), `usual` (USD a day in the four
    weeks before).
    """
    courses = pl.DataFrame(
        [
            (*happening[:4], *_course(happening), len(measured_days(happening)))
            for happening in happenings
            if measured_days(happening)
        ],
        schema=["event", "kind", "scope", "first_day", "last_day", "ends", "over", "days"],
        schema_overrides={"over": pl.Date},
        orient="row",
    )
    begins = daily.filter(pl.col("cost") > 0).group_by("series").agg(pl.col("date").min().alias("begins"))
    effect, days = pl.col("cost_with") - pl.col("cost_without"), pl.col("days")
    noise = pl.when(days < 7).then("noise_of_day").otherwise("noise_of_week")
    floor = MINIMUM_SHARE * pl.col("usual") * days
    return (
        rolled_up(measured, ("event", "date"), ("cost_with", "cost_without"))
        .group_by("event", "series")
        .agg(pl.col("cost_with", "cost_without").sum())
        .filter(effect.abs() > 1e-9)
        .join(courses, on="event")
        .join(begins, on="series")
        .join(_usual(daily), left_on=["series", "first_day"], right_on=["series", "date"], how="left")
        .with_columns(
            pl.col("series")
            .str.count_matches("/")
            .replace_strict(dict(enumerate(LEVELS)), return_dtype=pl.String)
            .alias("level"),
            pl.when(effect > 0).then(pl.lit("up")).otherwise(pl.lit("down")).alias("direction"),
            (effect / pl.max_horizontal("cost_without", floor)).alias("effect_share"),
            (effect / days).alias("effect_usd_per_day"),
            (pl.col("first_day") - pl.col("begins") >= HISTORY).alias("old_enough"),
            (effect.abs() / (noise * days.sqrt())).alias("visibility"),
        )
        .select(
            *("event", "kind", "scope", "series", "level", "first_day", "last_day", "ends", "over", "direction"),
            *("effect_share", "effect_usd_per_day", "old_enough", "visibility", "usual"),
        )
        .sort("series", "first_day", "event")
    )


def labels_of(effects: pl.DataFrame) -> pl.DataFrame:
    """Return the effects that are labels, without the columns that only select them.

    `grown` is the day on which a drift, growing by as much each day, has reached 20 %; for other kinds the first day.
    """
    grown = _grown(pl.col("effect_share"), MINIMUM_SHARE).alias("grown")
    return effects.filter(_labelled()).drop("old_enough", "scope", "usual").with_columns(grown)


def explained_of(effects: pl.DataFrame) -> pl.DataFrame:
    """Return `series`, `first_day`, `last_day`, `event`: where alarms of a series count neither way."""
    ended = pl.col("over") + pl.duration(days=ECHO_DAYS)
    return effects.filter(~_labelled() & (pl.col("effect_share").abs() >= EXPLAINS_FROM)).select(
        "series", "first_day", pl.max_horizontal("ends", ended).alias("last_day"), "event"
    )


def causes_of(effects: pl.DataFrame) -> pl.DataFrame:
    """Return the events that show in the organization's cost: at least 1 % of its usual daily cost.

    Out: `event`, `organization`, `series` (where it happened), `kind`, `direction`, `first_day`, `last_day`, `ends`,
    `over`, `organization_share` (of the organization's mean daily cost in the four weeks before),
    `effect_usd_per_day`, `grown` (the day on which a drift has reached `CAUSE_FROM`). Incidents should report those of
    `CAUSE_FROM` and more.
    """
    share = pl.col("effect_usd_per_day") / pl.col("usual")
    return (
        effects.filter((pl.col("level") == "organization") & pl.col("old_enough"))
        .with_columns(share.alias("organization_share"))
        .filter(pl.col("organization_share").abs() >= CAUSE_KNOWN_FROM)
        .select(
            *("event", pl.col("series").alias("organization"), pl.col("scope").alias("series"), "kind", "direction"),
            *("first_day", "last_day", "ends", "over", "organization_share", "effect_usd_per_day"),
            _grown(pl.col("organization_share"), CAUSE_FROM).alias("grown"),
        )
    )


def _grown(share: pl.Expr, least: float) -> pl.Expr:
    """Return the day on which a drift, growing by as much each day, has reached a share; else the first day."""
    length = (pl.col("last_day") - pl.col("first_day")).dt.total_days()
    until = (length * least / share.abs()).clip(upper_bound=length).ceil().cast(pl.Int64)
    return pl.col("first_day") + pl.duration(days=pl.when(pl.col("kind") == DRIFT).then(until).otherwise(0))


def _labelled() -> pl.Expr:
    return ~pl.col("kind").is_in(KNOWN) & pl.col("old_enough") & (pl.col("effect_share").abs() >= MINIMUM_SHARE)


def _course(happening: Happening) -> tuple[date, date, date | None]:
    """Return the last day of a label, the last day on which an alarm finds it, and the day it is over, if ever."""
    last = happening.last_day or measured_days(happening)[-1]
    if happening.kind == DRIFT:
        return last, last + timedelta(days=GRACE_DAYS_OF_DRIFT), None
    if happening.last_day is not None:
        return last, last + timedelta(days=GRACE_DAYS), last
    return last, happening.first_day + timedelta(days=LASTING_DAYS), None


def _usual(daily: pl.DataFrame) -> pl.DataFrame:
    """Return what each series cost a day in the four weeks before a date, and its noise on that day and in that week.

    Noise is the root mean square of the distances from the mean of the six days before of the same weekday, over
    eight such days.
    """
    cost, same_weekday = pl.col("cost"), ("series", pl.col("date").dt.weekday())
    return (
        daily.with_columns(cost=pl.when("complete").then("cost"))
        .sort("series", "date")
        .with_columns((cost - cost.shift(1).rolling_mean(6, min_samples=2).over(same_weekday)).alias("missed"))
        .with_columns((pl.col("missed") ** 2).shift(1).rolling_mean(8, min_samples=2).over(same_weekday).alias("noise"))
        .select(
            "series",
            "date",
            cost.shift(1).rolling_mean(28, min_samples=7).over("series").alias("usual"),
            pl.col("noise").sqrt().alias("noise_of_day"),
            pl.col("noise").rolling_mean(7, min_samples=3).over("series").sqrt().alias("noise_of_week"),
        )
    )
