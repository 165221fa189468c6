"""The progress that a fetch reports: to the log of a Dagster run or a progress bar in a terminal.

Messages are sentences without a token or a signed URL; showing them is the caller's job.
"""

from typing import Protocol


class ExportProgress(Protocol):
    """Receives the progress of one fetch. Calls never overlap, but may come from several threads."""

    def message(self, text: str) -> None:
        """Report an event that a log should keep."""
        ...

    def waiting(self, text: str, seconds: float) -> None:
        """Report that the fetch waits for `text`, for about `seconds` more; called again while it waits."""
        ...

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """Report how much of part `part` of `parts` (from 1) has arrived; `total_bytes` is None where unknown."""
        ...

    def finished(self) -> None:
        """Report the end: the export has landed."""
        ...


class Silent:
    """Ignores all progress."""

    def message(self, text: str) -> None:
        """Do nothing."""

    def waiting(self, text: str, seconds: float) -> None:
        """Do nothing."""

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """Do nothing."""

    def finished(self) -> None:
        """Do nothing."""


SILENT = Silent()
