"""Fetches the usage export of one window: requests the job, downloads its parts, lands them.

The caller decides which windows to fetch; each step is a module of its own.
"""

import random
from contextlib import closing
from pathlib import Path

from circleci_cost.circleci.calls import Calls
from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.downloads import Downloads
from circleci_cost.circleci.export_job import ExportJobs, Polling
from circleci_cost.circleci.failures import Refusal
from circleci_cost.circleci.http import ApiClient, download_client
from circleci_cost.circleci.intents import Note, held, take_up
from circleci_cost.circleci.landing import land_export, staging
from circleci_cost.circleci.limits import DownloadLimits, Timeouts
from circleci_cost.circleci.progress import SILENT, ExportProgress
from circleci_cost.circleci.quota import QuotaLedger
from circleci_cost.circleci.retry import Backoff
from circleci_cost.circleci.windows import Window
from circleci_cost.clock import Clock
from circleci_cost.day_ranges import as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.errors import TransientSourceError
from circleci_cost.lake.known_usage import days_with_usage
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.manifests import MANIFEST, LandedExport, read_manifest
from circleci_cost.text.units import counted, size


class UsageExports:
    """The usage exports of one connection, landed in one lake. Nothing is opened before `fetch`."""

    def __init__(
        self,
        lake: Lake,
        connection: Connection,
        clock: Clock,
        *,
        progress: ExportProgress = SILENT,
        timeouts: Timeouts | None = None,
        limits: DownloadLimits | None = None,
        polling: Polling | None = None,
        backoff: Backoff | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self._lake = lake
        self._connection = connection
        self._clock = clock
        self._progress = progress
        self._timeouts = timeouts or Timeouts()
        self._limits = limits or DownloadLimits()
        self._polling = polling or Polling()
        self._backoff = backoff or Backoff()
        self._jitter = jitter or random.Random()  # noqa: S311 - jitter needs no secrecy

    def fetch(self, window: Window) -> LandedExport:
        """Return the landed export of `window`; one without parts where there was no usage.

        An export job that an earlier process requested for the same days is resumed. Raises the
        errors of `errors`; after any of them, the export landed before is unchanged.
        """
        claim(self._lake)
        subject = f"Usage export of {self._connection.cost_center}, {window}"
        path = self._lake.intent(self._connection.cost_center, window.first_day, window.last_day)
        before = self._landed_id(window)
        with (
            held(path, self._clock, subject, self._progress.waiting, self._polling.total_seconds) as waited,
            ApiClient(self._connection.endpoint, self._clock, self._timeouts) as client,
        ):
            if waited and self._landed_id(window) not in {None, before}:
                self._progress.message(f"{subject}: another process has just landed it.")
                return self._landed(window)
            return self._fetch(take_up(path, self._connection, window, self._clock, subject), client, window, subject)

    def prepare(self, window: Window) -> None:
        """Request the export job of `window` and wait until `fetch` need not wait for it; nothing lands.

        So the waits of many connections overlap. Raises the errors of `errors`; `fetch` then starts over.
        """
        subject = f"Usage export of {self._connection.cost_center}, {window}"
        path = self._lake.intent(self._connection.cost_center, window.first_day, window.last_day)
        with (
            held(path, self._clock, subject, self._progress.waiting, self._polling.total_seconds),
            ApiClient(self._connection.endpoint, self._clock, self._timeouts) as client,
        ):
            note = take_up(path, self._connection, window, self._clock, subject)
            jobs = ExportJobs(self._calls(client), self._polling)
            job_id = note.intent.usage_export_job_id or jobs.make(note, subject)
            if job_id != self._landed_id(window):
                jobs.parts(note, job_id, subject)

    def _fetch(self, note: Note, client: ApiClient, window: Window, subject: str) -> LandedExport:
        jobs = ExportJobs(self._calls(client), self._polling)
        while True:
            job_id = note.intent.usage_export_job_id
            if job_id is None:
                job_id = jobs.make(note, subject)
                self._progress.message(f"{subject}: requested, export job {job_id}.")
            elif job_id == self._landed_id(window):
                # The earlier process was killed between landing the export and removing the note.
                landed = self._landed(window)
                break
            else:
                self._progress.message(f"{subject}: taking up export job {job_id} of an earlier run.")
            try:
                landed = self._load(jobs, note, job_id, window, subject)
                break
            except Refusal as error:
                if error.status != 404:
                    raise
                note.forget()
                self._progress.message(f"{subject}: CircleCI no longer knows export job {job_id}.")
        note.remove()
        self._progress.finished()
        return landed

    def _load(self, jobs: ExportJobs, note: Note, job_id: str, window: Window, subject: str) -> LandedExport:
        """Wait for the job, download all of its parts, land them."""
        urls = jobs.parts(note, job_id, subject)
        if not urls:
            self._refuse_emptying(window, job_id, subject)
        with (
            closing(download_client(self._connection.base_url, self._timeouts)) as client,
            staging(self._directory(window)) as stage,
        ):
            downloads = Downloads(
                client=client,
                connection=self._connection,
                clock=self._clock,
                limits=self._limits,
                timeouts=self._timeouts,
                progress=self._progress,
                jitter=self._jitter,
                subject=subject,
            )
            files = downloads.all(urls, stage, lambda: jobs.parts(note, job_id, subject))
            landed = land_export(
                self._lake, self._connection, note.intent, files, url_count=len(urls), progress=self._progress
            )
        self._progress.message(f"{subject}: {_summary(landed)}.")
        return landed

    def _refuse_emptying(self, window: Window, job_id: str, subject: str) -> None:
        """Raise where days that had usage would lose it all: CircleCI restates usage, but never withdraws all of it."""
        days = days_between(window.first_day, window.last_day)
        known = days_with_usage(self._lake, self._connection.cost_center, days)
        if known:
            raise TransientSourceError(
                f"{subject}: CircleCI says that there is no usage in these days (export job {job_id}), but "
                f"{say_ranges(as_ranges(known))} had some. Nothing was replaced, and the next run asks again; if that "
                "lasts for days, ask CircleCI's support."
            )

    def _calls(self, client: ApiClient) -> Calls:
        connection = self._connection
        ledger = QuotaLedger(
            self._lake.quota_ledger,
            self._clock,
            connection.posts_per_hour,
            connection.gets_per_minute,
            self._progress.waiting,
        )
        return Calls(connection, client, ledger, self._clock, self._progress, self._jitter, self._backoff)

    def _directory(self, window: Window) -> Path:
        return self._lake.export(self._connection.cost_center, window.first_day, window.last_day)

    def _landed(self, window: Window) -> LandedExport:
        directory = self._directory(window)
        return LandedExport(directory=directory, manifest=read_manifest(directory))

    def _landed_id(self, window: Window) -> str | None:
        return self._landed(window).manifest.export_id if (self._directory(window) / MANIFEST).is_file() else None


def _summary(landed: LandedExport) -> str:
    parts = landed.manifest.parts
    if not parts:
        return "no usage in these days, landed as empty"
    lines = counted(sum(part.lines for part in parts), "line")
    return f"{counted(len(parts), 'part')} with {lines} landed ({size(sum(part.bytes for part in parts))})"
