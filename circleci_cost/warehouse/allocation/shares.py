"""The shares that splits give to their targets, day by day, from direct cost, counts, users and telemetry files.

Before, `decisions` decides which cost is split; afterwards, `allocated_costs.sql` applies the shares to amounts.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import duckdb
import polars as pl

from circleci_cost.lake.job_run_files import JOB_RUN_FILES
from circleci_cost.model.allocation.plan import AMOUNTS_SCHEMA, Plan, PlannedSplit, PlannedTag
from circleci_cost.model.usage.dimensions import COST_DIMENSIONS, IDS, NO_VALUE
from circleci_cost.warehouse.allocation.combinations import dimensions_used, joins
from circleci_cost.warehouse.core.statements import sql

# Fixed shares as whole numbers: as many digits as leave room for twelve more in 38.
_FIXED_DIGITS = 24
_SPLITS_SCHEMA = {
    "split": pl.Int32(),
    "label": pl.String(),
    "source": pl.String(),
    "method": pl.String(),
    "measure": pl.String(),
    "within": pl.String(),
    "fallback": pl.String(),
    "any_target": pl.Boolean(),
}
_TARGETS_SCHEMA = {"split": pl.Int32(), "target": pl.String(), "weight": pl.String()}
# What a daily cost's dimension is called in a job run; its ids and days have one name in both.
_JOB_RUN_COLUMNS = {dimension.name: dimension.of_job_runs("runs") for dimension in COST_DIMENSIONS}


def needs_users(plan: Plan) -> bool:
    """Whether a split counts users: only job runs name them."""
    return any(planned.split.by == "users" for tag in plan.tags for planned in tag.splits)


def find_users(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    job_run_files: Callable[[], Sequence[str]],
    key_of: Mapping[str, object],
) -> None:
    """Fill `allocation_users` (date, cost_center, organization, key, user_id), each user of a combination once a day.

    A run's combination is the one of its compute credits, which are of the first kind of charge types. The files are
    asked for only where a split counts users.
    """
    files = list(job_run_files()) if needs_users(plan) else []
    if not files:
        connection.execute(sql("allocation/no_users"))
        return
    used = dimensions_used(plan)
    matched = " AND ".join(
        ["segments.segment = combinations.segment", *(f"values_{name}.number = combinations.{name}" for name in used)]
    )
    connection.execute(sql("allocation/names"))
    connection.execute(
        "CREATE OR REPLACE TEMPORARY TABLE allocation_users AS SELECT DISTINCT daily.date, daily.cost_center, "  # noqa: S608
        "daily.organization, combinations.combination * $kinds AS key, daily.user_id "
        f"FROM ({_runs(used)}) AS daily {joins(used)} JOIN allocation_distinct AS combinations ON {matched}",
        {"files": files, "kinds": key_of["kinds"]},
    )


def _runs(used: Sequence[str]) -> str:
    """The job runs with the columns that are used, named and shown as in a daily cost."""
    shown = {"organization": "coalesce(organizations.name, runs.organization_id) AS organization"}
    shown |= {name: _shown(name) for name in used if name not in {"cost_center", "organization"}}
    return (
        f"SELECT DISTINCT job_run_date AS date, runs.cost_center, {', '.join(shown.values())}, "  # noqa: S608
        f"pipeline_trigger_user_id AS user_id FROM {JOB_RUN_FILES} AS runs "
        "LEFT JOIN allocation_names AS organizations "
        "ON organizations.dimension = 'organization' AND runs.organization_id = organizations.id "
        "LEFT JOIN allocation_names AS projects ON projects.dimension = 'project' AND runs.project_id = projects.id "
        "WHERE pipeline_trigger_user_id IS NOT NULL"
    )


def _shown(dimension: str) -> str:
    if dimension == "project":
        return "coalesce(projects.name, runs.project_id) AS project"
    if dimension in IDS:
        return f"runs.{dimension}"
    return f"coalesce(same_name(CAST({_JOB_RUN_COLUMNS[dimension]} AS VARCHAR)), '{NO_VALUE}') AS {dimension}"


def share(
    connection: duckdb.DuckDBPyConnection, tag: PlannedTag, key_of: Mapping[str, object]
) -> list[tuple[str, str, list[date]]]:
    """Fill `allocation_splits` and `shares` of a tag from `decisions`.

    Returns (split, what was used instead, days) for the days without weights.
    """
    frames = {
        "allocation_splits": _splits(tag.splits),
        "allocation_targets": _targets(tag.splits),
        "allocation_amounts": _amounts(tag.splits),
    }
    for name, frame in frames.items():
        connection.register("allocation_given", frame)
        connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS SELECT * FROM allocation_given")  # noqa: S608
        connection.unregister("allocation_given")
    if not tag.splits:
        connection.execute(sql("allocation/no_shares"))
        return []
    connection.execute(sql("allocation/direct"), key_of)
    connection.execute(sql("allocation/groups"))
    connection.execute(sql("allocation/weights"), {"default": tag.default})
    connection.execute(sql("allocation/choices"))
    connection.execute(sql("allocation/shares"))
    return connection.execute(sql("allocation/fallbacks")).fetchall()


def _splits(splits: Sequence[PlannedSplit]) -> pl.DataFrame:
    rows = [
        (
            number,
            planned.split.label,
            planned.split.value,
            planned.split.method,
            planned.split.by,
            planned.split.within,
            planned.split.fallback,
            not planned.targets,
        )
        for number, planned in enumerate(splits)
    ]
    return pl.DataFrame(rows, _SPLITS_SCHEMA, orient="row")


def _targets(splits: Sequence[PlannedSplit]) -> pl.DataFrame:
    rows = [
        (number, target, str(int(weight.scaleb(_FIXED_DIGITS))))
        for number, planned in enumerate(splits)
        for target, weight in planned.targets.items()
    ]
    return pl.DataFrame(rows, _TARGETS_SCHEMA, orient="row")


def _amounts(splits: Sequence[PlannedSplit]) -> pl.DataFrame:
    frames = [
        planned.amounts.select(pl.lit(number, pl.Int32()).alias("split"), *AMOUNTS_SCHEMA)
        for number, planned in enumerate(splits)
        if planned.amounts is not None
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema={"split": pl.Int32(), **AMOUNTS_SCHEMA})
