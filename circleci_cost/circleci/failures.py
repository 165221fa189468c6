"""The failures that differ in one thing: whether the same request may be sent again.

Their sentences are made in `answers` and `http`; callers outside this package see the base classes.
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
    """Sent, and no answer that tells what became of it: 5xx, a reset, a time-out."""


class Refusal(SourceError):
    """The API understood and said no (3xx or 4xx): nothing was made."""

    def __init__(self, message: str, *, status: int) -> None:
        """Keep the sentence and the HTTP status."""
        super().__init__(message)
        self.status = status


class UnknownOrganization(Refusal):
    """404, or 400 for an id that can be none: the configuration names what CircleCI does not know; exit code 3."""

    exit_code = ConfigurationError.exit_code


class ExpiredUrl(TransientSourceError):
    """A signed URL that is no longer valid; another GET of the job mints fresh ones."""


class Oversized(ExportDataError):
    """A file beyond the download limits; loading it again would not make it smaller."""


NOTHING_MADE = (NotSent, Untrusted, RateLimited, Refusal, AuthorizationError)
