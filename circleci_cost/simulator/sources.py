"""Where the parts of an export come from: a scenario's generator, or a folder of given files.

The API around them belongs to `app`.
"""

import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from weakref import finalize

from circleci_cost.simulator.dialects import Dialect
from circleci_cost.simulator.parts import write_export_files
from circleci_cost.simulator.scenario import Scenario


class ApiOrganization(Protocol):
    """What the API returns about an organization."""

    @property
    def id(self) -> str:
        """Return its UUID."""
        ...

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def slug(self) -> str:
        """Return its slug, `gh/acme`."""
        ...

    @property
    def vcs_type(self) -> str:
        """Return github, bitbucket or circleci."""
        ...

    @property
    def shares_plan_of(self) -> str | None:
        """Return the id of the organization that pays for it, if another one does."""
        ...


@dataclass(frozen=True)
class ExportKey:
    """Everything that the bytes of an export depend on."""

    organization_ids: tuple[str, ...]
    first_day: date
    last_day: date
    as_of: datetime


class Source(Protocol):
    """The source of an export's files; a second call gives the same bytes."""

    @property
    def organizations(self) -> Sequence[ApiOrganization]:
        """Return the organizations that the API knows."""
        ...

    def files(self, key: ExportKey) -> list[Path]:
        """Return the parts, none where the window holds no rows."""
        ...


class ScenarioSource:
    """Generates parts into a temporary directory of at most `cache_bytes`; the oldest exports go first."""

    def __init__(
        self, scenario: Scenario, *, parts: int = 3, dialect: Dialect = "unquoted", cache_bytes: int = 1 << 30
    ) -> None:
        self.scenario = scenario
        self._parts = parts
        self._dialect = dialect
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[ExportKey, tuple[list[Path], int]] = OrderedDict()
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="usage-simulator-"))
        self._exports_made = 0
        self.close = finalize(self, shutil.rmtree, self._folder, True)

    @property
    def organizations(self) -> Sequence[ApiOrganization]:
        """Return the scenario's organizations."""
        return self.scenario.organizations

    def files(self, key: ExportKey) -> list[Path]:
        """Return the parts of an export, generated unless they are still cached."""
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
                return self._cached[key][0]
            self._exports_made += 1
            paths = write_export_files(
                self._folder / str(self._exports_made),
                self.scenario,
                key.organization_ids,
                key.first_day,
                key.last_day,
                parts=self._parts,
                dialect=self._dialect,
                as_of=key.as_of,
            )
            self._cached[key] = paths, sum(path.stat().st_size for path in paths)
            self._prune()
            return paths

    def _prune(self) -> None:
        """Delete old exports beyond the limit, never the newest."""
        while len(self._cached) > 1 and sum(size for _, size in self._cached.values()) > self._cache_bytes:
            _, (paths, _) = self._cached.popitem(last=False)
            for path in paths:
                path.unlink()


@dataclass(frozen=True)
class FolderOrganization:
    """An organization whose rows lie in a folder."""

    id: str
    name: str
    slug: str
    vcs_type: str = "github"
    shares_plan_of: str | None = None


class FolderSource:
    """Serves the `*.csv.gz` of a folder, byte for byte, whatever window is asked.

    Without `organizations` every UUID is taken for one.
    """

    def __init__(self, path: Path, organizations: Sequence[ApiOrganization] = ()) -> None:
        self.path = path
        self.organizations = organizations

    def files(self, key: ExportKey) -> list[Path]:
        """Return the folder's files by name; `key` makes no difference."""
        return sorted(self.path.glob("*.csv.gz"))
