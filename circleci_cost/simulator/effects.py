"""What the labelled events do: factors by day for templates, workflows and jobs.

The events themselves are described in `scenario`; a price change does not touch usage, so it has no effect here.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from circleci_cost.simulator.draws import Flags, Floats, Integers
from circleci_cost.simulator.plan import Plan
from circleci_cost.simulator.rhythm import WORKING_LEVEL, push_activity
from circleci_cost.simulator.scenario import Driver, Event, EventKind, Organization

_NOT_OF_VOLUME = (EventKind.RESOURCE_CLASS_CHANGE, EventKind.PRICE_CHANGE)


@dataclass(frozen=True)
class Effects:
    """Factors by template, workflow or job and by day, and the resource class of each job on each day.

    `pipelines` multiplies the pipelines of a template, `runs` a workflow's runs within its pipelines,
    `seconds` a job's duration; `classes` numbers the names in `class_names`.
    """

    pipelines: Floats
    runs: Floats
    seconds: Floats
    classes: Integers
    class_names: tuple[str, ...]


def effects_of(events: tuple[Event, ...], organization: Organization, plan: Plan, days: list[date]) -> Effects:
    """Translate an organization's events: whole projects change in pipelines, single jobs in seconds."""
    own_events = [event for event in events if event.organization == organization.name]
    changed_to = {event.resource_class for event in own_events if event.resource_class}
    names = sorted({job.resource_class for job in plan.jobs} | changed_to)
    shape = len(days)
    pipelines = np.ones((len(plan.template_project), shape))
    runs = np.repeat(np.array([[workflow.odds] for workflow in plan.workflows]), shape, axis=1)
    seconds = np.ones((len(plan.jobs), shape))
    classes = np.repeat(np.array([[names.index(job.resource_class)] for job in plan.jobs]), shape, axis=1)
    for event in own_events:
        by_day = _course(event, days)
        projects = np.array([event.project in (None, project.name) for project in organization.projects])
        workflows = projects[plan.workflow_project] & np.array(
            [event.workflow in (None, workflow.name) for workflow in plan.workflows]
        )
        templates = projects[plan.template_project]
        jobs = workflows[plan.job_workflow] & np.array([event.job in (None, job.name) for job in plan.jobs])
        if event.kind is EventKind.RESOURCE_CLASS_CHANGE and event.resource_class:
            classes[np.ix_(jobs, _active(event, days))] = names.index(event.resource_class)
        elif event.kind is EventKind.WEEKEND_LEAK:
            resting = rests(organization, plan)
            if event.workflow is not None:
                runs[workflows & resting[plan.workflow_template]] *= _leak(event, organization, days)
            else:
                pipelines[templates & resting] *= _leak(event, organization, days)
        elif event.kind in _NOT_OF_VOLUME:
            continue
        elif _driver(event) is Driver.SECONDS:
            seconds[jobs] *= by_day
        elif event.workflow is not None:
            timed = plan.template_timed[plan.workflow_template]
            pipelines[plan.workflow_template[workflows & timed]] *= by_day
            runs[workflows & ~timed] *= by_day
        else:
            pipelines[templates & ~plan.template_timed] *= by_day
            pipelines[templates & plan.template_timed] *= by_day > 0
    return Effects(pipelines, runs, seconds, classes, tuple(names))


def rests(organization: Organization, plan: Plan) -> Flags:
    """Tell which templates rest on week-ends and holidays: pushes, and the schedules of some projects."""
    resting = np.array([project.schedules_rest for project in organization.projects], dtype=np.bool_)
    return ~plan.template_scheduled | (resting[plan.template_project] & ~plan.template_timed)


def _driver(event: Event) -> Driver:
    """Return whether a change of volume changes the runs or the seconds."""
    usual = Driver.SECONDS if event.kind is EventKind.DRIFT or event.job is not None else Driver.RUNS
    return event.driver or usual


def _leak(event: Event, organization: Organization, days: list[date]) -> Floats:
    """Return the factors that lift the Saturdays and Sundays of an event to its share of a working day's level."""
    weekend = np.array([day.weekday() >= 5 for day in days], dtype=np.bool_) & _active(event, days)
    level = event.factor * WORKING_LEVEL / push_activity(days, organization.country, organization.closures)
    return np.where(weekend, level, 1.0)


def _course(event: Event, days: list[date]) -> Floats:
    """Return the event's factor on each day: 1 outside. In a drift it rises to the factor and stays there."""
    since = np.array([(day - event.first_day).days for day in days], dtype=np.float64)
    if event.kind is EventKind.DRIFT and event.last_day is not None:
        length = max(1, (event.last_day - event.first_day).days)
        return np.asarray(1.0 + (event.factor - 1.0) * np.clip(since / length, 0.0, 1.0), dtype=np.float64)
    return np.where(_active(event, days), event.factor, 1.0)


def _active(event: Event, days: list[date]) -> Flags:
    """Tell on which days the event lasts."""
    return np.array([event.first_day <= day <= (event.last_day or day) for day in days], dtype=np.bool_)
