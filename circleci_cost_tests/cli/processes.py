"""A command as a process of its own, with pipes for what it says."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str], stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a folder; whatever is left of it is killed."""
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=stdout, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
