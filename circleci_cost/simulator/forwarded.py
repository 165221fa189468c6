"""The scheme and host under which a client sees the simulator, as a reverse proxy on this machine forwards them.

Headers from other machines are ignored: whoever reaches the simulator could write them.
"""

import re

from starlette.requests import Request

from circleci_cost.http.loopback import is_loopback

_SCHEMES = {"http", "https"}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PAIR = re.compile(r"(?:^|;)\s*(proto|host)\s*=\s*\"?([^\";]*)\"?\s*(?=;|$)", re.IGNORECASE)


def origin_of(request: Request) -> str:
    """Return `scheme://host[:port]` of a request, by `Forwarded` (RFC 7239) or `X-Forwarded-Proto` and `-Host`."""
    scheme, host = request.url.scheme, request.url.netloc
    if request.client and is_loopback(request.client.host):
        forwarded = {name.lower(): value for name, value in _PAIR.findall(_first(request, "forwarded"))}
        scheme = _allowed(forwarded.get("proto") or _first(request, "x-forwarded-proto"), scheme)
        forwarded_host = forwarded.get("host") or _first(request, "x-forwarded-host")
        host = forwarded_host if is_host(forwarded_host) else host
    return f"{scheme}://{host}"


def is_host(text: str) -> bool:
    """Tell whether a text is a host, with or without a port, and nothing else."""
    return _HOST.fullmatch(text) is not None


def _allowed(forwarded: str, scheme: str) -> str:
    return forwarded.lower() if forwarded.lower() in _SCHEMES else scheme


def _first(request: Request, header: str) -> str:
    """Return what the proxy next to the client wrote: each further proxy appends to the header."""
    return request.headers.get(header, "").partition(",")[0].strip()
