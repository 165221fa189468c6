"""Says after a command's runs that messages wait for a channel: without the daemon nobody else would."""

from circleci_cost.cli.streams import say
from circleci_cost.config.settings import Settings


def say_waiting(settings: Settings) -> None:
    """Say how many messages the configured channels have not got."""
    if not settings.notifications.channels:
        return
    from circleci_cost.clock import SystemClock
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.notify.outbox import Outbox, outbox_path

    names = {channel.name for channel in settings.notifications.channels}
    outbox = Outbox(outbox_path(open_lake(settings.data_dir)), SystemClock())
    waiting = [each for each in outbox.undelivered() if each.channel in names and each.state != "expired"]
    if waiting:
        count = "1 message waits" if len(waiting) == 1 else f"{len(waiting):,} messages wait"
        say(f"{count} for a channel that failed; `circleci-cost notify send` tries again and says why.")
