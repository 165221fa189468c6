"""A process of its own that fetches one window, for tests that kill it.

Arguments: the lake, the API's base URL, the organization's id, the token, the first and the last day.
"""

import sys
from datetime import date
from pathlib import Path

from circleci_cost.circleci import Connection, Polling, UsageExports, Window
from circleci_cost.clock import SystemClock
from circleci_cost.lake.layout import open_lake
from circleci_cost.lake.stores.paths import directory


def fetch(lake: Path, base_url: str, organization_id: str, token: str, window: Window) -> None:
    """Fetch with short waits between polls; everything else is as always."""
    connection = Connection(
        cost_center="acme",
        organization_id=organization_id,
        token=token,
        token_env="CIRCLECI_TOKEN",
        base_url=base_url,
        gets_per_minute=1000,
    )
    polling = Polling(first_seconds=0.02, longest_seconds=0.02)
    UsageExports(open_lake(lake), connection, SystemClock(), polling=polling).fetch(window)


if __name__ == "__main__":
    first, last = (date.fromisoformat(text) for text in sys.argv[5:7])
    fetch(directory(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], Window(first, last))
