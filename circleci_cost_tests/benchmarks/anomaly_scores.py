"""Scores of a detector's output against the labels: right and false alarms, recall, F1, delays.

Labels come from `anomaly_labels`; incidents are scored in `anomaly_incident_scores`.

An **alarm** is a maximal run of anomalous days of one series in one direction; gaps of up to two days are bridged. It
is **right** where one of its anomalous days lies in a label of its series and direction, from the label's `first_day`
to its `ends`. Where it is not right and begins in a series' explained days, or in the echo of a label (the ten days
after a temporary event has ended, in the other direction), it counts **neither** way. Every other alarm is **false**. A
label is found where a right alarm has a day in it; its delay is the days from its first day to that day, and it is late
by the days since it had grown to 20 %, if any (these differ for drifts). The first 28 days of a series are not scored.
"""

from datetime import timedelta

import polars as pl

from circleci_cost_tests.benchmarks.anomaly_labels import ECHO_DAYS
from circleci_cost_tests.benchmarks.anomaly_rhythms import BATCH, SCHEDULE, YEAR_END
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet

UNSCORED_DAYS = 28
ALL, LARGE = "all", "organizations and projects"
OF_LARGE = f" of {LARGE}"
"""What the names of slices by kind in `LARGE` end in."""
SCHEDULES, BATCHES = "schedules", "monthly batches"
"""Slices of the series of workflows with a timetable, apart from those of pushes and of all together."""
BRIDGED_DAYS = 2
_OPPOSITE = {"up": "down", "down": "up"}


def alarms_of(detected: pl.DataFrame) -> pl.DataFrame:
    """Return the anomalous days with the first day of their alarm: `series`, `direction`, `date`, `alarm`.

    In: `series`, `date`, `direction`, `is_anomaly`. An alarm is named by (`series`, `direction`, `alarm`).
    """
    same = ("series", "direction")
    gap = pl.col("date").diff().over(same) > timedelta(days=1 + BRIDGED_DAYS)
    return (
        detected.filter(pl.col("is_anomaly"))
        .with_columns(pl.col(same).cast(pl.String))
        .sort(*same, "date")
        .select(*same, "date", pl.when(gap.fill_null(True)).then("date").forward_fill().over(same).alias("alarm"))
    )


def judged(alarms: pl.DataFrame, labels: pl.DataFrame, explained: pl.DataFrame) -> pl.DataFrame:
    """Return one row per alarm: `series`, `direction`, `alarm`, `verdict` (right, neither, false).

    In: `alarms` as from `alarms_of`; `labels`: `series`, `direction`, `first_day`, `ends`, `over`; `explained`:
    `series`, `first_day`, `last_day`.
    """
    same = ("series", "direction")
    whole = [*same, "alarm"]
    right = (
        alarms.join(labels.select(*same, "first_day", "ends"), on=same)
        .filter(pl.col("date").is_between("first_day", "ends"))
        .select(whole)
        .unique()
    )
    echoes = labels.filter(pl.col("over").is_not_null()).select(
        "series",
        pl.col("direction").replace_strict(_OPPOSITE),
        (pl.col("over") + pl.duration(days=1)).alias("first_day"),
        (pl.col("over") + pl.duration(days=ECHO_DAYS)).alias("last_day"),
    )
    either = [explained.select("series", pl.lit(way).alias("direction"), "first_day", "last_day") for way in _OPPOSITE]
    neither = (
        alarms.join(pl.concat([echoes, *either]), on=same)
        .filter(pl.col("alarm").is_between("first_day", "last_day"))
        .select(whole)
        .unique()
    )
    return (
        alarms.select(whole)
        .unique()
        .join(right.with_columns(pl.lit(True).alias("right")), on=whole, how="left")
        .join(neither.with_columns(pl.lit(True).alias("neither")), on=whole, how="left")
        .select(
            *whole,
            pl.when("right")
            .then(pl.lit("right"))
            .when("neither")
            .then(pl.lit("neither"))
            .otherwise(pl.lit("false"))
            .alias("verdict"),
        )
        .sort(whole)
    )


