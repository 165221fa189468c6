"""What a fetch tells whoever watches it: a Dagster run's log or a terminal's progress bar.

Messages are sentences without a token or a signed URL; drawing them is the caller's work.
"""

from typing import Protocol


class ExportProgress(Protocol):
    """Receives the progress of one fetch; calls come one at a time, not always from one thread."""

    def message(self, text: str) -> None:
        """Something happened that a log should keep."""
        ...

    def waiting(self, text: str, seconds: float) -> None:
        """Wait for `text`, for about `seconds` more; told again while the fetch waits."""
        ...

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """So much of part `part` of `parts` (from 1) has arrived; the total is None where unknown."""
        ...

    def finished(self) -> None:
        """End: the export has landed."""
        ...


class Silent:
    """Tells nobody."""

    def message(self, text: str) -> None:
        """Drop it."""

    def waiting(self, text: str, seconds: float) -> None:
        """Drop it."""

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """Drop it."""

    def finished(self) -> None:
        """Drop it."""


SILENT = Silent()
