"""Downloads one part of an export to a file, checked byte by byte; any damage is an error.

`downloads` decides which parts are downloaded, and how many at once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from circleci_cost.circleci.failures import ExpiredUrl, Oversized, Refusal
from circleci_cost.circleci.gzip_check import GzipCheck
from circleci_cost.circleci.http import connection_failure
from circleci_cost.circleci.limits import MIB, DownloadLimits, Timeouts
from circleci_cost.clock import Clock
from circleci_cost.errors import CircleciCostError, TransientSourceError
from circleci_cost.http.retry_after import retry_after
from circleci_cost.http.statuses import is_temporary
from circleci_cost.http.watchdog import Watchdog
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.manifests import Part
from circleci_cost.text.units import duration, size

# Object stores answer 403 for an expired URL, 400 for an expired session, 404 for a removed object.
_EXPIRED = frozenset({400, 401, 403, 404, 410})

OnBytes = Callable[[int, int | None], None]


class Cancelled(Exception):
    """Raised in a download when another part has failed, so that this one is useless."""


@dataclass(frozen=True)
class PartDownload:
    """The download of one signed URL; messages show `name` and `address.host`, never the URL."""

    client: httpx.Client
    clock: Clock
    limits: DownloadLimits
    timeouts: Timeouts
    name: str
    address: httpx.URL = field(repr=False)
    cancelled: threading.Event
    on_bytes: OnBytes

    def to_file(self, target: Path) -> Part:
        """Download to `target`, which is overwritten, and return the part (named like `target`).

        Raises `ExpiredUrl`, `TransientSourceError`, `Refusal`, `ExportDataError` for a damaged or
        incomplete file, and `StorageError`.
        """
        started = self.clock.monotonic()
        with Watchdog(self.limits.header_seconds) as watchdog:
            request = self.client.build_request("GET", self.address, extensions={"trace": watchdog.trace})
            try:
                response = self.client.send(request, stream=True)
            except httpx.HTTPError as error:
                if watchdog.expired:
                    raise self._slow(self.limits.header_seconds) from None
                raise self._failure(error) from None
        try:
            self._check_status(response)
            with storage_errors(target):
                return self._body(response, target, started)
        except httpx.HTTPError as error:
            raise self._failure(error) from None
        finally:
            response.close()

    def _body(self, response: httpx.Response, target: Path, started: float) -> Part:
        check = GzipCheck(self.name, self.limits)
        total = _length(response)
        if total is not None and total > self.limits.max_bytes:
            raise Oversized(
                f"{self.name} is {size(total)}, more than {size(self.limits.max_bytes)}; it was not loaded."
            )
        reported = 0
        with target.open("wb") as file:
            for piece in response.iter_raw():
                if self.cancelled.is_set():
                    raise Cancelled
                file.write(piece)
                check.feed(piece)
                self._check_speed(check.bytes, self.clock.monotonic() - started)
                if check.bytes - reported >= MIB:
                    reported = check.bytes
                    self.on_bytes(reported, total)
        if total is not None and check.bytes != total:
            raise TransientSourceError(
                f"{self.name} has {check.bytes} bytes where {self.address.host} announced {total}; nothing "
                "of it was used."
            )
        part = check.finish(target.name)
        self.on_bytes(part.bytes, total)
        return part

    def _check_status(self, response: httpx.Response) -> None:
        status, host = response.status_code, self.address.host
        if status == 200:
            return
        if status in _EXPIRED:
            raise ExpiredUrl(f"{self.name}: {host} no longer accepts the signed URL (HTTP {status}).")
        if is_temporary(status):
            now = self.clock.now()
            raise TransientSourceError(
                f"{self.name}: {host} failed (HTTP {status}); try again later.",
                retry_after=retry_after(dict(response.headers), now),
            )
        what = "redirects, which is not followed" if 300 <= status < 400 else f"answers HTTP {status}"
        raise Refusal(f"{self.name}: {host} {what}; nothing was changed, try again later.", status=status)

    def _check_speed(self, received: int, seconds: float) -> None:
        limits = self.limits
        crawls = seconds > limits.speed_grace_seconds and received < seconds * limits.min_bytes_per_second
        if crawls or seconds > limits.max_seconds:
            raise self._slow(seconds, received)

    def _slow(self, seconds: float, received: int = 0) -> TransientSourceError:
        return TransientSourceError(
            f"{self.name}: {self.address.host} sent only {size(received)} within {duration(seconds)}; try again later."
        )

    def _failure(self, error: httpx.HTTPError) -> CircleciCostError:
        return connection_failure(error, f"{self.name}: {self.address.host}", self.timeouts)


def _length(response: httpx.Response) -> int | None:
    value = response.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else None
