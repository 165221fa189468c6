"""The requests to the simulator and its answers, with the name of the fault where one was injected.

Never a token, a query or a body: only whether a token came along.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

_LOGGER = logging.getLogger("circleci_cost.simulator")


@dataclass(frozen=True)
class LogRecord:
    """One request. `status` is None where no status line was sent; `fault` names an injected fault."""

    time: datetime
    method: str
    path: str
    route: str
    status: int | None
    fault: str | None
    had_token: bool


class RequestLog:
    """The requests so far, in the order of their answers. Safe to read from other threads."""

    def __init__(self) -> None:
        self._records: list[LogRecord] = []
        self._lock = threading.Lock()

    def add(self, record: LogRecord) -> None:
        """Keep a record and hand it to logging."""
        with self._lock:
            self._records.append(record)
        _LOGGER.info(
            "%s %s %s%s",
            record.method,
            record.path,
            record.status if record.status is not None else "no answer",
            f" (injected fault: {record.fault})" if record.fault else "",
        )

    def of(self, route: str) -> list[LogRecord]:
        """Return the requests to one route: create, poll, download, me, collaborations, organization."""
        return [record for record in self if record.route == route]

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._records.clear()

    def __iter__(self) -> Iterator[LogRecord]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)
