"""A file that the configuration names and that cannot be used; what goes on without it is each reader's to say."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileProblem:
    """Whose file it is, the sentence on its mistake, and what becomes of what rests on it."""

    subject: str
    path: Path
    sentence: str
    consequence: str

    def __str__(self) -> str:
        """All of it, as one line."""
        return f"{self.subject}: {self.sentence} {self.consequence}"
