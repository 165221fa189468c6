"""An organization laid out as flat tables, so that rows can be drawn as arrays of indexes.

No draws here and no days: only the order of projects, workflows and jobs.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.simulator.draws import Flags, Floats, Integers
from circleci_cost.simulator.scenario import Job, Organization, Workflow

SCHEDULED_SHARE = 0.45
"""Share of a project's rows that come from scheduled workflows, where it has both kinds."""


@dataclass(frozen=True)
class Plan:
    """Tables of an organization. A template is what a pipeline runs: a project's pushed or scheduled part, or a cron.

    A workflow with a timetable is a template of its own (`template_timed`), whose share of the rows is 0;
    `template_number` counts a project's templates: 0 pushed, 1 scheduled, from 2 on those.
    Workflows lie in the order of templates, jobs in the order of workflows, so (first, count) name a slice.
    """

    template_project: Integers
    template_number: Integers
    template_scheduled: Flags
    template_timed: Flags
    template_first: Integers
    template_count: Integers
    template_rows: Integers
    template_share: Floats
    workflows: tuple[Workflow, ...]
    workflow_project: Integers
    workflow_template: Integers
    workflow_first: Integers
    workflow_count: Integers
    jobs: tuple[Job, ...]
    job_workflow: Integers


def plan_of(organization: Organization) -> Plan:
    """Lay out an organization; `template_share` is of all rows, `template_rows` are rows per pipeline."""
    templates: list[tuple[int, int, list[Workflow], float]] = []
    weights = sum(project.weight for project in organization.projects)
    for index, project in enumerate(organization.projects):
        timed = [workflow for workflow in project.workflows if workflow.timetable is not None]
        untimed = [workflow for workflow in project.workflows if workflow.timetable is None]
        kinds = {workflow.scheduled for workflow in untimed}
        for scheduled in sorted(kinds):
            part = 1.0 if len(kinds) == 1 else SCHEDULED_SHARE if scheduled else 1.0 - SCHEDULED_SHARE
            chosen = [workflow for workflow in untimed if workflow.scheduled == scheduled]
            templates.append((index, int(scheduled), chosen, part * project.weight / weights))
        templates += [(index, number, [workflow], 0.0) for number, workflow in enumerate(timed, 2)]
    workflows = [workflow for _, _, chosen, _ in templates for workflow in chosen]
    workflow_counts = [len(chosen) for _, _, chosen, _ in templates]
    job_counts = [len(workflow.jobs) for workflow in workflows]
    numbers = np.array([number for _, number, _, _ in templates], dtype=np.int64)
    return Plan(
        template_project=np.array([project for project, _, _, _ in templates], dtype=np.int64),
        template_number=numbers,
        template_scheduled=numbers > 0,
        template_timed=numbers > 1,
        template_first=_starts(workflow_counts),
        template_count=np.array(workflow_counts, dtype=np.int64),
        template_rows=np.array([sum(len(w.jobs) for w in chosen) for _, _, chosen, _ in templates]),
        template_share=np.array([share for _, _, _, share in templates]),
        workflows=tuple(workflows),
        workflow_project=np.array([project for project, _, chosen, _ in templates for _ in chosen]),
        workflow_template=np.repeat(np.arange(len(templates), dtype=np.int64), workflow_counts),
        workflow_first=_starts(job_counts),
        workflow_count=np.array(job_counts, dtype=np.int64),
        jobs=tuple(job for workflow in workflows for job in workflow.jobs),
        job_workflow=np.repeat(np.arange(len(workflows), dtype=np.int64), job_counts),
    )


def _starts(counts: list[int]) -> Integers:
    """Return where each of consecutive slices begins."""
    return np.cumsum([0, *counts], dtype=np.int64)[:-1]
