"""Why no incident was about a cause: what there was in its line, that is its series and those above and below it.

Which causes were missed is `anomaly_incident_scores`' job.
"""

import polars as pl

SWALLOWED, NO_ALARM, NO_INCIDENT, ONLY_CHILDREN = "swallowed", "no alarm", "no incident", "only children"
MISSES = (SWALLOWED, NO_ALARM, NO_INCIDENT, ONLY_CHILDREN)
"""An alarm in the line lies in an incident about something else; the line has no alarm; the series itself or one above
it has an alarm, but no incident came of it; only series below it have one."""


def misses(missed: pl.DataFrame, incidents: pl.DataFrame, alarms: pl.DataFrame) -> pl.DataFrame:
    """Return `event` and `miss`, one of `MISSES`, of causes that no incident is about.

    In: `missed`: `event`, `organization`, `series`, `direction`, `first_day`, `ends`; `incidents`: `organization`,
    `series`, `direction`, `first_day`, `last_day`; `alarms`: `series`, `direction`, `date`. Only alarms of the cause's
    direction, from its first day to the last on which an alarm finds it, and incidents of that direction are of it.
    """
    causes = missed.select("event", "organization", "series", "direction", "first_day", "ends")
    same = ["organization", "direction"]
    in_line = (
        alarms.with_columns(pl.col("series").str.split("/").list.first().alias("organization"))
        .rename({"series": "alarmed"})
        .join(causes, on=same)
        .filter(pl.col("date").is_between("first_day", "ends"), _in_line("alarmed"))
        .select("event", "date", within("series", "alarmed").alias("at_or_above"))
    )
    covered = (
        incidents.select(*same, pl.col("series").alias("reported"), pl.col("first_day").alias("since"), "last_day")
        .join(causes, on=same)
        .filter(_in_line("reported"))
        .select("event", "since", "last_day")
        .join(in_line, on="event")
        .filter(pl.col("date").is_between("since", "last_day"))
        .select("event", pl.lit(True).alias("covered"))
        .unique()
    )
    alarmed = in_line.group_by("event").agg(pl.col("at_or_above").any())
    return (
        causes.join(alarmed, on="event", how="left")
        .join(covered, on="event", how="left")
        .select(
            "event",
            pl.when(pl.col("at_or_above").is_null())
            .then(pl.lit(NO_ALARM))
            .when("covered")
            .then(pl.lit(SWALLOWED))
            .when("at_or_above")
            .then(pl.lit(NO_INCIDENT))
            .otherwise(pl.lit(ONLY_CHILDREN))
            .alias("miss"),
        )
    )


def within(inner: str, outer: str) -> pl.Expr:
    """Whether the series of one column is that of another or lies within it."""
    return (pl.col(inner) + "/").str.starts_with(pl.col(outer) + "/")


def _in_line(other: str) -> pl.Expr:
    return within("series", other) | within(other, "series")
