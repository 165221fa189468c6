"""The simulator: the Usage API over a source, with its clock, log, access rules and faults.

`server` puts it on a socket.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from email.utils import format_datetime

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from circleci_cost.clock import Clock, SystemClock
from circleci_cost.simulator.access import Access, token_of
from circleci_cost.simulator.app import UsageApi
from circleci_cost.simulator.dialects import Dialect
from circleci_cost.simulator.exchange import Exchange
from circleci_cost.simulator.faults import Faults
from circleci_cost.simulator.jobs import ExportJobs
from circleci_cost.simulator.quota import Quota
from circleci_cost.simulator.request_log import LogRecord, RequestLog
from circleci_cost.simulator.scenario import Scenario
from circleci_cost.simulator.signing import UrlSigner
from circleci_cost.simulator.sources import ApiOrganization, ScenarioSource, Source

_EXPORT_JOB = r"/api/v2/organizations/[^/]+/usage_export_job"
_ROUTES = (
    ("create", "POST", re.compile(_EXPORT_JOB)),
    ("poll", "GET", re.compile(_EXPORT_JOB + "/[^/]+")),
    ("download", "GET", re.compile("/download/.+")),
    ("me", "GET", re.compile("/api/v2/me")),
    ("collaborations", "GET", re.compile("/api/v2/me/collaborations")),
    ("organization", "GET", re.compile("/api/v2/organization/.+")),
)


class Simulator:
    """An ASGI app that keeps to CircleCI's Usage API. Its attributes may be changed while it runs.

    `source` is a Scenario, whose rows it generates in `parts` of a `dialect`, or any Source. An export is
    completed after `processing_seconds` of the clock and `processing_polls` answers; with `shows_created` the first
    of these is `created`. Download URLs begin with `public_url`, else with the origin that `forwarded` returns.
    """

    def __init__(
        self,
        source: Scenario | Source,
        *,
        clock: Clock | None = None,
        parts: int = 3,
        dialect: Dialect = "unquoted",
        tokens: Iterable[str] | None = None,
        processing_seconds: float = 0.0,
        processing_polls: int = 0,
        shows_created: bool = False,
        public_url: str | None = None,
        posts_per_hour: int = 10,
        gets_per_minute: int = 10,
        reach_days: int = 366,
        url_valid_hours: float = 36.0,
    ) -> None:
        self.clock = clock or SystemClock()
        self.source: Source = (
            ScenarioSource(source, parts=parts, dialect=dialect) if isinstance(source, Scenario) else source
        )
        self.access = Access(tokens=None if tokens is None else set(tokens))
        self.faults = Faults()
        self.log = RequestLog()
        self.jobs = ExportJobs(
            self.clock, seconds=processing_seconds, polls=processing_polls, shows_created=shows_created
        )
        self.posts = Quota(posts_per_hour, timedelta(hours=1), self.clock)
        self.gets = Quota(gets_per_minute, timedelta(minutes=1), self.clock)
        self._app = UsageApi(
            source=self.source,
            clock=self.clock,
            access=self.access,
            jobs=self.jobs,
            signer=UrlSigner(timedelta(hours=url_valid_hours)),
            posts=self.posts,
            gets=self.gets,
            reach_days=reach_days,
            public_url=public_url,
        ).app()

    @property
    def organizations(self) -> Sequence[ApiOrganization]:
        """Return the organizations that the API knows."""
        return self.source.organizations

    @property
    def scenario(self) -> Scenario:
        """Return the scenario; ValueError where the simulator serves the files of a folder."""
        if not isinstance(self.source, ScenarioSource):
            raise ValueError("this simulator serves given files, not a scenario")
        return self.source.scenario

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or inject the fault that is armed for it."""
        path, method = scope["path"], scope["method"]
        route = _route_of(method, path)
        fault = self.faults.take(route, path)
        headers = Headers(scope=scope)
        had_token = bool(token_of(headers) or headers.get("Authorization"))

        def record(status: int | None) -> None:
            name = fault.action.name if fault else None
            self.log.add(LogRecord(self.clock.now(), method, path, route, status, name, had_token))

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self.clock.now(), usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
            await send(message)

        exchange = Exchange(self._app, scope, receive, dated, record)
        if fault is None:
            await exchange.run()
        else:
            await fault.action.apply(exchange)


def _route_of(method: str, path: str) -> str:
    """Name the route of a request as faults and the log do."""
    route_method = "GET" if method == "HEAD" else method
    return next(
        (name for name, verb, pattern in _ROUTES if verb == route_method and pattern.fullmatch(path)), "unknown"
    )
