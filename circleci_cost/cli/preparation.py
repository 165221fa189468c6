"""Has CircleCI prepare the exports of many cost centers at once: preparing is waiting, and waits may overlap.

Nothing lands here. The run of a cost center takes up its export job, and reports whatever went wrong.
"""

import threading
from contextlib import suppress
from datetime import date
from typing import Any

from circleci_cost.circleci import ExportProgress
from circleci_cost.config.settings import Settings
from circleci_cost.days import days_between
from circleci_cost.defs.resources import UsageSource
from circleci_cost.errors import CircleciCostError
from circleci_cost.history.ingestion import prepare_days
from circleci_cost.lake.layout import Lake

# Each preparation keeps a connection open.
_AT_ONCE = 100
_slots = threading.BoundedSemaphore(_AT_ONCE)


def start_preparing(settings: Settings, lake: Lake, run: dict[str, Any], progress: ExportProgress) -> threading.Thread:
    """Prepare the exports of a run in a daemon thread: an exit of this process does not wait for it."""

    def prepare() -> None:
        partitions, source = run["partitions"], UsageSource(settings)
        days = days_between(date.fromisoformat(partitions["first"]), date.fromisoformat(partitions["last"]))
        # The run itself asks again and fails with the same sentence.
        with _slots, suppress(CircleciCostError), source.exports(partitions["cost_center"], lake, progress) as exports:
            prepare_days(
                exports,
                lake,
                partitions["cost_center"],
                days,
                source.clock,
                restatement_days=settings.restatement_days,
                organizations=settings.cost_center(partitions["cost_center"]).organizations,
                refetch=run["refetch"],
            )

    thread = threading.Thread(target=prepare, daemon=True)
    thread.start()
    return thread
