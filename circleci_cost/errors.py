"""Errors that a user can act on: one sentence with what, where and what to do, and an exit code.

A message never holds a token, a signed URL or a password. Bugs are never turned into these errors.
"""

from circleci_cost.text.plain import plain_lines
from circleci_cost.text.secrets import without_secrets

# The exit code of a command whose answer or work is incomplete; not an error, as the rest was done.
PARTIAL_DATA = 5


class CircleciCostError(Exception):
    """Base of all errors that are shown as one sentence; exit code 1.

    A sentence may quote a file or an answer, and is shown in terminals, logs, Dagster's UI and messages: here it is
    made safe for all of them.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        """Keep the sentence, without control characters and without certain secrets."""
        super().__init__(plain_lines(without_secrets(message)))


class UsageError(CircleciCostError):
    """A wrong command line; exit code 2."""

    exit_code = 2


class ConfigurationError(CircleciCostError):
    """A mistake in the configuration file or the environment; exit code 3."""

    exit_code = 3


class AuthorizationError(CircleciCostError):
    """The token is missing, expired, or lacks access; exit code 4. Never worth a retry."""

    exit_code = 4


class SourceError(CircleciCostError):
    """The source refused a request, or broke its contract, in a way that a retry does not mend."""


class TransientSourceError(CircleciCostError):
    """The source may answer later. `retry_after` is the wait that it asked for in seconds, None where it named none."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the sentence and the wait that the source asked for."""
        super().__init__(message)
        self.retry_after = retry_after


class ExportDataError(CircleciCostError):
    """A usage export that cannot be read exactly; nothing of it is used."""


class UnknownOrganizationError(ExportDataError):
    """A usage export holds jobs of an organization that the configuration does not name; the next one would too.

    Exit code 3, as for every unknown organization: the configuration has to be mended.
    """

    exit_code = ConfigurationError.exit_code


class StorageError(CircleciCostError):
    """The data directory cannot be used as it is: missing, read-only, full, or of another version."""
