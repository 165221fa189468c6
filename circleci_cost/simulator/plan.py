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
    """Tables of an organization. A template is what a pipeline runs: a project's pushed or scheduled part.

    Workflows lie in the order of templates, jobs in the order of workflows, so (first, count) name a slice.
    """

    template_project: Integers
    template_scheduled: Flags
    template_first: Integers
    template_count: Integers
    template_rows: Integers
    template_share: Floats
    workflows: tuple[Workflow, ...]
    workflow_project: Integers
    workflow_first: Integers
    workflow_count: Integers
    jobs: tuple[Job, ...]
    job_workflow: Integers


def plan_of(organization: Organization) -> Plan:
    """Lay out an organization; `template_share` is of all rows, `template_rows` are rows per pipeline."""
    templates: list[tuple[int, bool, list[Workflow], float]] = []
    weights = sum(project.weight for project in organization.projects)
    for index, project in enumerate(organization.projects):
        kinds = {workflow.scheduled for workflow in project.workflows}
        for scheduled in sorted(kinds):
            part = 1.0 if len(kinds) == 1 else SCHEDULED_SHARE if scheduled else 1.0 - SCHEDULED_SHARE
            chosen = [workflow for workflow in project.workflows if workflow.scheduled == scheduled]
            templates.append((index, scheduled, chosen, part * project.weight / weights))
    workflows = [workflow for _, _, chosen, _ in templates for workflow in chosen]
    workflow_counts = [len(chosen) for _, _, chosen, _ in templates]
    job_counts = [len(workflow.jobs) for workflow in workflows]
    return Plan(
        template_project=np.array([project for project, _, _, _ in templates], dtype=np.int64),
        template_scheduled=np.array([scheduled for _, scheduled, _, _ in templates], dtype=np.bool_),
        template_first=_starts(workflow_counts),
        template_count=np.array(workflow_counts, dtype=np.int64),
        template_rows=np.array([sum(len(w.jobs) for w in chosen) for _, _, chosen, _ in templates]),
        template_share=np.array([share for _, _, _, share in templates]),
        workflows=tuple(workflows),
        workflow_project=np.array([project for project, _, chosen, _ in templates for _ in chosen]),
        workflow_first=_starts(job_counts),
        workflow_count=np.array(job_counts, dtype=np.int64),
        jobs=tuple(job for workflow in workflows for job in workflow.jobs),
        job_workflow=np.repeat(np.arange(len(workflows), dtype=np.int64), job_counts),
    )


def _starts(counts: list[int]) -> Integers:
    """Return where each of consecutive slices begins."""
    return np.cumsum([0, *counts], dtype=np.int64)[:-1]
