"""The two HTTP clients: one with the token, for the API alone, and one without it, for downloads.

`answers` and `error_answers` interpret the answers; `retry` decides when to ask again.
"""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

import httpx

from circleci_cost.circleci.addresses import api_address
from circleci_cost.circleci.connection import Endpoint
from circleci_cost.circleci.failures import LostAnswer, NotSent, Refusal, Untrusted
from circleci_cost.circleci.limits import Timeouts
from circleci_cost.clock import Clock
from circleci_cost.errors import AuthorizationError, CircleciCostError, SourceError
from circleci_cost.http.causes import (
    NO_CONNECTION,
    NOT_IN_DNS,
    causes_of,
    is_unknown_host,
    refused_certificate,
    untrusted,
)
from circleci_cost.http.client import open_client
from circleci_cost.http.watchdog import Watchdog
from circleci_cost.sections.section import shown_variable
from circleci_cost.text.units import duration, size

_CONNECTION_FAILURES = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Answer:
    """An answer of the API; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


_SHORTEST_SECRET = 8


class ApiClient:
    """Sends the token to the API's own host and nowhere else."""

    def __init__(self, endpoint: Endpoint, clock: Clock, timeouts: Timeouts | None = None) -> None:
        """Raise `AuthorizationError` for a token that cannot be valid, `ConfigurationError` for a wrong address."""
        address = api_address(endpoint.base_url)
        _check_token(endpoint)
        self.host = address.host
        self._address = str(address)
        self._endpoint = endpoint
        self._clock = clock
        self._timeouts = timeouts or Timeouts()
        self._client = open_client(
            address.host,
            {"Circle-Token": endpoint.token, "Accept": "application/json", "Accept-Encoding": "identity"},
            connect=self._timeouts.connect,
            read=self._timeouts.read,
        )

    def request(self, method: str, path: str, subject: str, body: Mapping[str, object] | None = None) -> Answer:
        """Send one request to `path` below the API's address and return the answer, whatever its status.

        `subject` begins every message. Raises `NotSent` or `LostAnswer` where no answer came, `SourceError`
        for a refused certificate, a redirect or an answer that is too large.
        """
        with Watchdog(self._timeouts.total) as watchdog:
            request = self._client.build_request(
                method, self._address + path, json=body, extensions={"trace": watchdog.trace}
            )
            try:
                return self._exchange(request, subject)
            except httpx.HTTPError as error:
                if watchdog.expired:
                    raise self._too_slow(subject) from None
                raise connection_failure(error, f"{subject}: the CircleCI API at {self.host}", self._timeouts) from None

    def _exchange(self, request: httpx.Request, subject: str) -> Answer:
        started = self._clock.monotonic()
        response = self._client.send(request, stream=True)
        try:
            _refuse_redirect(response, subject)
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > self._timeouts.max_answer_bytes:
                    raise SourceError(
                        f"{subject}: the answer of {self.host} is larger than "
                        f"{size(self._timeouts.max_answer_bytes)} and was not read; check that base_url is "
                        "the API's address, then try again."
                    )
                if self._clock.monotonic() - started > self._timeouts.total:
                    raise self._too_slow(subject)
            # An answer that repeats the token would end up in a message. A token of a few letters, which a simulator
            # accepts, is no secret and occurs in any answer.
            secret = self._endpoint.token.encode()
            hidden = bytes(body).replace(secret, b"***") if len(secret) >= _SHORTEST_SECRET else bytes(body)
            return Answer(response.status_code, dict(response.headers), hidden)
        finally:
            response.close()

    def _too_slow(self, subject: str) -> LostAnswer:
        return LostAnswer(
            f"{subject}: the CircleCI API at {self.host} did not complete its answer within "
            f"{duration(self._timeouts.total)}; try again later."
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def download_client(base_url: str, timeouts: Timeouts) -> httpx.Client:
    """Return the client for signed URLs: no token, no cookies, no redirects."""
    host = api_address(base_url).host
    return open_client(host, {"Accept-Encoding": "identity"}, connect=timeouts.connect, read=timeouts.read)


def connection_failure(error: httpx.HTTPError, who: str, timeouts: Timeouts) -> CircleciCostError:
    """Turn an exception of httpx into one of ours; its text is left out, since it may hold an address."""
    causes = causes_of(error)
    if (certificate := refused_certificate(causes)) is not None:
        return Untrusted(
            f"{who} {untrusted(certificate)}; verification stays on: if a proxy of yours re-signs traffic, point "
            "SSL_CERT_FILE at its certificate authority."
        )
    if isinstance(error, httpx.ConnectError) and any(_is_tls_failure(cause) for cause in causes):
        return Untrusted(
            f"{who} does not speak TLS as it should; verification stays on: check base_url and proxies in between."
        )
    if isinstance(error, _CONNECTION_FAILURES):
        return NotSent(f"{who} {_why_no_connection(error, causes, timeouts)}.")
    if isinstance(error, (httpx.ReadTimeout, httpx.WriteTimeout)):
        return LostAnswer(f"{who} was silent for {duration(timeouts.read)}; try again later.")
    if isinstance(error, httpx.RemoteProtocolError):
        return LostAnswer(f"{who} ended the connection in the middle of its answer; try again later.")
    return LostAnswer(f"{who} reset the connection; try again later.")


def _why_no_connection(error: httpx.HTTPError, causes: list[BaseException], timeouts: Timeouts) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"did not accept a connection within {duration(timeouts.connect)}; check network and proxy"
    if is_unknown_host(causes):
        return f"{NOT_IN_DNS}; check the network, the resolver and base_url"
    if isinstance(error, httpx.ProxyError):
        return "cannot be reached through the proxy of this machine; check HTTPS_PROXY"
    return f"{NO_CONNECTION}; check network and proxy, then try again"


def _is_tls_failure(cause: BaseException) -> bool:
    """Whether TLS failed for good, unlike a connection that broke off, which may work next time."""
    return isinstance(cause, ssl.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def _refuse_redirect(response: httpx.Response, subject: str) -> None:
    if not 300 <= response.status_code < 400:
        return
    target = "somewhere else"
    with suppress(httpx.InvalidURL, ValueError):
        target = httpx.URL(response.headers.get("location", "")).host or target
    raise Refusal(
        f"{subject}: {response.request.url.host} redirects to {target}, which is not followed since the "
        "token would go along; set base_url to the API's own address.",
        status=response.status_code,
    )


def _check_token(endpoint: Endpoint) -> None:
    if not endpoint.token:
        variable = shown_variable(endpoint.token_env, "api_token_env")
        raise AuthorizationError(
            f"The environment variable {variable} is not set; put a CircleCI personal API token into it (CircleCI, "
            "User Settings, Personal API Tokens)."
        )
    # httpx would quote a token that it cannot encode in its error, so it never gets one.
    if not endpoint.token.isascii() or not endpoint.token.isprintable() or " " in endpoint.token:
        raise AuthorizationError(
            f"The environment variable {endpoint.token_env} holds characters that no CircleCI token has, "
            "such as a space or a line break; copy the token again (CircleCI, User Settings, Personal API "
            "Tokens)."
        )
