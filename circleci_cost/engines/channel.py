"""The gRPC channel to a Spark Connect server: its token, a deadline for all of a statement's calls, retries.

Imports Spark's client, so it is imported itself only where a server is asked.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc


@contextmanager
def _taken_for_a_program() -> Iterator[None]:
    """Spark's client takes a process without a main file (`python -c`, as workers are started) for its doctests."""
    main = sys.modules["__main__"]
    nameless = main.__spec__ is None and not hasattr(main, "__file__")
    if nameless:
        main.__file__ = sys.executable
    try:
        yield
    finally:
        if nameless:
            del main.__file__


with warnings.catch_warnings(), _taken_for_a_program():
    # Spark's client says that it has not been tried with the newest pandas, of which nothing is used here.
    warnings.simplefilter("ignore", FutureWarning)
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

# What ends or releases a statement is sent after its deadline, too.
_ENDING = ("ReleaseExecute", "ReleaseSession", "Interrupt", "FetchErrorDetails")
_ENDING_SECONDS = 5.0
_FIRST_WAIT_MS, _LONGEST_WAIT_MS, _LONGEST_ASKED_WAIT_MS = 200, 2_000, 60_000


@dataclass(frozen=True)
class _Call(grpc.ClientCallDetails):  # type: ignore[misc] # grpc has no type information
    """The details of a call, with another time-out."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _Deadline(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Gives each call the time that is left: Spark's client sets none, and waits for a silent server for ever."""

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self._seconds_left = seconds_left

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Send a question."""
        return continuation(self._limited(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """Send a statement."""
        return continuation(self._limited(details), request)

    def _limited(self, details: Any) -> _Call:
        is_ending = details.method.endswith(_ENDING)
        return _Call(
            method=details.method,
            timeout=_ENDING_SECONDS if is_ending else self._seconds_left(),
            metadata=details.metadata,
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
            compression=details.compression,
        )


class _Patience(DefaultPolicy):
    """Retries a lost connection for some seconds. A number of retries would say on stderr that it is used up."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            max_retries=None,
            initial_backoff=_FIRST_WAIT_MS,
            max_backoff=_LONGEST_WAIT_MS,
            max_server_retry_delay=_LONGEST_ASKED_WAIT_MS,
        )
        self._seconds = seconds
        self._lost_at = self._failed_at = float("-inf")

    def can_retry(self, e: BaseException) -> bool:
        """Whether the same call may succeed, and was not tried in vain for long."""
        if not super().can_retry(e):
            return False
        now = time.monotonic()
        if now - self._failed_at > self._seconds + _LONGEST_WAIT_MS / 1000:
            # It has been there in between.
            self._lost_at = now
        self._failed_at = now
        return now - self._lost_at < self._seconds


class Clocked:
    """A session whose statements have so many seconds each, and a lost connection some to come back."""

    def __init__(self, url: str, token: str | None, seconds: float, patience: float) -> None:
        """Prepare the session; nothing is sent yet."""
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        builder = DefaultChannelBuilder(url)
        builder.set("user_agent", "circleci_cost")
        if token is not None:
            builder.set("token", token)
        builder.add_interceptor(_Deadline(self._seconds_left))
        self.session: Any = SparkSession.builder.channelBuilder(builder).create()
        self.session.client.set_retry_policies([_Patience(patience)])

    def begin(self) -> None:
        """Begin a statement: its time runs from now on."""
        self._deadline = time.monotonic() + self._seconds

    def _seconds_left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)
