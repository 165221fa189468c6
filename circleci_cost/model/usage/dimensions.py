"""The dimensions by which cost is filtered, grouped and allocated.

Their columns in costs, SQL and the warehouse's tables, filters, conditions and names follow from this list
(`warehouse.core.schema_pieces`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dimension:
    """A dimension of costs: its name, and the column of job runs that holds it.

    `has_id`: the column `<name>_id` identifies it for good; `source` is only its current name. `computed`: `source` is
    an expression of other dimensions, which stand in braces, and costs no rows of its own.
    """

    name: str
    source: str
    has_id: bool = False
    computed: bool = False

    @property
    def id_column(self) -> str | None:
        """The column of the ids, in job runs and costs."""
        return f"{self.name}_id" if self.has_id else None

    def of_job_runs(self, table: str) -> str:
        """The SQL of its value, or of its current name, in a row of job runs, which `table` is the alias of."""
        if self.computed:
            return self.source.format_map({other.name: other.of_job_runs(table) for other in STORED_DIMENSIONS})
        return f"{table}.{self.source}"

    def of_costs(self) -> str:
        """The SQL of its value in a row that has the stored dimensions under their own names."""
        return self.source.format_map({other.name: other.name for other in STORED_DIMENSIONS})


STORED_DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("cost_center", "cost_center"),
    Dimension("organization", "organization_name", has_id=True),
    Dimension("project", "project_name", has_id=True),
    Dimension("workflow", "workflow_name"),
    Dimension("job", "job_name"),
    Dimension("branch", "vcs_branch"),
    Dimension("resource_class", "resource_class"),
    Dimension("executor", "executor"),
    Dimension("operating_system", "operating_system"),
    Dimension("parallelism", "parallelism"),
    Dimension("trigger_source", "pipeline_trigger_source"),
    Dimension("build_status", "job_build_status"),
)
COMPUTED_DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("actor_kind", "actor_kind({trigger_source}, {branch})", computed=True),
)
COST_DIMENSIONS: tuple[Dimension, ...] = (*STORED_DIMENSIONS, *COMPUTED_DIMENSIONS)
"""The dimensions of a daily cost: columns, filters, conditions, groups and names follow from this list."""

TRIGGER_USER = "trigger_user"
RUN_DIMENSIONS: tuple[str, ...] = (TRIGGER_USER, "pipeline")
"""What only single job runs tell: in daily costs, users would make up to 3 rows of one, and pipelines 17.

`warehouse.reporting.run_costs` reads it where a question asks for it.
"""

CHARGE_TYPE = "charge_type"
DIMENSIONS: tuple[str, ...] = (*(dimension.name for dimension in COST_DIMENSIONS), CHARGE_TYPE)
# Ids stay when an organization or a project is renamed.
IDS: tuple[str, ...] = tuple(dimension.id_column for dimension in COST_DIMENSIONS if dimension.id_column)
# Stands for the missing value of a dimension.
NO_VALUE = "(none)"
# Each level lies within the one before it.
HIERARCHY: tuple[str, ...] = ("cost_center", "organization", "project", "workflow", "job")
