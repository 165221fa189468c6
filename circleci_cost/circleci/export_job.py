"""One usage export job: requested or resumed, then polled until its parts can be downloaded.

Downloading the parts is the job of `downloads`; `intents` keeps the note that survives crashes.
"""

from dataclasses import dataclass
from urllib.parse import quote

from circleci_cost.circleci import answers
from circleci_cost.circleci.answers import KNOWN_STATES, ExportJob
from circleci_cost.circleci.calls import Calls
from circleci_cost.circleci.delivery import is_awaited
from circleci_cost.circleci.intents import MAX_ATTEMPTS, Note
from circleci_cost.circleci.waiting import wait
from circleci_cost.circleci.windows import Window
from circleci_cost.errors import SourceError, TransientSourceError
from circleci_cost.text.units import duration


@dataclass(frozen=True)
class Polling:
    """Seconds between two polls, growing from `first` to `longest`; `total` for the whole job.

    CircleCI takes under a minute for a small organization and up to four hours for a large one. A
    completed job without parts is polled `confirmations` times more, `confirmation_seconds` apart,
    before it counts as no usage: a text of CircleCI's support calls that state momentary. Where CircleCI may
    still lack all of the job's days, one answer is enough: the day stays open, and a later run asks for it again.
    """

    first_seconds: float = 2.0
    longest_seconds: float = 60.0
    growth: float = 1.5
    total_seconds: float = 5 * 3600.0
    confirmations: int = 3
    confirmation_seconds: float = 21.0


@dataclass(frozen=True)
class ExportJobs:
    """The export jobs of one connection."""

    calls: Calls
    polling: Polling

    def make(self, note: Note, subject: str) -> str:
        """POST a job, recorded in the note before and after, and return its id.

        Raises `SourceError` where three POSTs within a day led to no export. A POST that the API
        refuses leaves no note behind.
        """
        note.check()
        if note.intent.attempts:
            self.calls.progress.message(
                f"{subject}: an earlier request gave no result; requesting the export again "
                f"({len(note.intent.attempts) + 1} of {MAX_ATTEMPTS} within 24 hours)."
            )
        window = Window(note.intent.first_day, note.intent.last_day)
        shared = list(note.intent.shared_organization_ids)
        body = {"start": window.start, "end": window.end, "shared_org_ids": shared}
        job = answers.export_job(self.calls.post(self._path(), body, subject, note), subject)
        note.accept(job.usage_export_job_id)
        return job.usage_export_job_id

    def status(self, job_id: str, subject: str) -> ExportJob:
        """Poll the job once. Raises `Refusal` with status 404 where CircleCI does not know it."""
        job = answers.export_job(self.calls.get(f"{self._path()}/{job_id}", subject), subject)
        if job.usage_export_job_id.lower() != job_id.lower():
            raise SourceError(
                f"{subject}: CircleCI was asked for export job {job_id} and told of "
                f"{job.usage_export_job_id}; nothing of it was used, run the same command again."
            )
        return job

    def parts(self, note: Note, job_id: str, subject: str) -> tuple[str, ...]:
        """Wait for the job and return its signed URLs, none where the window holds no usage.

        Raises `Refusal` (404) where CircleCI no longer knows the job, and `TransientSourceError` where
        the job failed (the next run requests another) or takes too long (the next run resumes it).
        """
        clock, progress = self.calls.clock, self.calls.progress
        deadline = clock.monotonic() + self.polling.total_seconds
        pause = self.polling.first_seconds
        unknown: set[str] = set()
        confirmations = 0 if is_awaited(note.intent.first_day, note.intent.requested_at) else self.polling.confirmations
        while True:
            job = self.status(job_id, subject)
            if job.state == "failed":
                note.forget()
                raise TransientSourceError(
                    f"{subject}: CircleCI says that the export job failed "
                    f"({job.error_reason or 'no reason given'}); nothing was changed, the next run requests "
                    "a new one."
                )
            if job.state == "completed":
                if job.download_urls or len(note.intent.empty_answers) >= confirmations:
                    return job.download_urls
                # One second less: the clock may be set back by that much during the wait.
                note.count_empty(self.polling.confirmation_seconds - 1)
                reason, seconds = (
                    f"{subject}: completed without parts, asking again",
                    self.polling.confirmation_seconds,
                )
            else:
                if job.state not in KNOWN_STATES | unknown:
                    unknown.add(job.state)
                    progress.message(f"{subject}: CircleCI tells an unknown state ({job.state}); waiting on.")
                reason, seconds = f"{subject}: CircleCI prepares the export ({job.state})", pause
                pause = min(pause * self.polling.growth, self.polling.longest_seconds)
            if clock.monotonic() + seconds > deadline:
                raise TransientSourceError(
                    f"{subject}: the export job is not ready after {duration(self.polling.total_seconds)} "
                    f"(state {job.state}); nothing was changed, the next run takes the same job up again."
                )
            wait(clock, seconds, reason, progress.waiting)

    def _path(self) -> str:
        return f"/organizations/{quote(self.calls.connection.organization_id, safe='')}/usage_export_job"
