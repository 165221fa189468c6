"""Rules over many job runs: which organizations they belong to, one row per job, and the contents of days.

Typing values is `normalize`'s job, finding the files the lake's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from circleci_cost.errors import UnknownOrganizationError
from circleci_cost.model.usage.schema import (
    AS_OF_THE_EXPORT,
    CREDIT_COLUMNS,
    CREDIT_SCALE,
    CREDITS,
    FILE_SCHEMA,
    JOB_RUN_ORDER,
)
from circleci_cost.text.units import counted

# Which export a row came from, while rows of several exports are merged: a higher number is a later export.
PRECEDENCE = "export_precedence"


def refuse_unknown_organizations(
    rows: pl.DataFrame, cost_center: str, known: Collection[str], file: str, refused: Collection[str] | None = None
) -> None:
    """Raise `UnknownOrganizationError` for rows of an organization that the cost center does not name.

    Their cost would be priced by a plan that may not be theirs, so nothing of the export is used. Where the user wants
    unknown organizations only reported, `refused` are those of other cost centers: their cost would count twice.
    """
    organization = pl.col("organization_id")
    is_refused = ~organization.is_in(list(known)) if refused is None else organization.is_in(list(refused))
    strangers = (
        rows.filter(is_refused)
        .group_by("organization_id")
        .agg(pl.col("organization_name").first(), pl.len().alias("jobs"))
        .sort("organization_id")
    )
    if strangers.is_empty():
        return
    named = ", ".join(
        f"{row['organization_id']} ({row['organization_name']}, {counted(row['jobs'], 'job')})"
        for row in strangers.head(5).iter_rows(named=True)
    )
    way_out = (
        'plan, set unknown_organizations = "report" there to count and report them, or import the file into the cost '
        "center it belongs to."
        if refused is None
        else "plan; another cost center names them, and their cost would count twice."
    )
    raise UnknownOrganizationError(
        f"{file} holds jobs of organizations that cost center {cost_center!r} does not name: {named}; nothing of "
        f"this export was used. Add them to shared_organization_ids of that cost center if they are on the same "
        f"{way_out}"
    )


def latest_of_each_job(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep one row per `job_id`: from the latest export, then the one stopped last, then the most expensive.

    In: typed job runs with `export_precedence`. The order of the input does not matter.
    """
    is_repeated = rows.get_column("job_id").is_duplicated()
    if not is_repeated.any():
        return rows
    preference = [PRECEDENCE, "job_run_date", "job_run_stopped_at", "total_credits"]
    rest = [name for name in rows.columns if name not in {*preference, *AS_OF_THE_EXPORT, "job_id"}]
    latest = (
        rows.filter(is_repeated)
        .sort(*preference, *rest, descending=[True] * len(preference) + [False] * len(rest), nulls_last=True)
        .unique("job_id", keep="first", maintain_order=True)
    )
    return pl.concat([rows.filter(~is_repeated), latest])


@dataclass(frozen=True)
class Provenance:
    """Where job runs come from: the export ids by precedence, and the time of ingestion."""

    export_ids: Mapping[int, str]
    ingested_at: datetime


def finish_days(rows: pl.DataFrame, provenance: Provenance) -> pl.DataFrame:
    """Give the deduplicated rows of some days their final columns and order: day by day, the contents of the files.

    In: credits may be whole numbers. Out: the columns of `FILE_SCHEMA`, sorted by day, project, workflow, job.
    """
    export_id = pl.col(PRECEDENCE).replace_strict(dict(provenance.export_ids), return_dtype=pl.String)
    return (
        rows.with_columns(
            export_id=export_id.cast(FILE_SCHEMA["export_id"]),
            ingested_at=pl.lit(provenance.ingested_at, dtype=FILE_SCHEMA["ingested_at"]),
        )
        .select(FILE_SCHEMA.keys())
        .sort("job_run_date", *JOB_RUN_ORDER, nulls_last=True)
        .with_columns(pl.col(*CREDIT_COLUMNS).cast(CREDITS))
    )


@dataclass(frozen=True)
class DaySummary:
    """The totals of one day: all jobs, the runs among them (with a stop time), and exact credits."""

    day: date
    jobs: int
    runs: int
    credits: Decimal
    other_credits: Decimal


def summarize_days(rows: pl.DataFrame) -> list[DaySummary]:
    """Count the job runs of each day that has some and add up their credits, in the order of the days."""
    counted_days = (
        rows.group_by("job_run_date")
        .agg(
            pl.len(),
            pl.col("job_run_stopped_at").count().alias("runs"),
            pl.col("total_credits", "other_credits").cast(pl.Decimal(38, CREDIT_SCALE)).sum(),
        )
        .sort("job_run_date")
    )
    return [DaySummary(*day) for day in counted_days.iter_rows()]


def empty_day(day: date) -> DaySummary:
    """The totals of a day without jobs."""
    return DaySummary(day, 0, 0, Decimal(0), Decimal(0))
