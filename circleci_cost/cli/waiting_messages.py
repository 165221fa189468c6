"""Says after a command's runs that messages wait for a channel: without the daemon nothing else does."""

from circleci_cost.cli.streams import say
from circleci_cost.config.settings import Settings


def say_waiting(settings: Settings) -> None:
    """Say how many messages the configured channels have not taken."""
    if not settings.notifications.channels:
        return
    from circleci_cost.clock import SystemClock
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.notify.outbox import Outbox, outbox_path

    names = {channel.name for channel in settings.notifications.channels}
    outbox = Outbox(outbox_path(open_lake(settings.data_dir)), SystemClock())
    undelivered = [
        message for message in outbox.undelivered() if message.channel in names and message.state != "expired"
    ]
    if undelivered:
        count = "1 message waits" if len(undelivered) == 1 else f"{len(undelivered):,} messages wait"
        say(f"{count} for a channel that failed; `circleci-cost notify send` tries again and says why.")
