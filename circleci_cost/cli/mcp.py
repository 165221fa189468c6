"""`mcp`: the published figures for a program that speaks the Model Context Protocol, over stdin and stdout."""

import importlib.util
import os
import signal
import sys

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import say
from circleci_cost.errors import CircleciCostError


@click.command()
@invocation
def mcp(call: Invocation) -> None:
    """Answer a program that speaks the Model Context Protocol (MCP): cost, reasons, budgets, anomalies, savings.

    Such a program starts this command and talks to it over stdin and stdout. It reads what is published and changes
    nothing; it needs no token and listens on no port. It ends with its stdin.
    """
    if importlib.util.find_spec("mcp") is None:
        raise CircleciCostError("The package of the protocol is not installed; install it with `pip install mcp`.")
    from circleci_cost.mcp_server.published import open_published
    from circleci_cost.mcp_server.tools import build_server

    published = open_published(call.settings(), call.clock)
    if sys.stdin.isatty():
        say(
            "Waiting for a client of the Model Context Protocol on stdin; `circleci-cost help mcp` says how to "
            "connect one. Ctrl-C ends it."
        )

    def end(*_: object) -> None:
        say("Stopped.")
        published.close()
        # The library's thread that reads stdin ends with its client only.
        os._exit(0)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    build_server(published).run("stdio")
    published.close()
