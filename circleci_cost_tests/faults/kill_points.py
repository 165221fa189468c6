"""Moments at which a process kills itself with SIGKILL: calls of the standard library and of third-party packages.

Nothing of the package itself is patched: the process dies inside what the package calls.
"""

import io
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import httpx
import polars as pl

What = Literal[
    "before rename", "after rename", "half written", "after request", "mid-download", "before sql", "after sql"
]


@dataclass(frozen=True)
class KillPoint:
    """Die at the `nth` call of a kind whose path, URL or SQL text matches."""

    what: What
    match: str
    nth: int = 1

    def __str__(self) -> str:
        """Return a readable test id."""
        return f"{self.what} {self.match} {self.nth}".replace("\\", "")

    def arm(self) -> None:
        """Patch this process, for good."""
        _ARM[self.what](_Counter(self))


class _Counter:
    """Counts matching calls, from several threads at once too."""

    def __init__(self, point: KillPoint) -> None:
        self._pattern = re.compile(point.match)
        self._left = point.nth

    def due(self, text: str) -> bool:
        if self._pattern.search(text):
            self._left -= 1
            return self._left == 0
        return False


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _rename(counter: _Counter, *, after: bool) -> None:
    original = os.replace

    def replace(source: Any, target: Any, **options: Any) -> None:
        due = counter.due(str(target))
        if due and not after:
            _die()
        original(source, target, **options)
        if due:
            _die()

    os.replace = replace  # type: ignore[assignment]


def _half_written(counter: _Counter) -> None:
    original = pl.DataFrame.write_parquet

    def write_parquet(self: pl.DataFrame, file: Any, **options: Any) -> None:
        if counter.due(str(file)):
            whole = io.BytesIO()
            original(self, whole, **options)
            Path(file).write_bytes(whole.getvalue()[: whole.tell() // 2])
            _die()
        original(self, file, **options)

    pl.DataFrame.write_parquet = write_parquet  # type: ignore[method-assign]


def _after_request(counter: _Counter) -> None:
    original = httpx.Client.send

    def send(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        response = original(self, request, **options)
        if counter.due(f"{request.method} {request.url.path}"):
            _die()
        return response

    httpx.Client.send = send  # type: ignore[method-assign]


def _mid_download(counter: _Counter) -> None:
    original = httpx.Response.iter_raw

    def iter_raw(self: httpx.Response, chunk_size: int | None = None) -> Iterator[bytes]:
        for piece in original(self, chunk_size):
            if counter.due(self.request.url.path):
                yield piece[: len(piece) // 2]
                _die()
            yield piece

    httpx.Response.iter_raw = iter_raw  # type: ignore[method-assign]


def _sql(counter: _Counter, *, after: bool) -> None:
    original = duckdb.DuckDBPyConnection.execute

    def execute(self: duckdb.DuckDBPyConnection, query: Any, *arguments: Any, **options: Any) -> Any:
        due = counter.due(str(query))
        if due and not after:
            _die()
        result = original(self, query, *arguments, **options)
        if due:
            _die()
        return result

    duckdb.DuckDBPyConnection.execute = execute  # type: ignore[method-assign]


_ARM: dict[What, Callable[[_Counter], None]] = {
    "before rename": lambda counter: _rename(counter, after=False),
    "after rename": lambda counter: _rename(counter, after=True),
    "half written": _half_written,
    "after request": _after_request,
    "mid-download": _mid_download,
    "before sql": lambda counter: _sql(counter, after=False),
    "after sql": lambda counter: _sql(counter, after=True),
}
