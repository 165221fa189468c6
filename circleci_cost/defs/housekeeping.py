"""Once a day: removes what would otherwise grow for ever beside the data, which it leaves alone.

What is old enough, each part knows itself; here is only that it happens, and what is told of it.
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
    """Tidy where that was not done today (UTC); return what was removed, in a sentence, None where nothing was.

    Safe beside runs, and beside itself. Raises `StorageError` for a directory that cannot be read or written.
    """
    now = clock.now().astimezone(UTC)
    today = f"{now.date()}".encode()
    with storage_errors(lake.state, "use"):
        # Whatever else is in that file, a damaged day too, is replaced.
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
