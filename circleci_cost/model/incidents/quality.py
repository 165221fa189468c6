"""How well the detector does on the data at hand: alarms without an incident, and series that cannot be judged yet.

Without labels, false alarms look like true alarms that mattered little: the rate is an upper bound. Detection belongs
in `model.anomalies`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from circleci_cost.model.incidents.episodes import episodes_of
from circleci_cost.model.incidents.ledger import WEEK, ledger_of

QUALITY_DAYS = 90
_YEAR = 365.25


@dataclass(frozen=True)
class JudgementQuality:
    """Counts over the last `QUALITY_DAYS`; `lone_alarms` are episodes that no incident and no other series shares.

    `lone_alarms_per_series_year` bounds the rate of false alarms from above; None where nothing was judged.
    `too_short` of `series` have less history than is needed to be judged.
    """

    series: int
    too_short: int
    lone_alarms: int
    lone_alarms_per_series_year: float | None

    @property
    def too_short_share(self) -> float:
        """The share of series that cannot be judged yet."""
        return self.too_short / self.series if self.series else 0.0


def quality_of(judged: Sequence[pl.DataFrame], incidents: pl.DataFrame) -> JudgementQuality:
    """Compare the results of `detection.detect`, one frame per group, with the incidents found in them.

    A group is a cost center. An alarm is not lone if, within a week, another series of the group is in alarm in the
    same direction or there is an incident of that direction.
    """
    lone, days, series, short = 0, 0.0, 0, 0
    for rows in (frame for frame in judged if frame.height):
        last: date = rows.select(pl.col("date").max()).item()
        recent = rows.filter(pl.col("date") > last - timedelta(days=QUALITY_DAYS))
        lone += _lone(recent, incidents)
        days += recent.select(pl.col("expected").is_not_null().sum()).item()
        latest = rows.group_by("series").agg(pl.col("expected").last(), pl.col("note").last())
        series += latest.height
        short += latest.select((pl.col("note") == "too short a history").sum()).item() or 0
    return JudgementQuality(series, short, lone, lone / (days / _YEAR) if days else None)


def _lone(recent: pl.DataFrame, incidents: pl.DataFrame) -> int:
    if not recent.get_column("is_anomaly").any():
        return 0
    ledger = ledger_of(recent)
    episodes = episodes_of(recent, ledger)
    alarms = pl.DataFrame(
        [
            (
                n,
                episode.series,
                episode.direction,
                ledger.day(episode.first),
                ledger.day(episode.last),
            )
            for n, episode in enumerate(episodes)
            if episode.alarms
        ],
        schema=["episode", "series", "direction", "begin", "end"],
        orient="row",
    )
    others = pl.concat(
        [
            alarms.select("direction", other="series", other_begin="begin", other_end="end"),
            incidents.select("direction", pl.lit("").alias("other"), other_begin="first_day", other_end="last_day"),
        ]
    )
    week = timedelta(days=WEEK)
    shared = alarms.join(others, on="direction").filter(
        (pl.col("series") != pl.col("other"))
        & (pl.col("other_begin") <= pl.col("end") + week)
        & (pl.col("other_end") >= pl.col("begin") - week)
    )
    return alarms.height - shared.get_column("episode").n_unique()
