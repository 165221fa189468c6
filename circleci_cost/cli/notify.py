"""`notify`: tries the channels of `[notifications]`, and sends what waits in the outbox."""

import os
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import shown, write_line
from circleci_cost.clock import Clock
from circleci_cost.errors import UsageError

if TYPE_CHECKING:
    from circleci_cost.config.settings import Settings
    from circleci_cost.notify.channels import Channel

_TEST_SECONDS = 20.0


@click.group()
def notify() -> None:
    """Try the channels of [notifications], or send what waits for them."""


@notify.command("test")
@click.option("--channel", "wanted", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@invocation
@click.pass_context
def try_out(context: click.Context, call: Invocation, wanted: tuple[str, ...]) -> None:
    """Send a test message to every channel; one line for each says ok, or why it did not arrive.

    Exit code 1 where one of them failed.
    """
    from circleci_cost.notify.delivery import try_channels
    from circleci_cost.notify.events import channel_test

    settings = call.own_settings()
    channels = _channels(settings, call.clock)
    names = [channel.name for channel in channels]
    for name in wanted:
        if name not in names:
            raise UsageError(f"There is no channel {name!r}; there are: {', '.join(names)}.")
    chosen = [channel for channel in channels if not wanted or channel.name in wanted]
    message = channel_test(call.clock.now(), settings.notifications.link)
    outcomes = try_channels(message, chosen, _TEST_SECONDS)
    for name, problems in outcomes.items():
        write_line(shown(f"{name}: {' '.join(problems) or 'ok'}"))
    context.exit(1 if any(outcomes.values()) else 0)


@notify.command()
@click.option("--retry", is_flag=True, help="Also what is to be tried again later only: a channel has been mended.")
@invocation
@click.pass_context
def send(context: click.Context, call: Invocation, retry: bool) -> None:
    """Send what is due in the outbox, and say what could not be sent.

    The pipeline does the same by itself. Exit code 1 where a message could not be sent; none is lost.
    """
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.notify.delivery import deliver
    from circleci_cost.notify.outbox import Outbox, outbox_path

    settings = call.own_settings()
    outbox = Outbox(outbox_path(open_lake(settings.data_dir)), call.clock)
    if retry:
        outbox.retry_now()
    report = deliver(outbox, _channels(settings, call.clock))
    summary = f"{report.sent} sent, {report.waiting} waiting, {report.failed} refused, {report.expired} expired"
    write_line(summary)
    for problem in report.problems:
        write_line(shown(problem))
    context.exit(1 if report.problems else 0)


def _channels(settings: "Settings", clock: Clock) -> "tuple[Channel, ...]":
    """The channels of the configuration. Raises `UsageError` where there are none."""
    from circleci_cost.notify.channels import open_channels

    if not settings.notifications.channels:
        raise UsageError(
            f"{settings.described_source} has no notification channels; add a [[notifications.channels]] section."
        )
    return open_channels(settings.notifications, os.environ, clock, settings.resolve)
