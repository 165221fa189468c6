"""The daily series that are judged for anomalies, read from daily and allocated costs.

Judging them is `model.anomalies.detection`'s job, writing the results `cost_anomalies`'.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.statements import sql

TAG = "tag"
# Shown, but never a cause: the hierarchy holds the projects and jobs that they consist of.
_CUTS = ("resource_class",)
# Levels whose rates are judged, too; below them only the cost is, and its drivers explain it.
_RATED = ("cost_center", "organization", "project")
# Between the names in a key, as the macro `series_key` has it.
_SEPARATOR = "\x1f"
_ZERO = ("cost", "credits", "credits_squared", "runs", "run_seconds")


@dataclass(frozen=True)
class JudgedGroup:
    """What is judged together: the series of a cost center, or those of the virtual tags (`cost_center` None).

    `daily`: `series` (key), `series_kind`, `date`, `cost` (USD), `credits`, `credits_squared`, `runs`, `run_seconds`,
    floats, of the complete `days` alone.
    """

    cost_center: str | None
    days: tuple[date, ...]
    daily: pl.DataFrame

    @property
    def through(self) -> date:
        """The last complete day."""
        return self.days[-1]

    @property
    def rated(self) -> pl.DataFrame:
        """The rows whose rates are judged."""
        return self.daily.filter(pl.col("series_kind").is_in(_RATED))


def make_sums(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Make the temporary table `anomaly_sums`, exact, and return its series: `key`, `parent_key` and names."""
    make_view(connection, rows_for([CHARGE_TYPE]))
    connection.execute(sql("anomalies/sums"))
    series: pl.DataFrame = connection.sql(sql("anomalies/series")).pl()
    return series


def judged_groups(connection: duckdb.DuckDBPyConnection, series: pl.DataFrame) -> list[JudgedGroup]:
    """Read each group's days; one without a complete day is left out."""
    centers = series.get_column("cost_center").drop_nulls().unique().sort().to_list()
    tags = [None] if (series.get_column("series_kind") == TAG).any() else []
    groups = (_group(connection, series, center) for center in (*centers, *tags))
    return [group for group in groups if group is not None]


def hierarchy_of(series: pl.DataFrame, cost_center: str | None) -> pl.DataFrame:
    """The series that may be causes, as `model.incidents` takes them: `series`, `parent` and `organization` are keys.

    The cost center itself is among them only where it has several organizations. A tag's values lie below its whole.
    """
    if cost_center is None:
        own = series.filter(series_kind=TAG).select(
            pl.col("key").alias("series"), pl.concat_str(pl.lit(f"{TAG}:"), "tag").alias("parent")
        )
        whole = own.select(series="parent").unique().with_columns(pl.lit(None, pl.String()).alias("parent"))
        return pl.concat([own.with_columns(organization="parent"), whole.with_columns(organization="series")])
    own = series.filter((pl.col("cost_center") == cost_center) & ~pl.col("series_kind").is_in(_CUTS))
    several = own.filter(series_kind="organization").height > 1
    if not several:
        own = own.filter(pl.col("series_kind") != "cost_center")
    of_organization = pl.concat_str(pl.lit("organization:"), "cost_center", pl.lit(_SEPARATOR), "organization")
    parent = pl.col("parent_key") if several else pl.when(series_kind="organization").then(None).otherwise("parent_key")
    return own.select(
        pl.col("key").alias("series"),
        parent.alias("parent"),
        pl.when(series_kind="cost_center").then("key").otherwise(of_organization).alias("organization"),
    )


def _group(connection: duckdb.DuckDBPyConnection, series: pl.DataFrame, cost_center: str | None) -> JudgedGroup | None:
    parameters = {"cost_center": cost_center}
    days = connection.sql(sql("anomalies/complete_days"), params=parameters).pl().get_column("date")
    if not len(days):
        return None
    daily = connection.sql(sql("anomalies/days"), params=parameters).pl().rename({"key": "series"})
    if cost_center is None:
        whole = pl.col("series").str.split(_SEPARATOR).list.first()
        daily = pl.concat(
            [daily, daily.group_by(whole, "series_kind", "date").agg(pl.col(_ZERO).sum())], how="diagonal"
        )
        top = daily.select(whole).to_series().unique()
    else:
        top = pl.Series([f"cost_center:{cost_center}"])
    # A complete day without any usage is a day of zeros, not an unknown day.
    zeros = pl.DataFrame({"series": top}).join(pl.DataFrame({"date": days}), how="cross")
    zeros = zeros.join(daily.select("series", "series_kind").unique(), on="series").with_columns(
        pl.lit(0.0).alias(name) for name in _ZERO
    )
    present = daily.filter(pl.col("date").is_in(days.implode()))
    absent = zeros.join(present, on=["series", "date"], how="anti")
    return JudgedGroup(cost_center, tuple(days), pl.concat([present, absent.select(present.columns)]))
