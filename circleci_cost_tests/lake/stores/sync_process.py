"""A process of its own that fetches days and reads them into job runs, for tests that kill it.

Arguments: the data directory, the API's base URL, the first and the last day.
"""

import sys
from datetime import date

from circleci_cost.circleci import Connection, Polling, UsageExports
from circleci_cost.clock import SystemClock
from circleci_cost.days import days_between
from circleci_cost.history.ingestion import fetch_days
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import open_lake
from circleci_cost.lake.reading_turns import reading_turn
from circleci_cost.lake.stores.paths import directory
from circleci_cost_tests.pipeline.scenarios import PAYING, SHARED

CENTER = "initech"


def sync(data_dir: str, base_url: str, first: date, last: date) -> None:
    """Fetch and ingest with short waits between polls; everything else is as always."""
    lake, clock, days = open_lake(directory(data_dir)), SystemClock(), days_between(first, last)
    connection = Connection(
        cost_center=CENTER,
        organization_id=PAYING,
        shared_organization_ids=(SHARED,),
        token="token",
        token_env="CIRCLECI_TOKEN",
        base_url=base_url,
        gets_per_minute=1000,
    )
    exports = UsageExports(lake, connection, clock, polling=Polling(first_seconds=0.02, longest_seconds=0.02))
    fetch_days(exports, lake, CENTER, days, clock, restatement_days=1, organizations=[PAYING, SHARED])
    with reading_turn(lake, CENTER, print):
        ingest_days(lake, CENTER, [PAYING, SHARED], days, ingested_at=clock.now())


if __name__ == "__main__":
    sync(sys.argv[1], sys.argv[2], *(date.fromisoformat(text) for text in sys.argv[3:5]))
