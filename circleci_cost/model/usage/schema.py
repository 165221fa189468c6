"""The columns of a usage export and of a job run.

Charge types and dimensions have lists of their own (`charge_types`, `dimensions`). How the bytes of an export become
these columns is the job of `records`, `split` and `values`.
Source of the columns: CircleCI's Usage API, 48 of them, matched by name in any case and order.
"""

from dataclasses import dataclass
from enum import Enum

import polars as pl

from circleci_cost.model.usage.charge_types import EXPORTED_CHARGES

CREDIT_SCALE = 6
# Credits must be below this: 18 digits hold them and the rest that they leave without rounding.
CREDIT_LIMIT = 10**12
# With 19 digits, credits times a price of DECIMAL(18,10) are DECIMAL(38,16) in every engine.
CREDITS = pl.Decimal(19, CREDIT_SCALE)
TIMESTAMP = pl.Datetime("us")


class Kind(Enum):
    """How the text of a column is read."""

    TEXT = "text"
    REPEATED_ID = "repeated id"
    ID = "id"
    INTEGER = "integer"
    PERCENT = "percent"
    CREDITS = "credits"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


_DTYPES: dict[Kind, pl.DataType] = {
    Kind.TEXT: pl.Categorical(),
    Kind.REPEATED_ID: pl.Categorical(),
    Kind.ID: pl.String(),
    Kind.INTEGER: pl.Int64(),
    Kind.PERCENT: pl.Float64(),
    Kind.CREDITS: CREDITS,
    Kind.BOOLEAN: pl.Boolean(),
    Kind.DATE: pl.Date(),
    Kind.TIMESTAMP: TIMESTAMP,
}


@dataclass(frozen=True)
class Column:
    """One column of the export. `required`: the header must have it; `never_null`: every row must have a value."""

    source: str
    kind: Kind
    required: bool = False
    never_null: bool = False

    @property
    def name(self) -> str:
        """The public name in `job_runs`."""
        return self.source.lower()

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type of the column.

        Names and repeated ids are categorical in memory: they are sorted, spilled and written two to four times as
        fast as text (measured). In the Parquet files they are plain text.
        """
        return _DTYPES[self.kind]


EXPORT_COLUMNS: tuple[Column, ...] = (
    Column("ORGANIZATION_ID", Kind.REPEATED_ID, required=True, never_null=True),
    Column("ORGANIZATION_NAME", Kind.TEXT, required=True),
    Column("ORGANIZATION_CREATED_DATE", Kind.DATE),
    Column("PROJECT_ID", Kind.REPEATED_ID, required=True, never_null=True),
    Column("PROJECT_NAME", Kind.TEXT, required=True),
    Column("PROJECT_CREATED_DATE", Kind.DATE),
    Column("LAST_BUILD_FINISHED_AT", Kind.TIMESTAMP),
    Column("VCS_NAME", Kind.TEXT),
    Column("VCS_URL", Kind.TEXT),
    Column("VCS_BRANCH", Kind.TEXT),
    Column("PIPELINE_ID", Kind.ID),
    Column("PIPELINE_CREATED_AT", Kind.TIMESTAMP),
    Column("PIPELINE_NUMBER", Kind.INTEGER),
    Column("IS_UNREGISTERED_USER", Kind.BOOLEAN),
    Column("PIPELINE_TRIGGER_SOURCE", Kind.TEXT),
    Column("PIPELINE_TRIGGER_USER_ID", Kind.REPEATED_ID),
    Column("WORKFLOW_ID", Kind.ID),
    Column("WORKFLOW_NAME", Kind.TEXT, required=True),
    Column("WORKFLOW_FIRST_JOB_QUEUED_AT", Kind.TIMESTAMP),
    Column("WORKFLOW_FIRST_JOB_STARTED_AT", Kind.TIMESTAMP),
    Column("WORKFLOW_STOPPED_AT", Kind.TIMESTAMP),
    Column("IS_WORKFLOW_SUCCESSFUL", Kind.BOOLEAN),
    Column("JOB_NAME", Kind.TEXT, required=True),
    Column("JOB_RUN_NUMBER", Kind.INTEGER),
    Column("JOB_ID", Kind.ID, required=True, never_null=True),
    Column("JOB_RUN_DATE", Kind.DATE, required=True, never_null=True),
    Column("JOB_RUN_QUEUED_AT", Kind.TIMESTAMP),
    Column("JOB_RUN_STARTED_AT", Kind.TIMESTAMP),
    Column("JOB_RUN_STOPPED_AT", Kind.TIMESTAMP, required=True),
    Column("JOB_BUILD_STATUS", Kind.TEXT),
    Column("RESOURCE_CLASS", Kind.TEXT),
    Column("OPERATING_SYSTEM", Kind.TEXT),
    Column("EXECUTOR", Kind.TEXT),
    Column("PARALLELISM", Kind.INTEGER),
    Column("JOB_RUN_SECONDS", Kind.INTEGER),
    Column("MEDIAN_CPU_UTILIZATION_PCT", Kind.PERCENT),
    Column("MAX_CPU_UTILIZATION_PCT", Kind.PERCENT),
    Column("MEDIAN_RAM_UTILIZATION_PCT", Kind.PERCENT),
    Column("MAX_RAM_UTILIZATION_PCT", Kind.PERCENT),
    *(Column(charge.source, Kind.CREDITS) for charge in EXPORTED_CHARGES),
    Column("TOTAL_CREDITS", Kind.CREDITS, required=True, never_null=True),
)

# LAST_BUILD_FINISHED_AT describes the project at the time of the export: a re-export of an unchanged job differs in it.
AS_OF_THE_EXPORT: tuple[str, ...] = ("last_build_finished_at",)

JOB_RUN_SCHEMA: dict[str, pl.DataType] = {
    "cost_center": pl.Categorical(),
    **{column.name: column.dtype for column in EXPORT_COLUMNS},
    "other_credits": CREDITS,
    "export_id": pl.Categorical(),
    "ingested_at": pl.Datetime("us", "UTC"),
}

CREDIT_COLUMNS: tuple[str, ...] = tuple(name for name, dtype in JOB_RUN_SCHEMA.items() if dtype == CREDITS)

# The columns of a day's file. Its path names the cost center: engines refuse a column that repeats a key of the path.
FILE_SCHEMA: dict[str, pl.DataType] = {name: dtype for name, dtype in JOB_RUN_SCHEMA.items() if name != "cost_center"}

# Sorted files compress a quarter better and are read twice as fast.
JOB_RUN_ORDER: tuple[str, ...] = ("project_name", "workflow_name", "job_name", "job_id")
