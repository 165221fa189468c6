"""The API client over real sockets: time-outs, resets, TLS, redirects, sizes."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from circleci_cost.circleci import Account, Endpoint, Timeouts
from circleci_cost.circleci.failures import LostAnswer, NotSent, Refusal, Untrusted
from circleci_cost.circleci.http import ApiClient
from circleci_cost.clock import SystemClock
from circleci_cost.errors import AuthorizationError, CircleciCostError, SourceError
from circleci_cost_tests.circleci.harness import TOKEN, Harness
from circleci_cost_tests.simulator_faults import actions
from circleci_cost_tests.simulator_faults import connection_actions as broken

SHORT = Timeouts(connect=0.3, read=0.15, total=0.4)
SUBJECT = "The token in CIRCLECI_TOKEN"


def endpoint(base_url: str, token: str = TOKEN) -> Endpoint:
    return Endpoint(token=token, token_env="CIRCLECI_TOKEN", base_url=base_url)


def failure(base_url: str, timeouts: Timeouts = SHORT) -> CircleciCostError:
    """The error of one request, without any retry."""
    with ApiClient(endpoint(base_url), SystemClock(), timeouts) as client:
        with pytest.raises(CircleciCostError) as caught:
            client.request("GET", "/me", SUBJECT)
        assert caught.value.__cause__ is None
        assert TOKEN not in repr(client) + str(caught.value)
        return caught.value


@contextmanager
def listening(serve: Callable[[socket.socket], None] | None) -> Iterator[str]:
    """A server for one connection that does what `serve` does with it; None never accepts."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def accept() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    assert serve is not None
                    serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        if serve is not None:
            thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api/v2"
        if serve is not None:
            thread.join(5)


def test_f012_a_refused_connection_was_never_sent() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/api/v2")
    assert isinstance(error, NotSent)
    assert str(error) == (
        f"{SUBJECT}: the CircleCI API at 127.0.0.1 does not accept connections; check network and proxy, "
        "then try again."
    )


def test_f012_a_name_that_the_dns_does_not_know_was_never_sent() -> None:
    error = failure("https://circleci.invalid/api/v2", Timeouts(connect=5))
    assert isinstance(error, NotSent)
    assert str(error) == (
        f"{SUBJECT}: the CircleCI API at circleci.invalid cannot be found in the DNS; check the network, the "
        "resolver and base_url."
    )


def test_f013_a_connect_time_out_was_never_sent() -> None:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        with closing(socket.create_connection(address)):
            # The queue holds two; the next SYN is dropped, as a firewall does.
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            error = failure(f"http://127.0.0.1:{address[1]}/api/v2", Timeouts(connect=0.1))
            for filler in fillers:
                filler.close()
    assert isinstance(error, NotSent)
    assert "did not accept a connection within 0 s" in str(error)


def test_f013_silence_after_the_request_is_a_lost_answer(site: Harness) -> None:
    site.fault("me", broken.Hang())
    error = failure(site.server.base_url)
    assert isinstance(error, LostAnswer)
    assert str(error) == f"{SUBJECT}: the CircleCI API at 127.0.0.1 was silent for 0 s; try again later."


@pytest.mark.parametrize("headers_too", [False, True])
def test_f014_a_drip_that_beats_the_read_time_out_ends_at_the_total_deadline(site: Harness, headers_too: bool) -> None:
    site.fault("me", broken.Drip(interval=0.1, headers_too=headers_too))
    started = time.monotonic()
    error = failure(site.server.base_url, Timeouts(connect=60, read=3, total=4))
    assert time.monotonic() - started < 30
    assert isinstance(error, LostAnswer)
    assert str(error) == (
        f"{SUBJECT}: the CircleCI API at 127.0.0.1 did not complete its answer within 4 s; try again later."
    )


@pytest.mark.parametrize("when", ["before headers", "after headers", "mid-body"])
@pytest.mark.parametrize("reset", [False, True])
def test_f015_a_reset_before_or_after_the_headers_is_a_lost_answer(site: Harness, when: str, reset: bool) -> None:
    site.fault("me", broken.Drop(when, reset=reset))  # type: ignore[arg-type] # parametrized by text
    error = failure(site.server.base_url)
    assert isinstance(error, LostAnswer)
    assert str(error).startswith(f"{SUBJECT}: the CircleCI API at 127.0.0.1 ")


