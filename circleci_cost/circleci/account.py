"""Asks whose token it is and which organizations it sees, for `init` and `check`.

Usage exports are fetched by `fetch`. These few calls are not counted in the request ledger.
"""

import random
from types import TracebackType
from urllib.parse import quote

from circleci_cost.circleci import answers
from circleci_cost.circleci.answers import Organization, Person
from circleci_cost.circleci.connection import Endpoint
from circleci_cost.circleci.error_answers import RequestContext, refusal
from circleci_cost.circleci.http import Answer, ApiClient
from circleci_cost.circleci.limits import Timeouts
from circleci_cost.circleci.progress import SILENT, ExportProgress
from circleci_cost.circleci.retry import Backoff, Retry
from circleci_cost.clock import Clock

# A person waits at the terminal: an error soon is better than a long retry.
_BACKOFF = Backoff(attempts=3, total_seconds=90.0)


class Account:
    """Asks the API about a token. A context manager; every call raises the errors of `errors`."""

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        *,
        timeouts: Timeouts | None = None,
        progress: ExportProgress = SILENT,
        jitter: random.Random | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._client = ApiClient(endpoint, clock, timeouts)
        self._retry = Retry(clock, jitter or random.Random(), _BACKOFF, progress.waiting)  # noqa: S311 - only jitter

    def who_am_i(self) -> Person:
        """Return the token's owner."""
        subject = "The token's owner"
        return answers.person(self._get("/me", subject), subject)

    def collaborations(self) -> tuple[Organization, ...]:
        """Return the organizations that the token's owner belongs to."""
        subject = "The organizations of the token's owner"
        return answers.organizations(self._get("/me/collaborations", subject), subject)

    def organization(self, slug_or_id: str) -> Organization:
        """Return one organization by slug (`gh/acme`) or UUID."""
        subject = f"Organization {slug_or_id}"
        return answers.organization(self._get(f"/organization/{quote(slug_or_id, safe='/')}", subject), subject)

    def _get(self, path: str, subject: str) -> Answer:
        def once() -> Answer:
            answer = self._client.request("GET", path, subject)
            if 200 <= answer.status < 300:
                return answer
            context = RequestContext(
                subject=subject,
                host=self._client.host,
                token_env=self._endpoint.token_env,
            )
            raise refusal(answer, context, self._clock.now())

        return self._retry.call(once, lambda error: True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> "Account":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
