"""A file of the configuration that cannot be used.

Each reader decides what goes on without its file, and words the consequence.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileProblem:
    """The file's subject, the sentence about its mistake, and the consequence for what depends on it."""

    subject: str
    path: Path
    sentence: str
    consequence: str

    def __str__(self) -> str:
        """The whole problem as one line."""
        return f"{self.subject}: {self.sentence} {self.consequence}"
