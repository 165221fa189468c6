"""The switch for injected faults: which request gets which action, how often.

No faults here, only the place for them: whoever injects an action defines what it does.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from circleci_cost.simulator.exchange import Exchange

ROUTES = ("create", "poll", "download", "me", "collaborations", "organization", "unknown")


class Action(Protocol):
    """What the simulator does instead of answering as usual."""

    @property
    def name(self) -> str:
        """Return its name in the simulator's log."""
        ...

    async def apply(self, exchange: Exchange) -> None:
        """Answer the request."""
        ...


@dataclass
class Fault:
    """An action for the requests to a route ("*": all) whose path holds `path_contains`.

    It skips the first `after` of them, then acts `times` times (None: always). `injected` counts these.
    """

    match: str
    action: Action
    times: int | None = 1
    after: int = 0
    path_contains: str = ""
    injected: int = field(default=0, init=False)
    _seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Refuse a route that does not exist: the fault would never be injected."""
        if self.match not in (*ROUTES, "*"):
            raise ValueError(f"no route is called {self.match!r}; there are {', '.join(ROUTES)} and *")

    def takes(self, route: str, path: str) -> bool:
        """Count a request and tell whether it gets the fault."""
        if self.match not in (route, "*") or self.path_contains not in path:
            return False
        if self.times is not None and self.injected >= self.times:
            return False
        self._seen += 1
        if self._seen <= self.after:
            return False
        self.injected += 1
        return True


class Faults:
    """The faults of a simulator; the first that matches a request is injected."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Arm faults."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Disarm all."""
        with self._lock:
            self._faults.clear()

    def take(self, route: str, path: str) -> Fault | None:
        """Return the fault for a request, if there is one."""
        with self._lock:
            return next((fault for fault in self._faults if fault.takes(route, path)), None)

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._faults))
