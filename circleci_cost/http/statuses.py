"""Which HTTP statuses are temporary failures, so that the same request may work later.

`retry_after` reads how long to wait; whether to try again is up to the callers.
"""

from http import HTTPStatus

_TEMPORARY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


def is_temporary(status: int) -> bool:
    """Whether the same request may be accepted later."""
    return status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR
