"""What commands that serve something share: which address they listen on, and what is said where they cannot."""

import ipaddress

from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.http.server import ThreadedServer

LOOPBACK = "127.0.0.1"


def require_address(host: str) -> None:
    """Raise `UsageError` for a --host that is no IP address."""
    try:
        ipaddress.ip_address(LOOPBACK if host == "localhost" else host)
    except ValueError as error:
        raise UsageError(f"--host {host!r} is no IP address; write one, such as 127.0.0.1 or 0.0.0.0.") from error


def start(server: ThreadedServer) -> None:
    """Start a server. Raises `CircleciCostError` where its address cannot be listened on."""
    try:
        server.start()
    except OSError as error:
        raise CircleciCostError(
            f"Cannot listen on {server.host}, port {server.port} ({error.strerror}); take another --port, or 0 for a "
            "free one."
        ) from error
