"""Export jobs and the states they go through: created, processing, completed, failed.

Files come from a `Source`; `app` writes a job as JSON.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from circleci_cost.clock import Clock
from circleci_cost.simulator.contract import ExportRequest
from circleci_cost.simulator.sources import ExportKey


@dataclass
class ExportJob:
    """One accepted request. `key.as_of` is the time of its creation: it exports the usage as of then."""

    organization_id: str
    request: ExportRequest
    key: ExportKey
    id: str = field(default_factory=lambda: str(uuid4()))
    polls: int = 0


class ExportJobs:
    """All jobs of a simulator. A job is completed after `seconds` of the clock and `polls` answers.

    `shows_created`: the first GET of a job that is not completed says `created` instead of `processing`; CircleCI
    allows that in its documentation, and real clients fail on it.
    """

    def __init__(self, clock: Clock, *, seconds: float = 0.0, polls: int = 0, shows_created: bool = False) -> None:
        self.seconds = seconds
        self.polls = polls
        self.shows_created = shows_created
        self._clock = clock
        self._jobs: dict[str, ExportJob] = {}
        self._lock = threading.Lock()

    def create(self, organization_id: str, request: ExportRequest) -> ExportJob:
        """Start a job."""
        now = self._clock.now()
        ids = tuple(dict.fromkeys((organization_id, *request.shared_org_ids)))
        key = ExportKey(ids, request.first_day, request.last_day, now)
        job = ExportJob(organization_id, request, key)
        with self._lock:
            self._jobs[job.id] = job
        return job

    def find(self, job_id: str, organization_id: str | None = None) -> ExportJob | None:
        """Return a job by its id, if it belongs to the organization; None accepts any organization."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job and organization_id in (None, job.organization_id) else None

    def poll(self, job: ExportJob) -> str:
        """Count a GET and return the job's state."""
        with self._lock:
            earlier_polls = job.polls
            job.polls += 1
        if earlier_polls >= self.polls and self._clock.now() - job.key.as_of >= timedelta(seconds=self.seconds):
            return "completed"
        return "created" if earlier_polls == 0 and self.shows_created else "processing"

    def __iter__(self) -> Iterator[ExportJob]:
        """Iterate over the jobs in the order of their creation."""
        with self._lock:
            return iter(list(self._jobs.values()))
