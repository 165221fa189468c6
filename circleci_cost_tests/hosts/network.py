"""Hosts that can be cut off: network namespaces joined by a bridge, or, without root, mere processes.

A cut of a namespace loses its packets; processes without a namespace are stopped, which looks the same from outside.
"""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from circleci_cost_tests.faults.process_tree import children, kill_tree

_RELAY = Path(__file__).with_name("relay.py")


@dataclass
class Host:
    """A host: what runs on it, and its end of the wire where it has a network of its own."""

    name: str
    namespace: str = ""
    wire: str = ""
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a program on this host."""
        prefix = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*prefix, *command], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.processes.append(process)
        return process

    def executes(self, pid: int) -> bool:
        """Whether a process runs on this host."""
        family = [process.pid for process in self.processes]
        for each in family:
            family += children(each)
        return pid in family

    def cut(self) -> None:
        """Cut it off from all other hosts."""
        if self.wire:
            _ip("link", "set", self.wire, "down")
        else:
            self._signal(signal.SIGSTOP)

    def join(self) -> None:
        """Let it back."""
        if self.wire:
            _ip("link", "set", self.wire, "up")
        else:
            self._signal(signal.SIGCONT)

    def die(self) -> None:
        """Kill all that runs on it at once."""
        for process in self.processes:
            kill_tree(process)
        self.processes.clear()

    def _signal(self, number: int) -> None:
        family = [process.pid for process in self.processes]
        for pid in family:
            family += children(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@dataclass
class Network:
    """Hosts, and the address at which they reach this process's services; `is_real`: with namespaces."""

    address: str
    hosts: list[Host]
    here: Host = field(default_factory=lambda: Host("here"))

    @property
    def is_real(self) -> bool:
        """Whether the hosts have networks of their own."""
        return all(host.namespace for host in self.hosts)

    def relay_loopback(self, port: int, log: Path, host: Host | None = None) -> None:
        """Let a host reach a service of this process, which listens on loopback, by its own loopback address.

        Without a host, let this process pass on what comes from all of them.
        """
        if self.is_real:
            ends = [self.address, str(port), "127.0.0.1", str(port)]
            relay = [sys.executable, "-S", str(_RELAY), *(ends[2:] + ends[:2] if host else ends)]
            (host or self.here).start(relay, log)


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """Make hosts of these names; what runs on them is killed in the end."""
    made = Network("127.0.0.1", [Host(name) for name in names])
    tag = uuid.uuid4().hex[:6]
    bridge = f"ccb{tag}"
    try:
        if os.geteuid() == 0:
            made.address = _join_namespaces(made.hosts, bridge, tag)
        yield made
    finally:
        for host in (*made.hosts, made.here):
            host.die()
            if host.namespace:
                _ip("netns", "delete", host.namespace, check=False)
        _ip("link", "delete", bridge, check=False)


def _join_namespaces(hosts: Sequence[Host], bridge: str, tag: str) -> str:
    """Give each host a namespace on a bridge; the address of this process on it, 127.0.0.1 where that is refused."""
    subnet = f"10.{200 + int(tag[:2], 16) % 50}.{int(tag[2:4], 16)}"
    if _ip("link", "add", bridge, "type", "bridge", check=False):
        # Root in a container without the right to: processes alone, then.
        return "127.0.0.1"
    _ip("address", "add", f"{subnet}.1/24", "dev", bridge)
    _ip("link", "set", bridge, "up")
    for number, host in enumerate(hosts, start=2):
        namespace, wire = f"cc-{tag}-{host.name}", f"cc{tag}{number}"
        _ip("netns", "add", namespace)
        host.namespace, host.wire = namespace, wire
        _ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("link", "set", wire, "master", bridge, "up")
        _ip("-n", namespace, "address", "add", f"{subnet}.{number}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        _ip("-n", namespace, "link", "set", "lo", "up")
    return f"{subnet}.1"


def _ip(*arguments: str, check: bool = True) -> int:
    try:
        return subprocess.run(["ip", *arguments], check=check, capture_output=True).returncode
    except FileNotFoundError:
        if check:
            raise
        return 127
