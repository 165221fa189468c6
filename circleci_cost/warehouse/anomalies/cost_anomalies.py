"""Writes `cost_anomalies` and `anomaly_incidents`: all series judged, their alarms grouped by cause.

Judging a day is `model.anomalies`' job, grouping alarms by cause `model.incidents`', and explaining a change
`warehouse.incidents.anomaly_drivers`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import polars as pl

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.anomalies.measures import MEASURES, measured
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.incidents.decisions import DECISION_SCHEMA, DECISIONS, decided
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.identity import ids_kept
from circleci_cost.model.incidents.incidents import INCIDENT_SCHEMA, incidents
from circleci_cost.model.incidents.ledger import PRICE_CHANGE
from circleci_cost.model.incidents.other_views import without_those_explained
from circleci_cost.model.incidents.quality import JudgementQuality, quality_of
from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.warehouse.anomalies.series import JudgedGroup, hierarchy_of, judged_groups, make_sums
from circleci_cost.warehouse.core.full_refresh import unregister
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction

# All of the last days are kept; of earlier days only the anomalies.
KEPT_DAYS = 90
_BETWEEN = "|"
_ESTIMATE, _SCORE = pl.Decimal(38, 6), pl.Decimal(18, 4)
_JUDGED: dict[str, pl.DataType] = {
    **dict.fromkeys(("expected", "lower", "upper"), _ESTIMATE),
    "score": _SCORE,
}
_INCIDENT: dict[str, tuple[str, pl.DataType]] = {
    "expected": ("expected_usd", _ESTIMATE),
    "impact": ("impact_usd", _ESTIMATE),
    "impact_per_day": ("impact_usd_per_day", _ESTIMATE),
    "told_per_day": ("told_usd_per_day", _ESTIMATE),
    "peak_per_day": ("peak_usd_per_day", _ESTIMATE),
    "monthly_impact": ("monthly_impact_usd", _ESTIMATE),
    "impact_share": ("impact_share", pl.Decimal(18, 6)),
    "score": ("score", _SCORE),
}


@dataclass(frozen=True)
class AnomalySummary:
    """What was written: rows, series by whether they could be judged, all incidents (as in the table, newest first).

    `unmatched_decisions` are sentences about decisions whose incident does not exist, `problems` about a file of
    decisions that cannot be used.
    """

    rows: int
    series: int
    quality: JudgementQuality
    incidents: pl.DataFrame
    through: Mapping[str, date]
    unmatched_decisions: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def write_anomalies(
    connection: duckdb.DuckDBPyConnection, settings: Anomalies, calendar: Calendar, decisions: pl.DataFrame
) -> AnomalySummary:
    """Replace `cost_anomalies` and `anomaly_incidents` in one transaction; without a complete day both are empty.

    In: the warehouse's connection, with `daily_costs`, `usage_days` and `allocated_costs`; `decisions` as
    `model.incidents.decisions.read_decisions` gives them. Incidents keep the ids that they had before.
    """
    make_tables(connection)
    series = make_sums(connection)
    groups = judged_groups(connection, series)
    judged = _judged(groups, settings, calendar)
    unnamed = _incidents(connection, series, groups, judged, settings)
    latest = {group.cost_center or "": group.through for group in groups}
    final = decided(_with_names(unnamed, series, latest), decisions)
    kept_rows = pl.concat(
        [_kept(rows, group.through) for rows, group in zip(judged, groups, strict=True)] or [_NOTHING]
    )
    with transaction(connection):
        _replace(connection, kept_rows, series, final)
    rows = connection.sql("SELECT * FROM anomaly_incidents ORDER BY first_day DESC, incident_id").pl()
    return AnomalySummary(
        rows=kept_rows.height,
        series=series.height,
        quality=quality_of([measures.filter(measure="cost") for measures in judged], unnamed),
        incidents=rows,
        through={name: day for name, day in latest.items() if name},
    )


def decisions_before(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The decisions in `anomaly_incidents` as it was written last; `DECISION_SCHEMA`, without line numbers."""
    rows: pl.DataFrame = connection.sql(sql("anomalies/decisions_before"), params={"decisions": list(DECISIONS)}).pl()
    return rows.select(pl.col(name).cast(dtype) for name, dtype in DECISION_SCHEMA.items())


def _judged(groups: Sequence[JudgedGroup], settings: Anomalies, calendar: Calendar) -> list[pl.DataFrame]:
    """Judge all measures of all groups; `ANOMALY_SCHEMA` and `measure`, for each group.

    Groups with the same days are judged together: it is the days that take the time, not the series.
    """
    of_days: dict[tuple[date, ...], list[int]] = {}
    for number, group in enumerate(groups):
        of_days.setdefault(group.days, []).append(number)
    by_group: dict[int, pl.DataFrame] = {}
    for numbers in of_days.values():
        daily = pl.concat([_measures(number, groups[number]) for number in numbers], how="diagonal")
        rows = detect(daily, settings, calendar)
        parts = pl.col("series").str.splitn(_BETWEEN, 3).struct
        named = rows.with_columns(
            parts.field("field_0").cast(pl.Int64).alias("group"),
            parts.field("field_1").alias("measure"),
            parts.field("field_2").alias("series"),
        )
        by_group |= {number: named.filter(group=number).drop("group") for number in numbers}
    return [by_group[number] for number in range(len(groups))]


