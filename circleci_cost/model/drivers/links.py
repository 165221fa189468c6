"""The address of a job run in CircleCI's web application, from the columns of an export.

Finding the runs worth a look is the warehouse's job.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_APPLICATION = "https://app.circleci.com/pipelines"
_STANDALONE = "circleci"
_JOB_RUN_URL = re.compile(
    re.escape(_APPLICATION) + r"(/(?!\.+/)[\w.~%-]+){3}/(?P<pipeline>[0-9]+)/workflows/[\w.~%-]+/jobs/(?P<run>[0-9]+)",
    re.ASCII,
)


class JobRun(NamedTuple):
    """The parts of a job run's address as an export has them."""

    vcs_name: str | None
    vcs_url: str | None
    organization_id: str
    project_id: str
    pipeline_number: int | None
    workflow_id: str | None
    job_run_number: int | None


def job_run_url(run: JobRun) -> str | None:
    """The address of a job run; None if a part of it is not known.

    Projects of GitHub and Bitbucket go by `<vcs>/<organization>/<repository>`, as their repository's URL has them;
    those of a standalone organization (`circleci`) by the ids of organization and project.
    """
    if run.pipeline_number is None or run.workflow_id is None or run.job_run_number is None:
        return None
    project = _project(run)
    if project is None:
        return None
    return (
        f"{_APPLICATION}/{project}/{run.pipeline_number}/workflows/{quote(run.workflow_id)}/jobs/{run.job_run_number}"
    )


def job_run_name(url: str) -> str | None:
    """What a link to an address of `job_run_url` says: the job's number and its pipeline's; None for another address.

    Addresses are stored in tables; only those of this form become links.
    """
    parts = _JOB_RUN_URL.fullmatch(url)
    return f"job {parts['run']} of pipeline {parts['pipeline']}" if parts else None


def _project(run: JobRun) -> str | None:
    if run.vcs_name is None:
        return None
    vcs = run.vcs_name.lower()
    if vcs == _STANDALONE:
        return f"{vcs}/{quote(run.organization_id)}/{quote(run.project_id)}"
    parts = [part for part in urlsplit(run.vcs_url or "").path.removesuffix(".git").split("/") if part]
    if len(parts) != 2:
        return None
    return "/".join(quote(part, safe="") for part in (vcs, *parts))
