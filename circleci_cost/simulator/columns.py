"""The export's 48 columns, filled from drawn rows: names, ids, timestamps, states.

Nothing drawn here changes credits or volumes; `dialects` writes the values as text.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from circleci_cost.simulator.credits import Credits
from circleci_cost.simulator.draws import Flags, Floats, Integers, child, root, unit, uuids
from circleci_cost.simulator.effects import Effects
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.rows import Rows
from circleci_cost.simulator.runs import Runs
from circleci_cost.simulator.scenario import Organization, Project
from circleci_cost.simulator.utilization import utilization

_FEATURE, _DEPENDABOT, _RELEASE = 0.35, 0.80, 0.92

_BRANCH_KIND, _BRANCH, _NO_BRANCH, _BOT, _USER, _SOURCE, _PIPELINE_ID, _LAST_BUILD = range(64, 72)
_WORKFLOW_ID, _FIRST_QUEUED, _FIRST_STARTED, _WORKFLOW_STOPPED = range(76, 80)
_JOB_ID, _STATUS = 80, 81

Columns = dict[str, pl.Series]


@dataclass(frozen=True)
class Names:
    """What an export made at `as_of` knows about some days of an organization besides the drawn rows."""

    organization: Organization
    plan: Plan
    effects: Effects
    days: list[date]
    as_of: datetime


def frame_of(names: Names, runs: Runs, rows: Rows, credits: Credits) -> pl.DataFrame:
    """Return a typed frame in the order of the export's columns; timestamps are UTC without a zone."""
    status, successful = _statuses(runs, rows)
    by_run = _workflow(names, runs, rows, successful)
    by_pipeline = _pipeline(names, runs, rows)
    frame = pl.DataFrame(
        _owner(names, runs, rows)
        | {name: series.gather(runs.pipeline[rows.run]) for name, series in by_pipeline.items()}
        | {name: series.gather(rows.run) for name, series in by_run.items()}
        | _job(names, runs, rows, status)
        | utilization(names.plan, names.effects, rows)
        | _credits(credits)
    )
    never = pl.Series(~rows.ran)
    return frame.with_columns(
        pl.when(never).then(None).otherwise(pl.col(name)).alias(name) for name in _NULL_IF_NEVER_RUN
    )


_NULL_IF_NEVER_RUN = (
    "JOB_NAME",
    "JOB_RUN_NUMBER",
    "JOB_RUN_QUEUED_AT",
    "JOB_RUN_STOPPED_AT",
    "RESOURCE_CLASS",
    "OPERATING_SYSTEM",
    "EXECUTOR",
    "PARALLELISM",
    "JOB_RUN_SECONDS",
)


def _owner(names: Names, runs: Runs, rows: Rows) -> Columns:
    """Fill columns 1 to 9: the organization and the project, under its name on the day of the export."""
    organization = names.organization
    project_of_row = names.plan.template_project[runs.template[runs.pipeline[rows.run]]]
    projects = [_project_values(organization, project, names.as_of) for project in organization.projects]
    constant: dict[str, str | date] = {
        "ORGANIZATION_ID": organization.id,
        "ORGANIZATION_NAME": organization.name,
        "ORGANIZATION_CREATED_DATE": organization.created,
    }
    return {name: pl.repeat(value, len(rows.run), eager=True) for name, value in constant.items()} | {
        name: pl.Series([project[name] for project in projects]).gather(project_of_row) for name in projects[0]
    }


def _project_values(organization: Organization, project: Project, as_of: datetime) -> dict[str, object]:
    """Return what an export made at `as_of` shows of a project. Standalone organizations have no VCS host."""
    name = project.name_on(as_of.date())
    host = {"github": "https://github.com", "bitbucket": "https://bitbucket.org"}.get(organization.vcs_type)
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    back = timedelta(milliseconds=int(unit(root(midnight.toordinal(), project.id), _LAST_BUILD)[0] * 36_000_000))
    return {
        "PROJECT_ID": project.id,
        "PROJECT_NAME": name,
        "PROJECT_CREATED_DATE": project.created,
        "LAST_BUILD_FINISHED_AT": midnight - back,
        "VCS_NAME": organization.vcs_type,
        "VCS_URL": f"{host}/{organization.name}/{name}" if host else f"//circleci.com/{organization.id}/{project.id}",
    }


