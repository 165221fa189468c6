"""Downloads all parts of an export, several at once; if one part fails, all fail.

`download` loads one part; `landing` puts the parts in place.
"""

import random
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from circleci_cost.circleci.addresses import download_address, identity
from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.download import Cancelled, PartDownload
from circleci_cost.circleci.failures import ExpiredUrl, Oversized
from circleci_cost.circleci.limits import DownloadLimits, Timeouts
from circleci_cost.circleci.progress import ExportProgress
from circleci_cost.circleci.retry import Backoff, Retry
from circleci_cost.clock import Clock
from circleci_cost.errors import CircleciCostError, ExportDataError, TransientSourceError
from circleci_cost.lake.files import TEMPORARY_PREFIX
from circleci_cost.lake.manifests import Part
from circleci_cost.text.units import counted


@dataclass(frozen=True)
class Downloaded:
    """A verified part under its temporary name."""

    path: Path
    part: Part


@dataclass(frozen=True)
class Downloads:
    """The downloads of one export; `subject` begins every message."""

    client: httpx.Client
    connection: Connection
    clock: Clock
    limits: DownloadLimits
    timeouts: Timeouts
    progress: ExportProgress
    jitter: random.Random = field(repr=False)
    subject: str
    _progress_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def all(self, urls: Sequence[str], directory: Path, fresh_urls: Callable[[], Sequence[str]]) -> list[Downloaded]:
        """Download every URL into `directory` under temporary names.

        Where URLs have expired, `fresh_urls` returns new ones, a bounded number of times; parts already
        downloaded are kept if the fresh list names the same objects. Where one of the URLs points to a
        host that is not allowed, nothing is requested.
        """
        wanted = self._addresses(urls)
        done: dict[str, Downloaded] = {}
        for refreshes in range(self.limits.url_refreshes + 1):
            if refreshes:
                self.progress.message(f"{self.subject}: signed URLs have expired, asking for fresh ones.")
                fresh = self._addresses(fresh_urls())
                if len(fresh) < len(wanted):
                    raise TransientSourceError(
                        f"{self.subject}: CircleCI named {counted(len(wanted), 'part')} before and {len(fresh)} now, "
                        "so that one would be missing; nothing was changed, run the same command again."
                    )
                if fresh.keys() != wanted.keys():
                    done.clear()
                wanted = fresh
            self._round(wanted, done, directory)
            if done.keys() == wanted.keys():
                return list(done.values())
        raise TransientSourceError(
            f"{self.subject}: fresh signed URLs were refused {self.limits.url_refreshes} times by "
            f"{', '.join(sorted({address.host for address in wanted.values()}))}; nothing was changed, try "
            "again later."
        )

    def _addresses(self, urls: Sequence[str]) -> dict[str, httpx.URL]:
        """Map the identity of each part to its address; a URL listed twice is one part."""
        distinct = list(dict.fromkeys(urls))
        if len(distinct) < len(urls):
            repeated = len(urls) - len(distinct)
            self._report(f"{self.subject}: CircleCI lists {repeated} of {len(urls)} URLs twice; each is loaded once.")
        names = [identity(url) for url in distinct]
        # Without distinct paths a fresh list cannot be matched to the old one: the whole URL is then the identity.
        keys = names if len(set(names)) == len(names) else distinct
        return {
            key: download_address(url, f"part {number} of {len(distinct)}", self.connection)
            for number, (key, url) in enumerate(zip(keys, distinct, strict=True), start=1)
        }

    def _round(self, wanted: dict[str, httpx.URL], done: dict[str, Downloaded], directory: Path) -> None:
        """Download the parts that are not in `done`, and add them; parts whose URL has expired are left out."""
        cancelled = threading.Event()
        numbers = {key: number for number, key in enumerate(wanted, start=1)}
        with ThreadPoolExecutor(self.limits.parallel, thread_name_prefix="export-part") as pool:
            futures: dict[Future[Downloaded | None], str] = {
                pool.submit(self._download, address, directory, numbers[key], len(wanted), cancelled): key
                for key, address in wanted.items()
                if key not in done
            }
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                # On a failure here or Ctrl-C the other parts stop at their next bytes.
                cancelled.set()
                pool.shutdown(cancel_futures=True)
        errors = [future.exception() for future in futures if not future.cancelled()]
        failures = [error for error in errors if error is not None and not isinstance(error, Cancelled)]
        if failures:
            raise failures[0]
        for future, key in futures.items():
            downloaded = future.result()
            if downloaded is not None:
                done[key] = downloaded

    def _download(
        self, address: httpx.URL, directory: Path, number: int, parts: int, cancelled: threading.Event
    ) -> Downloaded | None:
        """Download one part, repeated after temporary failures; None where its URL has expired."""
        # Not named by its number: a fresh list may have another order.
        target = directory / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}"

        def on_wait(reason: str, seconds: float) -> None:
            if cancelled.is_set():
                raise Cancelled
            with self._progress_lock:
                self.progress.waiting(reason, seconds)

        def on_bytes(received: int, total: int | None) -> None:
            with self._progress_lock:
                self.progress.part(received, total, number, parts)

        download = PartDownload(
            client=self.client,
            clock=self.clock,
            limits=self.limits,
            timeouts=self.timeouts,
            name=f"{self.subject}: part {number} of {parts}",
            address=address,
            cancelled=cancelled,
            on_bytes=on_bytes,
        )
        retry = Retry(self.clock, self.jitter, Backoff(attempts=self.limits.attempts), on_wait)
        try:
            part = retry.call(lambda: download.to_file(target), _may_repeat, (TransientSourceError, ExportDataError))
        except ExpiredUrl:
            return None
        return Downloaded(target, part)

    def _report(self, text: str) -> None:
        with self._progress_lock:
            self.progress.message(text)


def _may_repeat(error: CircleciCostError) -> bool:
    """Whether the same URL may work next time: a damaged file may, an expired URL and a bomb may not."""
    return not isinstance(error, (ExpiredUrl, Oversized))
