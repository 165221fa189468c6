"""A process and all it has started, killed at once, as when the host dies."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def kill_tree(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all it has started, as a host does that dies: none sees another one end."""
    family = [process.pid]
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        family += children(pid)
    for pid in reversed(family):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    process_ids = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                process_ids.append(int(path.parent.name))
    return process_ids