def with_delays(alarms: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the labels with `delay_days` and `late_days`: null where no alarm of their direction has a day in them."""
    first = (
        labels.select("series", "direction", "event", "first_day", "ends", "grown")
        .join(alarms, on=["series", "direction"])
        .filter(pl.col("date").is_between("first_day", "ends"))
        .group_by("series", "event")
        .agg(
            (pl.col("date") - pl.col("first_day")).min().dt.total_days().alias("delay_days"),
            (pl.col("date") - pl.col("grown")).min().dt.total_days().clip(0).alias("late_days"),
        )
    )
    return labels.join(first, on=["series", "event"], how="left")


def counts(detected: pl.DataFrame, labelled: LabelledSet, minimum_visibility: float = 0.0) -> pl.DataFrame:
    """Count labels, alarms and days of one set in slices, to be added up over sets and handed to `figures`.

    Labels below the minimum visibility become explained days. Out: `slice` (`ALL`, `LARGE`, `SCHEDULES`, `BATCHES`, the
    levels, the kinds, the kinds with `OF_LARGE`), `labels`, `found`, `delay_days` and `late_days` (their sums),
    `right`, `neither`, `false` (and `false_at_year_end`), `days` (scored). Slices by kind hold labels only: a false
    alarm is of no kind.
    """
    seen = pl.col("visibility").fill_null(float("inf")) >= minimum_visibility
    begins = labelled.daily.group_by("series").agg(
        (pl.col("date").min() + pl.duration(days=UNSCORED_DAYS)).alias("begins")
    )
    labels = labelled.labels.join(begins, on="series").filter(seen, pl.col("first_day") >= pl.col("begins"))
    unseen = labelled.labels.filter(~seen).select("series", "first_day", pl.col("ends").alias("last_day"), "event")
    scored = detected.join(begins, on="series").filter(pl.col("date") >= pl.col("begins"))
    alarms = alarms_of(scored)
    verdicts = judged(alarms, labels, pl.concat([labelled.explained, unseen]))
    levels = labelled.hierarchy.select("series", "level")
    days = (
        labelled.daily.join(begins, on="series")
        .filter(pl.col("date") >= pl.col("begins"))
        .group_by("series")
        .len("days")
    )
    by_series = levels.join(days, on="series", how="left").join(
        verdicts.group_by("series").agg(
            *(_is(verdict) for verdict in ("right", "neither", "false")),
            ((pl.col("verdict") == "false") & pl.col("alarm").is_between(*YEAR_END)).sum().alias("false_at_year_end"),
        ),
        on="series",
        how="left",
    )
    delayed = with_delays(alarms, labels).select(
        "series",
        "kind",
        pl.lit(1).alias("labels"),
        pl.col("delay_days").is_not_null().cast(pl.Int64).alias("found"),
        "delay_days",
        "late_days",
    )
    by_level = pl.concat([by_series, delayed.join(levels, on="series")], how="diagonal")
    large = by_level.filter(pl.col("level").is_in(["organization", "project"]))
    workflow = by_level.with_columns(pl.col("series").str.split("/").list.get(2, null_on_oob=True).alias("workflow"))
    kind, has_kind = pl.col("kind"), pl.col("kind").is_not_null()
    return pl.concat(
        [
            _summed(by_level.with_columns(pl.lit(ALL).alias("slice"))),
            _summed(large.with_columns(pl.lit(LARGE).alias("slice"))),
            *(
                _summed(
                    workflow.filter(pl.col("workflow").str.starts_with(prefix)).with_columns(
                        pl.lit(name).alias("slice")
                    )
                )
                for prefix, name in ((SCHEDULE, SCHEDULES), (BATCH, BATCHES))
            ),
            _summed(by_level.rename({"level": "slice"})),
            _summed(by_level.filter(has_kind).with_columns(kind.alias("slice"))),
            _summed(large.filter(has_kind).with_columns((kind + OF_LARGE).alias("slice"))),
        ]
    )


def figures(counted: list[pl.DataFrame]) -> pl.DataFrame:
    """Add up the counts of some sets.

    Out: `slice`, `labels`, `recall`, `precision`, `f1`, `false_per_series_year`, `delay_days`, `late_days` (means), and
    `year_end`, the share of the false alarms from 22 December to 2 January. The figures that need false alarms are null
    in slices by kind.
    """
    recall, precision = pl.col("recall"), pl.col("precision")
    judged_alarms = pl.col("right") + pl.col("false")
    return (
        pl.concat(counted)
        .group_by("slice", maintain_order=True)
        .agg(pl.all().sum())
        .with_columns(
            (pl.col("found") / pl.col("labels")).alias("recall"),
            pl.when(pl.col("days") > 0).then(pl.col("right") / judged_alarms).alias("precision"),
            *((pl.col(name) / pl.col("found")).alias(name) for name in ("delay_days", "late_days")),
            pl.when(pl.col("days") > 0).then(365 * pl.col("false") / pl.col("days")).alias("false_per_series_year"),
            pl.when(pl.col("days") > 0).then(pl.col("false_at_year_end") / pl.col("false")).alias("year_end"),
        )
        .with_columns((2 * recall * precision / (recall + precision)).alias("f1"))
        .select(
            *("slice", "labels", "recall", "precision", "f1", "false_per_series_year", "delay_days", "late_days"),
            "year_end",
        )
    )


def _is(verdict: str) -> pl.Expr:
    return (pl.col("verdict") == verdict).sum().cast(pl.Int64).alias(verdict)


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    numbers = ("labels", "found", "delay_days", "late_days", "right", "neither", "false", "false_at_year_end", "days")
    return rows.group_by("slice").agg(pl.col(numbers).sum().cast(pl.Int64)).sort("slice")
