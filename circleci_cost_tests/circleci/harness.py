"""What the tests of the source share: a simulator on a socket, a lake, a clock for both, a watcher of progress."""

import gzip
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from circleci_cost.circleci import (
    Backoff,
    Connection,
    DownloadLimits,
    Polling,
    Timeouts,
    UsageExports,
    Window,
)
from circleci_cost.clock import ManualClock
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import LandedExport
from circleci_cost.simulator import (
    ACME_ID,
    Fault,
    FolderOrganization,
    FolderSource,
    Simulator,
    SimulatorServer,
)
from circleci_cost.simulator.faults import Action

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WINDOW = Window(date(2026, 11, 18), date(2026, 11, 21))
TOKEN = "CCIPAT_canary_token_7f3a"
SUBJECT = "Usage export of acme, 2026-11-18 to 2026-11-21"


def csv_part(number: int, rows: int = 40) -> bytes:
    """A small CSV; the source does not read its content."""
    draw = random.Random(number)
    lines = [f"{draw.getrandbits(64):x},job {number}-{row},{draw.random()}\n" for row in range(rows)]
    return ("JOB_ID,JOB_NAME,TOTAL_CREDITS\n" + "".join(lines)).encode()


def gz(content: bytes) -> bytes:
    """Compress without a time in the header."""
    return gzip.compress(content, 6, mtime=0)


@dataclass
class Watcher:
    """Keeps the progress that a fetch reports."""

    messages: list[str] = field(default_factory=list)
    waits: list[tuple[str, float]] = field(default_factory=list)
    parts: list[tuple[int, int | None, int, int]] = field(default_factory=list)
    ends: int = 0

    def message(self, text: str) -> None:
        """Keep it."""
        self.messages.append(text)

    def waiting(self, text: str, seconds: float) -> None:
        """Keep it."""
        self.waits.append((text, seconds))

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """Keep it."""
        self.parts.append((done_bytes, total_bytes, part, parts))

    def finished(self) -> None:
        """Count it."""
        self.ends += 1

    def everything(self) -> str:
        """All texts in one."""
        return "\n".join([*self.messages, *(reason for reason, _ in self.waits)])


@dataclass
class Harness:
    """A simulator that serves three small parts, and what is needed to fetch from it."""

    folder: Path
    clock: ManualClock
    simulator: Simulator
    server: SimulatorServer
    lake: Lake
    watcher: Watcher

    def connection(self, **changes: Any) -> Connection:
        """A connection to the simulator."""
        settings: dict[str, Any] = {
            "cost_center": "acme",
            "organization_id": ACME_ID,
            "slug": "gh/acme",
            "token": TOKEN,
            "token_env": "CIRCLECI_TOKEN",
            "base_url": self.server.base_url,
        }
        return Connection(**settings | changes)

    def exports(self, connection: Connection | None = None, **options: Any) -> UsageExports:
        """The exports of a connection, with jitter that never differs."""
        chosen: dict[str, Any] = {"progress": self.watcher, "jitter": random.Random(1)}
        return UsageExports(self.lake, connection or self.connection(), self.clock, **chosen | options)

    def fetch(self, window: Window = WINDOW, **options: Any) -> LandedExport:
        """Fetch a window."""
        return self.exports(**options).fetch(window)

    def fault(self, route: str, action: Action, times: int | None = 1, after: int = 0, path: str = "") -> Fault:
        """Arm a fault."""
        fault = Fault(route, action, times, after, path)
        self.simulator.faults.add(fault)
        return fault

    def asked(self, route: str) -> list[int | None]:
        """The statuses of all answers of a route."""
        return [record.status for record in self.simulator.log.of(route)]

    def seconds_of(self, route: str) -> list[float]:
        """When a route was asked, in seconds since the start of the clock."""
        return [(record.time - NOW).total_seconds() for record in self.simulator.log.of(route)]

    def snapshot(self) -> dict[str, bytes]:
        """All files of landed exports."""
        root = self.lake.root / "exports"
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}

    def landed_contents(self, landed: LandedExport) -> set[bytes]:
        """The uncompressed parts of an export."""
        return {gzip.decompress(path.read_bytes()) for path in landed.part_paths()}

    @property
    def contents(self) -> set[bytes]:
        """The uncompressed parts that the simulator serves."""
        return {gzip.decompress(path.read_bytes()) for path in self.folder.glob("*.csv.gz")}

    @property
    def hashes(self) -> list[str]:
        """The sha256 of the parts that the simulator serves, sorted."""
        return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in self.folder.glob("*.csv.gz"))


@contextmanager
def running(tmp_path: Path, *, parts: int = 3, **options: Any) -> Iterator[Harness]:
    """Run a simulator over `parts` small files."""
    folder = tmp_path / "served"
    folder.mkdir()
    for number in range(parts):
        (folder / f"{number}.csv.gz").write_bytes(gz(csv_part(number)))
    clock = ManualClock(NOW)
    source = FolderSource(folder, [FolderOrganization(ACME_ID, "acme", "gh/acme")])
    simulator = Simulator(source, clock=clock, **options)
    with SimulatorServer(simulator) as server:
        yield Harness(folder, clock, simulator, server, open_lake(tmp_path / "lake"), Watcher())


# Patient enough for a busy machine, on which an answer that comes may take half a second.
QUICK: dict[str, Any] = {
    "timeouts": Timeouts(connect=1.0, read=0.8, total=1.5),
    "limits": DownloadLimits(header_seconds=1.5, attempts=2),
    "backoff": Backoff(attempts=3),
    "polling": Polling(),
}
