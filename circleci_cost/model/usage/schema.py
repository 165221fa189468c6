"""The contents of a usage export: charge types, dimensions, and the columns of an export and of a job run.

The columns of costs, filters, conditions and names follow from these lists (`warehouse.core.schema_pieces`). How
the bytes of an export become these columns is the job of `records`, `split` and `values`.
Source of the columns: CircleCI's Usage API, 48 of them, matched by name in any case and order.
"""

from dataclasses import dataclass
from enum import Enum

import polars as pl

CREDIT_SCALE = 6
# DECIMAL(18,6) holds every credit below this without rounding.
CREDIT_LIMIT = 10**12
CREDITS = pl.Decimal(18, CREDIT_SCALE)
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

        Names and repeated ids are categorical: they are sorted, spilled and written two to four times as fast as
        text (measured), and readers of the Parquet files get text.
        """
        return _DTYPES[self.kind]


@dataclass(frozen=True)
class ChargeType:
    """One kind of credits: its key in JSON, CSV, filters and columns, and its display name.

    CircleCI books a `booked` charge type on the row of a job that did not cause it, so it is judged and explained
    separately.
    """

    name: str
    shown: str
    booked: bool = False

    @property
    def source(self) -> str:
        """The column of the export."""
        return f"{self.name}_credits".upper()


@dataclass(frozen=True)
class Dimension:
    """A dimension of costs: its name, and the column of job runs that holds it.

    `has_id`: the column `<name>_id` identifies it for good; `source` is only its current name.
    """

    name: str
    source: str
    has_id: bool = False

    @property
    def id_column(self) -> str | None:
        """The column of the ids, in job runs and costs."""
        return f"{self.name}_id" if self.has_id else None


EXPORTED_CHARGES: tuple[ChargeType, ...] = (
    ChargeType("compute", "compute"),
    ChargeType("dlc", "Docker layer caching"),
    ChargeType("user", "seats", booked=True),
    ChargeType("storage", "storage", booked=True),
    ChargeType("network", "network", booked=True),
    ChargeType("lease", "leases"),
    ChargeType("lease_overage", "lease overage"),
    ChargeType("ipranges", "IP ranges", booked=True),
)
"""The charge types that have a column in the export; that column, like all others of theirs, follows from this list."""

CHARGES: tuple[ChargeType, ...] = (*EXPORTED_CHARGES, ChargeType("other", "other credits"))
"""All charge types; `other` is what TOTAL_CREDITS holds beyond the exported ones. The first one carries the counts."""

CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in CHARGES)
EXPORTED_CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in EXPORTED_CHARGES)
RUN_BOUND_CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in CHARGES if not charge.booked)
BOOKED_CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in CHARGES if charge.booked)

COST_DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("cost_center", "cost_center"),
    Dimension("organization", "organization_name", has_id=True),
    Dimension("project", "project_name", has_id=True),
    Dimension("workflow", "workflow_name"),
    Dimension("job", "job_name"),
    Dimension("branch", "vcs_branch"),
    Dimension("resource_class", "resource_class"),
    Dimension("executor", "executor"),
    Dimension("operating_system", "operating_system"),
    Dimension("trigger_source", "pipeline_trigger_source"),
    Dimension("build_status", "job_build_status"),
)
"""The dimensions of a daily cost: columns, filters, conditions, groups and names follow from this list."""

CHARGE_TYPE = "charge_type"
DIMENSIONS: tuple[str, ...] = (*(dimension.name for dimension in COST_DIMENSIONS), CHARGE_TYPE)
# Ids stay when an organization or a project is renamed.
IDS: tuple[str, ...] = tuple(dimension.id_column for dimension in COST_DIMENSIONS if dimension.id_column)
# Stands for the missing value of a dimension.
NO_VALUE = "(none)"
# Each level lies within the one before it.
HIERARCHY: tuple[str, ...] = ("cost_center", "organization", "project", "workflow", "job")

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

# Sorted files compress a quarter better and are read twice as fast (design, section 3).
JOB_RUN_ORDER: tuple[str, ...] = ("project_name", "workflow_name", "job_name", "job_id")
