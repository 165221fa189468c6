"""Who may use the explorer, and by which names it may be reached; checked before any page is made.

On this machine everyone who has an account may read it. On a network a proxy in front of it names the user.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from circleci_cost.http.loopback import is_loopback

DEFAULT_USER_HEADER = "X-Forwarded-User"
_USER_LENGTH = 200
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

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

    `hosts`: names by which it may be reached, besides those of this machine. `by_address`: any address will do, too.
    `public`: host and port under which a proxy publishes it. `proxies`: the addresses whose `user_header` is believed;
    without any, there is no login.
    """

    hosts: frozenset[str] = frozenset()
    by_address: bool = False
    public: str = ""
    proxies: tuple[Network, ...] = ()
    user_header: str = DEFAULT_USER_HEADER

    def user_of(self, request: HTTPConnection) -> str:
        """The user that a proxy names, empty where there is no login. Raises `Refused` for a request to turn away.

        A page of another site could reach this server by a name of its own that resolves to this machine; its
        requests carry that name in `Host`. An address cannot be made to resolve to anything.
        """
        if not self._may_be_called(host_name(request.headers.get("host", ""))):
            raise Refused(421, "This server does not answer to that host name; --allowed-host adds one.")
        if not self.proxies:
            return ""
        if not self._is_proxy(request):
            raise Refused(403, "Requests are answered only when they come through the proxy that names the user.")
        users = request.headers.getlist(self.user_header)
        if len(users) != 1 or not users[0].strip() or len(users[0]) > _USER_LENGTH:
            raise Refused(401, f"The proxy named no user: it has to send one header {self.user_header}.")
        return users[0].strip()

    def is_own(self, origin: str | None, host: str) -> bool:
        """Whether an `Origin` is a page of this server, which the browser calls `host`."""
        try:
            place = urlsplit(origin or "").netloc.lower()
        except ValueError:
            return False
        return bool(place) and place in {host.lower(), self.public}

    def _may_be_called(self, host: str) -> bool:
        if not host:
            return False
        return (
            is_loopback(host)
            or host in self.hosts
            or host == host_name(self.public)
            or (self.by_address and is_address(host))
        )

    def _is_proxy(self, request: HTTPConnection) -> bool:
        try:
            address = ipaddress.ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        # A socket for both versions has the addresses of version 4 within those of version 6.
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in proxy for proxy in self.proxies)


def networks(addresses: Sequence[str]) -> tuple[Network, ...]:
    """The networks written as addresses or in CIDR form. Raises `ValueError` for another text."""
    return tuple(ipaddress.ip_network(address, strict=False) for address in addresses)


def host_name(host: str) -> str:
    """The name or address in a `Host`, in lower case; empty where it is none."""
    match = _HOST.fullmatch(host)
    return match["name"].lower() if match else ""


def is_address(host: str) -> bool:
    """Whether a host is an IP address, one of version 6 in brackets."""
    try:
        return bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False
