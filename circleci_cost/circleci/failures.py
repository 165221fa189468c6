"""The failures of requests and downloads, one class for each way to go on: send again, wait, renew, give up.

Their sentences are written where they are raised; callers outside this package see the base classes.
"""

from circleci_cost.errors import (
    AuthorizationError,
    ConfigurationError,
    ExportDataError,
    SourceError,
    TransientSourceError,
)


class NotSent(TransientSourceError):
    """No connection: the API never saw the request."""


class Untrusted(SourceError):
    """The other side could not prove who it is; nothing was sent to it."""


class RateLimited(TransientSourceError):
    """429: the API refused to look at the request; `retry_after` is always set."""


class LostAnswer(TransientSourceError):
    """The request was sent, and whether it took effect is unknown: 5xx, a reset, a time-out."""


class Refusal(SourceError):
    """The API refused the request (3xx or 4xx): it created nothing."""

    def __init__(self, message: str, *, status: int) -> None:
        """Keep the sentence and the HTTP status."""
        super().__init__(message)
        self.status = status


class UnknownOrganization(Refusal):
    """404, or 400 for an id that is no UUID: the configuration names an unknown organization; exit code 3."""

    exit_code = ConfigurationError.exit_code


class ExpiredUrl(TransientSourceError):
    """A signed URL that is no longer valid; another GET of the job returns fresh ones."""


class Oversized(ExportDataError):
    """A file beyond the download limits; downloading it again would not make it smaller."""


NOTHING_CREATED = (NotSent, Untrusted, RateLimited, Refusal, AuthorizationError)
