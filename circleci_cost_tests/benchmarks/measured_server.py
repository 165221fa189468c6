"""A web server in a process of its own: how long it takes to start, and the most memory that it has used.

What its pages take in a browser is `measured_pages`' subject.
"""

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server; `start_seconds` from the start of its process to its first answer."""

    origin: str
    start_seconds: float
    pid: int

    def peak_megabytes(self) -> float:
        """The most memory that the process has held since its start."""
        return self._megabytes("VmHWM")

    def private_megabytes(self) -> float:
        """The memory that is the process's own now: without the code of libraries, which lies in files."""
        return self._megabytes("RssAnon")

    def _megabytes(self, name: str) -> float:
        (kibibytes,) = re.findall(rf"{name}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(kibibytes) * 1024 / 1e6


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def served(command: Sequence[str], port: int, health: str, folder: Path) -> Iterator[Server]:
    """Run a command in a folder until the block ends; `health` is a path that it answers once it is ready."""
    origin = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER_", "CIRCLECI"))}
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            while not _answers(origin + health):
                if process.poll() is not None or time.perf_counter() - started > _PATIENCE_SECONDS:
                    log.seek(0)
                    raise SystemExit(f"{command} does not serve:\n{log.read().decode(errors='replace')}")
                time.sleep(_POLL_SECONDS)
            yield Server(origin, time.perf_counter() - started, process.pid)
        finally:
            process.terminate()
            process.wait()


def _answers(address: str) -> bool:
    try:
        with urlopen(address) as response:
            return bool(response.status == 200)
    except (URLError, ConnectionError):
        return False
