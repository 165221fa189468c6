"""Starts processes that deliver; the tests kill them from within the servers that they talk to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def delivering(
    path: Path, now: datetime, channels: list[dict[str, Any]], secrets: Mapping[str, str], count: int = 1
) -> Iterator["subprocess.Popen[str]"]:
    """A process that puts `count` notices into the outbox and sends what is due at `now`."""
    content = json.dumps(channels, default=str)
    arguments = [str(path), now.isoformat(), content, str(count)]
    with subprocess.Popen(
        [sys.executable, "-m", "circleci_cost_tests.notify.deliver_process", *arguments],
        cwd=ROOT,
        env={**os.environ, **secrets},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def sent_by(process: "subprocess.Popen[str]") -> int:
    """How many messages a process sent, once it has ended well."""
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return int(out)


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL: nothing of the process runs after it."""
    os.kill(process.pid, signal.SIGKILL)
