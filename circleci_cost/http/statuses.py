"""Which answers say no for now and not for good.

How long to wait before the next try is `retry_after`'s; what is tried again at all is each caller's.
"""

from http import HTTPStatus

_TEMPORARY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


def is_temporary(status: int) -> bool:
    """Whether the same request may be accepted the next time."""
    return status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR
