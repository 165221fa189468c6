"""Sends every request of an export to the API: counted in the ledger first, repeated where that is safe.

`export_job` decides which requests an export needs.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.error_answers import RequestContext, refusal
from circleci_cost.circleci.failures import NOTHING_CREATED, LostAnswer, RateLimited
from circleci_cost.circleci.http import Answer, ApiClient
from circleci_cost.circleci.progress import ExportProgress
from circleci_cost.circleci.quota import Kind, QuotaLedger
from circleci_cost.circleci.retry import Backoff, Retry
from circleci_cost.clock import Clock
from circleci_cost.errors import CircleciCostError

# A gateway that lost one answer needs time to recover, and each lost POST counts against the limit of a day.
_SECONDS_AFTER_A_LOST_POST = 60.0


class Attempt(Protocol):
    """Is notified each time a POST that may create a job is sent."""

    def begin(self) -> None:
        """Record that the quota is granted and the request is about to be sent."""
        ...

    def withdraw(self) -> None:
        """Record that the last request certainly created nothing."""
        ...


@dataclass(frozen=True)
class Calls:
    """The requests of one connection."""

    connection: Connection
    client: ApiClient
    ledger: QuotaLedger
    clock: Clock
    progress: ExportProgress
    jitter: random.Random = field(repr=False)
    backoff: Backoff = field(default_factory=Backoff)

    def get(self, path: str, subject: str) -> Answer:
        """Return a 2xx answer; the request is repeated after temporary failures."""
        return self._retry().call(lambda: self._send("GET", path, subject, None, None), _always)

    def post(self, path: str, body: Mapping[str, object], subject: str, attempt: Attempt) -> Answer:
        """Return a 2xx answer; `attempt` is notified before each request, and after those that created nothing.

        The request is repeated after a 429 or a failed connection, and once after a lost answer.
        """
        lost = 0

        def once() -> Answer:
            try:
                return self._send("POST", path, subject, body, attempt.begin)
            except NOTHING_CREATED:
                attempt.withdraw()
                raise
            except LostAnswer as error:
                error.retry_after = max(error.retry_after or 0.0, _SECONDS_AFTER_A_LOST_POST)
                raise

        def may_repeat(error: CircleciCostError) -> bool:
            nonlocal lost
            lost += isinstance(error, LostAnswer)
            return lost <= 1

        return self._retry().call(once, may_repeat)

    def _send(
        self,
        kind: Kind,
        path: str,
        subject: str,
        body: Mapping[str, object] | None,
        before: Callable[[], None] | None,
    ) -> Answer:
        organization = self.connection.organization_id
        self.ledger.acquire(kind, organization)
        if before is not None:
            before()
        answer = self.client.request(kind, path, subject, body)
        if 200 <= answer.status < 300:
            return answer
        error = refusal(answer, self._context(subject), self.clock.now())
        if isinstance(error, RateLimited):
            self.ledger.pause(kind, organization, error.retry_after or 0.0)
        raise error

    def _retry(self) -> Retry:
        return Retry(self.clock, self.jitter, self.backoff, self.progress.waiting)

    def _context(self, subject: str) -> RequestContext:
        return RequestContext(
            subject=subject,
            host=self.client.host,
            token_env=self.connection.token_env,
            organization_id=self.connection.organization_id,
            slug=self.connection.slug,
        )


def _always(error: CircleciCostError) -> bool:
    return True
