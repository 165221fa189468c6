"""`simulate`: serves the simulated Usage API until it is interrupted."""

import sys
from pathlib import Path

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.listening import require_address, start
from circleci_cost.cli.streams import say, write_line
from circleci_cost.clock import utc_today
from circleci_cost.errors import UsageError
from circleci_cost.http.loopback import is_loopback
from circleci_cost.simulator import FolderSource, Simulator, SimulatorServer, demo_scenario
from circleci_cost.simulator.forwarded import is_host
from circleci_cost.simulator.sources import Source


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="The port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--jobs-per-day", type=click.FloatRange(1, 1_000_000), metavar="N", help="Jobs a day; default: about 325."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other usage.")
@click.option(
    "--dialect",
    type=click.Choice(["unquoted", "quoted"]),
    default="unquoted",
    show_default=True,
    help="Form of the CSV.",
)
@click.option("--parts", type=click.IntRange(1, 64), default=3, show_default=True, help="Files of an export.")
@click.option("--token", metavar="TEXT", help="The only token that is accepted; default: any.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve the *.csv.gz of this folder instead of generated usage, whatever days are asked for.",
)
@click.option(
    "--posts-per-hour",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Export jobs an hour and organization.",
)
@click.option(
    "--gets-per-minute", type=click.IntRange(1), default=10, show_default=True, help="Polls a minute and organization."
)
@click.option(
    "--processing-seconds", type=click.FloatRange(0), default=0.0, show_default=True, help="How long an export takes."
)
@click.option("--created-first", is_flag=True, help="Answer `created`, not `processing`, to an export's first GET.")
@click.option("--public-url", metavar="URL", help="Scheme and host that clients use, where a proxy serves them.")
@invocation
def simulate(
    call: Invocation,
    *,
    port: int,
    host: str,
    jobs_per_day: float | None,
    seed: int,
    dialect: str,
    parts: int,
    token: str | None,
    folder: Path | None,
    posts_per_hour: int,
    gets_per_minute: int,
    processing_seconds: float,
    created_first: bool,
    public_url: str | None,
) -> None:
    """Serve a simulated Usage API for trying clients; no request leaves this machine.

    Writes the base URL and the organizations (name, id, slug) to stdout, then serves until Ctrl-C. Behind a proxy on
    this machine, download URLs have the scheme and host of its headers (Forwarded, X-Forwarded-Proto and -Host).
    """
    require_address(host)
    if not is_loopback(host):
        say(f"Warning: listening on {host}: whoever reaches this machine can use the simulator.")
    public = None if public_url is None else _origin(public_url)
    source: Source | None = FolderSource(folder) if folder else None
    scenario = demo_scenario(utc_today(call.clock), seed)
    simulator = Simulator(
        source or (scenario.with_jobs_per_day(jobs_per_day) if jobs_per_day else scenario),
        parts=parts,
        dialect="quoted" if dialect == "quoted" else "unquoted",
        tokens=[token] if token else None,
        processing_seconds=processing_seconds,
        posts_per_hour=posts_per_hour,
        gets_per_minute=gets_per_minute,
        shows_created=created_first,
        public_url=public,
    )
    server = SimulatorServer(simulator, host, port, public)
    start(server)
    try:
        write_line(server.base_url)
        for organization in simulator.organizations:
            write_line(f"{organization.name}\t{organization.id}\t{organization.slug}")
        if folder:
            write_line("any organization\tany UUID")
        sys.stdout.flush()
        server.wait()
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        server.stop()


def _origin(url: str) -> str:
    scheme, _, host = url.rstrip("/").partition("://")
    if scheme.lower() not in {"http", "https"} or not is_host(host):
        raise UsageError("--public-url is a scheme and a host, such as https://simulator.example.com.")
    return f"{scheme.lower()}://{host}"
