"""Reads a file that a user names as a whole, and no more of it than fits into memory with room to spare.

What it holds is its reader's business; files that may be larger are read in blocks, each by its own reader.
"""

from pathlib import Path

from circleci_cost.errors import ConfigurationError
from circleci_cost.named_files.regular_files import require_regular_file

# A mapping of a million projects takes 40 MB.
MOST_BYTES = 64 << 20


def read_at_most(path: Path, most: int = MOST_BYTES, advice: str = "name a smaller file, or split it") -> bytes:
    """The content of a regular file of at most `most` bytes, whole MiB.

    Raises `ConfigurationError` for another one, with the advice, and `OSError` where it cannot be read.
    """
    require_regular_file(path, ConfigurationError)
    with path.open("rb") as file:
        content = file.read(most + 1)
    require_size(path, content, most, advice)
    return content


def require_size(path: Path, content: bytes, most: int, advice: str) -> None:
    """Raise `ConfigurationError` for a content of more than `most` bytes, whole MiB."""
    if len(content) > most:
        raise ConfigurationError(f"{path} is larger than {most >> 20} MiB; {advice}.")
