"""Every request to the API goes through here: counted in the ledger, repeated where that is safe.

Which requests an export takes is `export_job`'s business.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.failures import NOTHING_MADE, LostAnswer, RateLimited
from circleci_cost.circleci.http import Answer, ApiClient
from circleci_cost.circleci.progress import ExportProgress
from circleci_cost.circleci.quota import Kind, QuotaLedger
from circleci_cost.circleci.refusals import Asked, refusal
from circleci_cost.circleci.retry import Backoff, Retry
from circleci_cost.clock import Clock
from circleci_cost.errors import CircleciCostError

# A gateway that lost one answer needs a while, and each lost POST counts against the bound of a day.
_SECONDS_AFTER_A_LOST_POST = 60.0


class Attempt(Protocol):
    """Learns of each sending of a request that makes something."""

    def begin(self) -> None:
        """Take note: the quota is granted, the request is about to be sent."""
        ...

    def withdraw(self) -> None:
        """Take note: the last sending surely made nothing."""
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
        """Return an answer of 2xx; asked again while that may help."""
        return self._retry().call(lambda: self._once("GET", path, subject, None, None), _always)

    def post(self, path: str, body: Mapping[str, object], subject: str, attempt: Attempt) -> Answer:
        """Return an answer of 2xx; `attempt` is told of each sending, and which ones made nothing.

        Sent again after a 429 or without a connection; once more where the answer was lost.
        """
        lost = 0

        def once() -> Answer:
            try:
                return self._once("POST", path, subject, body, attempt.begin)
            except NOTHING_MADE:
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

    def _once(
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
        error = refusal(answer, self._asked(subject), self.clock.now())
        if isinstance(error, RateLimited):
            self.ledger.pause(kind, organization, error.retry_after or 0.0)
        raise error

    def _retry(self) -> Retry:
        return Retry(self.clock, self.jitter, self.backoff, self.progress.waiting)

    def _asked(self, subject: str) -> Asked:
        return Asked(
            subject=subject,
            host=self.client.host,
            token_env=self.connection.token_env,
            organization_id=self.connection.organization_id,
            slug=self.connection.slug,
        )


def _always(error: CircleciCostError) -> bool:
    return True
