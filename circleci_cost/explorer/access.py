"""Who may use the explorer, and by which names it may be reached; checked before any page is made.

On this machine everyone who has an account may read it. On a network a proxy in front of it names the user.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from circleci_cost.http.loopback import is_loopback

DEFAULT_USER_HEADER = "X-Forwarded-User"
_USER_LENGTH = 200

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(Exception):
    """A request that is not answered: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class Access:
    """The rules of one server.

    `hosts`: names by which it may be reached, besides those of this machine; None: any name. `proxies`: the addresses
    whose `user_header` is believed; without any, there is no login.
    """

    hosts: frozenset[str] | None = frozenset()
    proxies: tuple[Network, ...] = ()
    user_header: str = DEFAULT_USER_HEADER

    def user_of(self, request: HTTPConnection) -> str:
        """The user that a proxy names, empty where there is no login. Raises `Refused` for a request to turn away.

        A page of another site could reach this server by a name of its own that resolves to this machine; its
        requests carry that name in `Host`.
        """
        host = _without_port(request.headers.get("host", "")).lower()
        if not (is_loopback(host) or self.hosts is None or host in self.hosts):
            raise Refused(421, "This server does not answer to that host name; --allowed-host adds one.")
        if not self.proxies:
            return ""
        if not self._is_proxy(request):
            raise Refused(403, "Requests are answered only when they come through the proxy that names the user.")
        users = request.headers.getlist(self.user_header)
        if len(users) != 1 or not users[0].strip() or len(users[0]) > _USER_LENGTH:
            raise Refused(401, f"The proxy named no user: it has to send one header {self.user_header}.")
        return users[0].strip()

    def _is_proxy(self, request: HTTPConnection) -> bool:
        try:
            address = ipaddress.ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        return any(address in proxy for proxy in self.proxies)


def networks(addresses: Sequence[str]) -> tuple[Network, ...]:
    """The networks written as addresses or in CIDR form. Raises `ValueError` for another text."""
    return tuple(ipaddress.ip_network(address, strict=False) for address in addresses)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