def test_f015_a_certificate_that_nobody_vouches_for_is_not_accepted() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("untrusted.pem"))
    received = bytearray()

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            received.extend(secure.recv(1000))

    with listening(serve) as url:
        error = failure(url.replace("http:", "https:"))
    assert isinstance(error, Untrusted)
    assert str(error) == (
        f"{SUBJECT}: the CircleCI API at 127.0.0.1 showed a certificate that cannot be trusted (self-signed "
        "certificate); verification stays on: if a proxy of yours re-signs traffic, point SSL_CERT_FILE at "
        "its certificate authority."
    )
    assert received == b""


def test_f015_a_server_without_tls_behind_https_gets_nothing() -> None:
    received = bytearray()

    def serve(connection: socket.socket) -> None:
        received.extend(connection.recv(10_000))
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    with listening(serve) as url:
        error = failure(url.replace("http:", "https:"))
    assert isinstance(error, Untrusted)
    assert "does not speak TLS as it should; verification stays on" in str(error)
    assert TOKEN.encode() not in received


def test_f015_a_handshake_that_breaks_off_may_be_tried_again() -> None:
    with listening(lambda connection: None) as url:
        assert isinstance(failure(url.replace("http:", "https:")), NotSent)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f017_a_redirect_is_an_error_and_the_token_stays(site: Harness, status: int) -> None:
    received = bytearray()
    with listening(lambda connection: received.extend(connection.recv(1000))) as elsewhere:
        site.fault("me", actions.redirect(elsewhere.replace("127.0.0.1", "localhost"), status))
        error = failure(site.server.base_url)
        with closing(socket.create_connection(("127.0.0.1", int(elsewhere.split(":")[2].split("/")[0])))):
            pass
    assert isinstance(error, Refusal)
    assert str(error) == (
        f"{SUBJECT}: 127.0.0.1 redirects to localhost, which is not followed since the token would go along; "
        "set base_url to the API's own address."
    )
    assert received == b""


def test_f018_an_answer_of_5_mb_is_not_read(site: Harness) -> None:
    site.fault("me", actions.large_body())
    error = failure(site.server.base_url, Timeouts())
    assert type(error) is SourceError
    assert str(error) == (
        f"{SUBJECT}: the answer of 127.0.0.1 is larger than 1.0 MiB and was not read; check that base_url is "
        "the API's address, then try again."
    )


def test_f001_a_token_that_cannot_be_one_is_never_sent_or_shown() -> None:
    for token, what in {
        "": "is not set",
        "canary\n": "holds characters",
        "canary ü": "holds characters",
    }.items():
        with pytest.raises(AuthorizationError, match=f"The environment variable CIRCLECI_TOKEN {what}") as caught:
            ApiClient(endpoint("https://circleci.com/api/v2", token), SystemClock())
        assert "canary" not in str(caught.value)


def test_the_account_calls_find_the_organization(site: Harness) -> None:
    with Account(endpoint(site.server.base_url), site.clock) as account:
        assert account.who_am_i().login == "octocat"
        (organization,) = account.collaborations()
        assert organization == account.organization("gh/acme") == account.organization(organization.id or "")
        with pytest.raises(Refusal, match=r"Organization gh/none: CircleCI knows nothing of that name .*\(404\)"):
            account.organization("gh/none")


def test_f001_the_account_calls_do_not_repeat_what_is_refused(site: Harness) -> None:
    site.simulator.access.tokens = {"another"}
    with Account(endpoint(site.server.base_url), site.clock) as account, pytest.raises(AuthorizationError):
        account.who_am_i()
    assert site.asked("me") == [401]


def test_f009_the_account_calls_survive_a_failure(site: Harness) -> None:
    site.fault("me", actions.Respond(503), times=2)
    with Account(endpoint(site.server.base_url), site.clock) as account:
        assert account.who_am_i().login == "octocat"
    assert site.asked("me") == [503, 503, 200]
