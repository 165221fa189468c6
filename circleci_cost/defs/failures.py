"""Turns an error of this project into a Dagster outcome: a retry where that can help, else a final failure."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from circleci_cost.errors import CircleciCostError, TransientSourceError
from circleci_cost.lake.files import storage_errors

_MAX_RETRIES = 3
_DEFAULT_WAIT_SECONDS = 60.0


@contextmanager
def dagster_failures() -> Iterator[None]:
    """Raise `RetryRequested` for transient errors and a final `Failure` for all others.

    A retry waits at least as long as the server asked for. The causes are cut off: Dagster writes whole exception
    chains into its event log.
    """
    try:
        with storage_errors("the data directory", "use"):
            yield
    except TransientSourceError as error:
        raise dg.RetryRequested(
            max_retries=_MAX_RETRIES, seconds_to_wait=error.retry_after or _DEFAULT_WAIT_SECONDS
        ) from dg.Failure(str(error))
    except CircleciCostError as error:
        # The command line exits with this code; Dagster does not keep the type of an error.
        raise dg.Failure(str(error), metadata={"exit_code": error.exit_code}, allow_retries=False) from None
