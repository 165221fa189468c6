"""The real explorer on a free port, at a moment that the test gives; errors that no page expects are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import Settings
from circleci_cost.explorer.access import Access
from circleci_cost.explorer.explorer import Explorer, open_explorer
from circleci_cost.explorer.server import ExplorerServer
from circleci_cost_tests.explorer.moment import NOW


@dataclass(frozen=True)
class Site:
    """A served explorer: where it is, what it reads, and the bugs that it has reported."""

    origin: str
    explorer: Explorer
    settings: Settings
    clock: ManualClock
    bugs: list[BaseException] = field(default_factory=list)

    def take_bugs(self) -> list[BaseException]:
        """Return the bugs so far and forget them."""
        taken = list(self.bugs)
        self.bugs.clear()
        return taken


@contextmanager
def serving(settings: Settings, *, access: Access | None = None, clock: ManualClock | None = None) -> Iterator[Site]:
    """Serve a configuration while the block lasts, by default at `NOW` and to this machine."""
    used = clock or ManualClock(NOW)
    bugs: list[BaseException] = []
    explorer = open_explorer(settings, used, access or Access(), bugs.append)
    with ExplorerServer(explorer) as server:
        yield Site(server.origin, explorer, settings, used, bugs)
