"""Which pipelines were triggered on which day, when, by whom, and which workflow runs they brought.

`rows` draws the single jobs of a run.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from circleci_cost.simulator.draws import Flags, Floats, Integers, Keys, child, normal, root, unit, within
from circleci_cost.simulator.effects import Effects, rests
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.rhythm import growth, push_activity, push_times
from circleci_cost.simulator.scenario import Organization
from circleci_cost.simulator.volatility import poisson

RERUN_SHARE = 0.06
"""Share of workflow runs that somebody re-runs: a new WORKFLOW_ID in the same pipeline."""

_COUNT, _NOISE, _TIME, _MILLISECOND, _COPIES, _PAUSE = range(10, 16)


@dataclass(frozen=True)
class Runs:
    """Pipelines and the workflow runs in them, in the order of days; `created` is in seconds of the day."""

    pipeline_key: Keys
    template: Integers
    day: Integers
    number: Integers
    created: Floats
    key: Keys
    pipeline: Integers
    workflow: Integers
    attempt: Integers
    delay: Floats


def draw_runs(organization: Organization, plan: Plan, effects: Effects, days: list[date], seed: int) -> Runs:
    """Draw the pipelines of some days and their workflow runs. A day gives the same ones in any window."""
    templates = len(plan.template_project)
    ordinals = np.array([day.toordinal() for day in days], dtype=np.int64)
    template_keys = np.concatenate(
        [
            root(seed, organization.id, organization.projects[project].id, int(number))
            for project, number in zip(plan.template_project, plan.template_number, strict=True)
        ]
    )
    cell_keys = child(np.tile(template_keys, len(days)), np.repeat(ordinals, templates))
    rates = _rates(organization, plan, effects, days)
    counts = np.floor(rates * np.exp(0.12 * normal(cell_keys, _NOISE) - 0.0072) + unit(cell_keys, _COUNT)).astype(
        np.int64
    )

    volatile = np.array([project.volatility is not None for project in organization.projects], dtype=np.bool_)
    chance = np.tile(volatile[plan.template_project] & ~plan.template_scheduled, len(days))
    if chance.any():
        counts[chance] = poisson(rates[chance], cell_keys[chance])
    counts = np.where(np.tile(plan.template_timed, len(days)), _started(organization, plan, effects, days), counts)

    nth = within(counts)
    key = child(np.repeat(cell_keys, counts), nth)
    template = np.repeat(np.tile(np.arange(templates, dtype=np.int64), len(days)), counts)
    day = np.repeat(np.repeat(np.arange(len(days), dtype=np.int64), templates), counts)
    scheduled = plan.template_scheduled[template]
    slot = (nth + 0.5) / np.repeat(counts, counts) * 86_400
    created = np.where(scheduled, slot - slot % 3600 + 615, push_times(unit(key, _TIME)))
    created = np.floor(created) + np.floor(unit(key, _MILLISECOND) * 1000) / 1000
    stride = 2 * (8 + np.ceil(plan.template_share * organization.jobs_per_day * 4 / plan.template_rows))
    age = ordinals - organization.created.toordinal()
    number = (age[day] * stride[template]).astype(np.int64) + 2 * nth + scheduled

    runs_of = plan.template_count[template]
    pipeline = np.repeat(np.arange(len(key), dtype=np.int64), runs_of)
    position = within(runs_of)
    workflow = plan.template_first[template[pipeline]] + position
    first_key = child(key[pipeline], position)
    copies = _copies(effects.runs[workflow, day[pipeline]], first_key, plan.template_timed[template[pipeline]])
    attempt = within(copies)
    run_key = child(np.repeat(first_key, copies), attempt)
    return Runs(
        pipeline_key=key,
        template=template,
        day=day,
        number=number,
        created=created,
        key=run_key,
        pipeline=np.repeat(pipeline, copies),
        workflow=np.repeat(workflow, copies),
        attempt=attempt,
        delay=np.where(attempt > 0, attempt * 600 + unit(run_key, _PAUSE) * 1800, 0.0),
    )


def _rates(organization: Organization, plan: Plan, effects: Effects, days: list[date]) -> Floats:
    """Return the expected pipelines, by day, then template; most schedules run on week-ends and holidays too."""
    pushes = push_activity(days, organization.country, organization.closures)
    activity = np.where(rests(organization, plan)[:, None], pushes[None, :], 1.0)
    per_pipeline = plan.template_rows * (1.0 + RERUN_SHARE)
    usual = organization.jobs_per_day * plan.template_share / per_pipeline
    rates = usual[:, None] * activity * growth(days, organization.growth)[None, :] * effects.pipelines
    return np.where(_exists(organization, plan, days), rates, 0.0).T.ravel()


def _started(organization: Organization, plan: Plan, effects: Effects, days: list[date]) -> Integers:
    """Return the pipelines of timetables, by day, then template; nothing is drawn."""
    timetables = [plan.workflows[first].timetable for first in plan.template_first]
    told = np.array([[0 if timetable is None else timetable(day) for day in days] for timetable in timetables])
    started = np.rint(told * effects.pipelines).astype(np.int64)
    return np.where(_exists(organization, plan, days), started, 0).T.ravel()


def _exists(organization: Organization, plan: Plan, days: list[date]) -> Flags:
    """Tell whether the project of each template exists on each day."""
    exists = [
        [project.created <= day < (project.retired or date.max) for day in days] for project in organization.projects
    ]
    return np.array(exists, dtype=np.bool_)[plan.template_project]


def _copies(factor: Floats, key: Keys, timed: Flags) -> Integers:
    """Return how often a workflow runs in its pipeline: the event's factor, and now and then a re-run of a push."""
    events = np.floor(factor + unit(key, _COPIES))
    reruns = (unit(key, _COPIES + 100) < RERUN_SHARE) & (events > 0) & ~timed
    return (events + reruns).astype(np.int64)
