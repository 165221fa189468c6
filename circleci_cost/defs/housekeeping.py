"""Daily housekeeping: removes what would grow for ever beside the data, never the data itself.

Each part decides what is old enough; this module calls them and reports.
"""

from datetime import UTC

import dagster as dg

from circleci_cost.circleci.intents import remove_ended
from circleci_cost.clock import Clock
from circleci_cost.defs.run_logs import remove_old_logs
from circleci_cost.lake.files import storage_errors, write_atomic
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.leftovers import remove_leftovers


def tidy_daily(lake: Lake, instance: dg.DagsterInstance, clock: Clock) -> str | None:
    """Tidy unless that was done today (UTC); return a sentence about what was removed, None where nothing was.

    Safe beside runs, and beside itself. Raises `StorageError` for a directory that cannot be read or written.
    """
    now = clock.now().astimezone(UTC)
    today = f"{now.date()}".encode()
    with storage_errors(lake.state, "use"):
        # Any other content of the file, a damaged day included, is replaced.
        if lake.tidied.is_file() and lake.tidied.read_bytes() == today:
            return None
        write_atomic(lake.tidied, today)
        removed = {
            "logs of old runs": remove_old_logs(instance, now),
            "notes of export jobs that have ended": remove_ended(lake.intents, now),
            "leftovers of killed processes": remove_leftovers(lake),
        }
    named = ", ".join(f"{what} ({count})" for what, count in removed.items() if count)
    return f"Housekeeping removed {named}." if named else None
