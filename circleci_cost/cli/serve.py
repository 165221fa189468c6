"""`serve`: the cost explorer, on this machine until it is interrupted."""

import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.listening import LOOPBACK, require_address, start
from circleci_cost.cli.streams import say, say_bug, write_line
from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.errors import UsageError
from circleci_cost.explorer.access import DEFAULT_USER_HEADER, Access, host_name, networks
from circleci_cost.explorer.explorer import open_explorer
from circleci_cost.explorer.server import ExplorerServer
from circleci_cost.http.loopback import is_loopback
from circleci_cost.text.plain import quoted

PORT = 8321
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The port; 0: a free one.")
@click.option(
    "--allowed-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A host name that browsers use for this server, besides that of public_url; several: again.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The address of a proxy that logs users in; others are turned away. Several: again.",
)
@click.option(
    "--user-header",
    default=DEFAULT_USER_HEADER,
    show_default=True,
    metavar="NAME",
    help="The header in which the proxy names the user.",
)
@click.option("--no-login", is_flag=True, help="Let everyone who reaches the address read all costs.")
@invocation
def serve(
    call: Invocation,
    *,
    host: str,
    port: int,
    hosts: tuple[str, ...],
    proxies: tuple[str, ...],
    user_header: str,
    no_login: bool,
) -> None:
    """Serve the cost explorer: pages to filter, group, compare and explain what CI cost.

    It reads what is published and changes nothing, decisions about anomalies aside. Only this machine can reach it.
    Another --host needs a proxy that logs users in (--trusted-proxy), or --no-login.
    """
    access = _access(host, hosts, proxies, user_header, no_login=no_login)
    settings = call.settings()
    public = urlsplit(settings.explorer.public_url or "").netloc.lower()
    serve_until_stopped(settings, call.clock, host, port, replace(access, public=public))


def serve_until_stopped(settings: Settings, clock: Clock, host: str, port: int, access: Access) -> None:
    """Serve until Ctrl-C. Raises `CircleciCostError` where the address cannot be listened on."""
    server = ExplorerServer(open_explorer(settings, clock, access, _report_bug), host, port)
    try:
        start(server)
        write_line(server.origin)
        sys.stdout.flush()
        say("Serving the cost explorer; Ctrl-C ends it.")
        server.wait()
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        server.stop()


def _report_bug(error: BaseException) -> None:
    say_bug(type(error), error, error.__traceback__)


def _access(host: str, hosts: Sequence[str], proxies: Sequence[str], user_header: str, *, no_login: bool) -> Access:
    """The rules that the options say. Raises `UsageError` for an address that everyone could read by accident."""
    require_address(host)
    try:
        trusted = networks(proxies)
    except ValueError as error:
        raise UsageError(f"--trusted-proxy: {error}; write an address such as 10.0.0.5, or 10.0.0.0/24.") from error
    if no_login and trusted:
        raise UsageError("--no-login and --trusted-proxy exclude each other; leave one of them out.")
    if not is_loopback(host):
        if not (trusted or no_login):
            raise UsageError(
                f"--host {host} opens the costs to the network: name the proxy that logs users in with "
                "--trusted-proxy ADDRESS, or say --no-login if everyone who reaches it may read them."
            )
        _warn(host, user_header if trusted else None)
    _require_header_name(user_header)
    named = frozenset(map(_host, hosts))
    if no_login:
        # Whoever reaches the address may read everything, but no page of another site through somebody's browser.
        machine = socket.gethostname().lower()
        named |= {machine, f"{machine}.local"}
    return Access(named, by_address=no_login, proxies=trusted, user_header=user_header)


def _host(name: str) -> str:
    host = host_name(name)
    if not host or ":" in name.removeprefix(host):
        raise UsageError(f"--allowed-host {quoted(name)}: write a host name alone, such as ci-cost.example.com.")
    return host


def _require_header_name(name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise UsageError(f"--user-header {quoted(name)} is no name of a header; write one such as X-Forwarded-User.")


def _warn(host: str, user_header: str | None) -> None:
    who = f"whom the proxy names in {user_header}" if user_header else "who reaches this machine, without a login,"
    say(f"Warning: listening on {host}: everyone {who} can read all costs. Pages are sent without encryption (http).")
