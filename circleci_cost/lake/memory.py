"""How much memory this process and those beside it have: the machine's, or what a container or service may use."""

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def memory_bytes(cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> int:
    """The machine's memory, or the smallest limit (`memory.max`) of the cgroups that this process is in, in bytes."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits(cgroups, own)])


def _limits(cgroups: Path, own: Path) -> list[int]:
    try:
        lines = os.fsdecode(own.read_bytes()).splitlines()  # names may be any bytes
    except OSError:
        return []  # not Linux
    limits = []
    for line in lines:
        number, controllers, name = line.split(":", 2)
        if number == "0":
            root, file = cgroups, "memory.max"
        elif "memory" in controllers.split(","):
            root, file = cgroups / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = root / name.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                limits += _limit(folder / file)
    return limits


def _limit(file: Path) -> list[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return []  # the root has none, and a container does not see the groups above its own
    return [int(text)] if text.isdecimal() else []