def _pipeline(names: Names, runs: Runs, rows: Rows) -> Columns:
    """Fill columns 10 to 16, one value per pipeline; schedules and bots are not registered users."""
    key = runs.pipeline_key
    scheduled = names.plan.template_scheduled[runs.template]
    kind = np.where(scheduled, 0.0, unit(key, _BRANCH_KIND))
    bot = scheduled | ((kind >= _DEPENDABOT) & (kind < _RELEASE)) | (unit(key, _BOT) < 0.15)
    ids = names.organization.user_ids
    user = pl.Series(ids).gather(np.floor(len(ids) * unit(key, _USER) ** 1.5).astype(np.int64))
    by_cron = names.plan.template_project[runs.template] % 4 == 3
    pushed = np.searchsorted([0.94, 0.97], unit(key, _SOURCE), side="right")
    source = np.where(scheduled, np.where(by_cron, 1, 0), 2 + pushed)
    return {
        "VCS_BRANCH": _branches(names, runs, kind),
        "PIPELINE_ID": uuids(key, _PIPELINE_ID),
        "PIPELINE_CREATED_AT": _timestamps(names.days, runs.day, rows.pipeline_created),
        "PIPELINE_NUMBER": pl.Series(runs.number),
        "IS_UNREGISTERED_USER": pl.Series(bot),
        "PIPELINE_TRIGGER_SOURCE": pl.Series(["scheduled_pipeline", "schedule", "webhook", "api", "manual"]).gather(
            source
        ),
        "PIPELINE_TRIGGER_USER_ID": pl.select(pl.when(~pl.Series(bot)).then(user)).to_series(),
    }


