"""A process of its own that does what a run of the pipeline does, for tests that kill it or start two of them.

Arguments: the outbox's file, the clock's time, the channels as JSON, and how many notices to put in. Secrets are in
the environment, as always.
"""

import json
import os
import sys
from datetime import date, datetime
from pathlib import Path

from circleci_cost.clock import ManualClock
from circleci_cost.config.notifications import Notifications
from circleci_cost.day_ranges import DayRange
from circleci_cost.notify.channels import open_channels
from circleci_cost.notify.delivery import deliver
from circleci_cost.notify.events import sync_failed
from circleci_cost.notify.outbox import Outbox
from circleci_cost.notify.routing import enqueue_all


def main(path: str, now: str, channels: str, count: str) -> None:
    """Enqueue, then send; print how many were sent."""
    clock = ManualClock(datetime.fromisoformat(now))
    notifications = Notifications.model_validate({"channels": json.loads(channels)})
    outbox = Outbox(Path(path), clock)
    days = DayRange(date(2026, 3, 8), date(2026, 3, 9))
    notices = [sync_failed("acme", days, "No answer.", f"run-{number}") for number in range(int(count))]
    enqueue_all(outbox, notifications, notices)
    print(deliver(outbox, open_channels(notifications, os.environ, clock)).sent)


if __name__ == "__main__":
    main(*sys.argv[1:])