def _measures(number: int, group: JudgedGroup) -> pl.DataFrame:
    """The series of all measures of a group, as `detect` takes them, named by group, measure and key."""
    if group.cost_center is None:
        # Tags mix costs of several prices, and split costs have no runs.
        frames = {"cost": group.daily.select("series", "date", "cost", complete=pl.lit(True))}
    else:
        is_booking = pl.col("series").str.starts_with(f"{CHARGE_TYPE}:")
        cost = measured(group.daily, "cost").with_columns(pl.when(~is_booking).then("runs").alias("runs"))
        frames = {"cost": cost} | {name: measured(group.rated, name) for name in MEASURES if name != "cost"}
    return pl.concat(
        [
            frame.with_columns(series=pl.concat_str(pl.lit(f"{number}{_BETWEEN}{measure}{_BETWEEN}"), "series"))
            for measure, frame in frames.items()
        ],
        how="diagonal",
    )


def _incidents(
    connection: duckdb.DuckDBPyConnection,
    series: pl.DataFrame,
    groups: Sequence[JudgedGroup],
    judged: Sequence[pl.DataFrame],
    settings: Anomalies,
) -> pl.DataFrame:
    """The incidents of all groups, with the ids of before; `INCIDENT_SCHEMA`."""
    hierarchies = [hierarchy_of(series, group.cost_center) for group in groups]
    by_group = [
        incidents(rows.filter((pl.col("measure") == "cost") & ~_IS_PRICE_OF_BOOKING), hierarchy, settings)
        for rows, hierarchy in zip(judged, hierarchies, strict=True)
    ]
    empty = pl.DataFrame(schema=INCIDENT_SCHEMA)
    own = pl.concat([empty, *(frame for frame, group in zip(by_group, groups, strict=True) if group.cost_center)])
    of_tags = pl.concat(
        [empty, *(frame for frame, group in zip(by_group, groups, strict=True) if not group.cost_center)]
    )
    both = pl.concat([own, without_those_explained(of_tags, own)])
    parents = {
        key: parent for hierarchy in hierarchies for key, parent in hierarchy.select("series", "parent").iter_rows()
    }
    before = connection.sql(sql("anomalies/incidents_before")).pl()
    return ids_kept(both, before, Hierarchy(parents))


def _with_names(unnamed: pl.DataFrame, series: pl.DataFrame, latest: Mapping[str, date]) -> pl.DataFrame:
    """Incidents with the names of their series and the last known day of their cost center."""
    names = series.drop("parent_key", "executor", "resource_class").rename({"series": "shown"})
    through = max(latest.values(), default=date.min)
    return (
        unnamed.drop("organization")
        .join(names, left_on="series", right_on="key")
        .with_columns(
            pl.col("cost_center")
            .replace_strict(dict(latest), default=through, return_dtype=pl.Date)
            .fill_null(through)
            .alias("data_through")
        )
        .select(
            pl.col("series").alias("key"),
            pl.col("shown").alias("series"),
            *(pl.col(name).cast(dtype).alias(public) for name, (public, dtype) in _INCIDENT.items()),
            pl.exclude("series", "shown", "actual", *_INCIDENT),
        )
    )


# A price changes for all charge types at once; it is reported for the cost center or organization.
_IS_PRICE_OF_BOOKING = pl.col("series").str.starts_with(f"{CHARGE_TYPE}:") & (pl.col("kind") == PRICE_CHANGE).fill_null(
    False
)
_NOTHING = pl.DataFrame(schema={"series": pl.String})


def _kept(judged: pl.DataFrame, through: date) -> pl.DataFrame:
    """The rows that are kept, estimates as rounded decimals."""
    recent = pl.col("date") > through - timedelta(days=KEPT_DAYS)
    is_new = (pl.col("kind") == "new").fill_null(False)
    return judged.filter(recent | pl.col("is_anomaly") | is_new).with_columns(
        pl.col(name).cast(dtype) for name, dtype in _JUDGED.items()
    )


def _replace(
    connection: duckdb.DuckDBPyConnection, judged: pl.DataFrame, series: pl.DataFrame, final: pl.DataFrame
) -> None:
    frames = {"judged": judged, "judged_series": series, "incidents": final}
    for name, frame in frames.items():
        connection.register(name, frame)
    try:
        for table in ("cost_anomalies", "anomaly_incidents"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the two names above
        if judged.height:
            connection.execute(sql("anomalies/insert"))
            connection.execute(sql("anomalies/incident_insert"))
    finally:
        for name in frames:
            unregister(connection, name)