def _branches(names: Names, runs: Runs, kind: Floats) -> pl.Series:
    """Return each pipeline's branch: the default branch, or one of the six a project has each week; 1 % have none."""
    key, projects = runs.pipeline_key, names.organization.projects
    project_index = names.plan.template_project[runs.template]
    week = np.array([day.toordinal() // 7 for day in names.days], dtype=np.int64)[runs.day]
    project_keys = np.concatenate([root(project.id) for project in projects])[project_index]
    branch_key = child(child(project_keys, week), np.floor(6 * unit(key, _BRANCH)).astype(np.int64))
    sort = np.searchsorted([_DEPENDABOT, _RELEASE], kind, side="right")
    prefix = pl.Series(["feature/", "dependabot/", "release/"]).gather(sort)
    default = pl.Series([project.default_branch for project in projects]).gather(project_index)
    return pl.select(
        pl.when(pl.Series(unit(key, _NO_BRANCH) < 0.01))
        .then(None)
        .when(pl.Series(kind < _FEATURE))
        .then(default)
        .otherwise(prefix + uuids(branch_key, _BRANCH).str.slice(0, 7))
    ).to_series()


def _workflow(names: Names, runs: Runs, rows: Rows, successful: Flags) -> Columns:
    """Fill columns 17 to 22, one value per workflow run; a few timestamps are missing, as in the real sample."""
    day, key = runs.day[runs.pipeline], runs.key
    without_times = unit(key, _WORKFLOW_STOPPED) < 0.004
    first_started = rows.run_started + np.floor(2000 * unit(key, _FIRST_STARTED)) / 1000
    return {
        "WORKFLOW_ID": uuids(key, _WORKFLOW_ID),
        "WORKFLOW_NAME": pl.Series([workflow.name for workflow in names.plan.workflows]).gather(runs.workflow),
        "WORKFLOW_FIRST_JOB_QUEUED_AT": _timestamps(
            names.days, day, rows.run_started, without_times | (unit(key, _FIRST_QUEUED) < 0.08)
        ),
        "WORKFLOW_FIRST_JOB_STARTED_AT": _timestamps(names.days, day, first_started, without_times),
        "WORKFLOW_STOPPED_AT": _timestamps(names.days, day, rows.run_stopped, without_times),
        "IS_WORKFLOW_SUCCESSFUL": pl.Series(successful),
    }


def _job(names: Names, runs: Runs, rows: Rows, status: pl.Series) -> Columns:
    """Fill columns 23 to 35. `frame_of` sets the nulls of rows that never ran."""
    plan, job = names.plan, rows.job
    pipeline, day = runs.pipeline[rows.run], rows.day
    first_row = np.searchsorted(pipeline, pipeline, side="left")
    return {
        "JOB_NAME": pl.Series([j.name for j in plan.jobs]).gather(job),
        "JOB_RUN_NUMBER": pl.Series(runs.number[pipeline] * 100 + np.arange(len(job)) - first_row),
        "JOB_ID": uuids(rows.key, _JOB_ID),
        "JOB_RUN_DATE": pl.Series(names.days).gather(day),
        "JOB_RUN_QUEUED_AT": _timestamps(names.days, day, rows.queued),
        "JOB_RUN_STARTED_AT": _timestamps(names.days, day, rows.started),
        "JOB_RUN_STOPPED_AT": _timestamps(names.days, day, rows.started + rows.seconds),
        "JOB_BUILD_STATUS": status,
        "RESOURCE_CLASS": pl.Series(list(names.effects.class_names)).gather(names.effects.classes[job, day]),
        "OPERATING_SYSTEM": pl.Series([j.operating_system for j in plan.jobs]).gather(job),
        "EXECUTOR": pl.Series([j.executor for j in plan.jobs]).gather(job),
        "PARALLELISM": pl.Series([j.parallelism for j in plan.jobs]).gather(job),
        "JOB_RUN_SECONDS": pl.Series(rows.seconds),
    }


def _statuses(runs: Runs, rows: Rows) -> tuple[pl.Series, Flags]:
    """Return JOB_BUILD_STATUS by row and whether all jobs of a run succeeded, by run."""
    names = pl.Series(["success", "failed", "canceled", "blocked", "running", "queued"])
    drawn = unit(rows.key, _STATUS)
    if_ran = np.searchsorted([0.945, 0.99], drawn, side="right")
    if_not = np.array([2, 3, 4, 5, 0])[np.searchsorted([0.82, 0.965, 0.985, 0.993], drawn, side="right")]
    code = np.where(rows.ran, if_ran, if_not)
    unsuccessful = np.bincount(rows.run, weights=code != 0, minlength=len(runs.key))
    return names.gather(code), unsuccessful == 0


def _credits(credits: Credits) -> Columns:
    """Fill columns 40 to 48."""
    none = np.zeros(len(credits.compute), dtype=np.int64)
    values = {
        "COMPUTE_CREDITS": credits.compute,
        "DLC_CREDITS": credits.dlc,
        "USER_CREDITS": credits.user,
        "STORAGE_CREDITS": credits.storage,
        "NETWORK_CREDITS": credits.network,
        "LEASE_CREDITS": none,
        "LEASE_OVERAGE_CREDITS": none,
        "IPRANGES_CREDITS": credits.ipranges,
        "TOTAL_CREDITS": credits.total,
    }
    return {name: pl.Series(value) for name, value in values.items()}


def _timestamps(days: list[date], day: Integers, seconds: Floats, missing: Flags | None = None) -> pl.Series:
    """Turn seconds since midnight into timestamps in milliseconds."""
    midnight = np.array([day.toordinal() - date(1970, 1, 1).toordinal() for day in days], dtype=np.int64)
    moments = pl.Series(midnight[day] * 86_400_000 + np.rint(seconds * 1000).astype(np.int64))
    typed = moments.cast(pl.Datetime("ms"))
    if missing is None:
        return typed
    return pl.select(pl.when(~pl.Series(missing)).then(typed)).to_series()
