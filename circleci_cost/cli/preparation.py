"""Has CircleCI prepare the exports of many cost centers at once: preparing is waiting, and waits may overlap.

Nothing lands here. The run of a cost center takes its export job up, and meets and tells whatever went wrong.
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

# Each has a connection of its own open.
_AT_ONCE = 100
_slots = threading.BoundedSemaphore(_AT_ONCE)


def start_preparing(settings: Settings, lake: Lake, run: dict[str, Any], progress: ExportProgress) -> threading.Thread:
    """Prepare the exports of a run in a thread of its own, which an exit of this process does not wait for."""

    def prepare() -> None:
        asked, source = run["partitions"], UsageSource(settings)
        days = days_between(date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"]))
        # The run asks again and fails with the same sentence.
        with _slots, suppress(CircleciCostError), source.exports(asked["cost_center"], lake, progress) as exports:
            prepare_days(
                exports,
                lake,
                asked["cost_center"],
                days,
                source.clock,
                restatement_days=settings.restatement_days,
                organizations=settings.cost_center(asked["cost_center"]).organizations,
                refetch=run["refetch"],
            )

    thread = threading.Thread(target=prepare, daemon=True)
    thread.start()
    return thread
