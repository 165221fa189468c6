"""Makes the table `focus_charges`: the priced charges of some days, of days or of job runs, divided by virtual tags.

How a charge becomes a FOCUS row is `rows`' subject.
"""

from collections.abc import Sequence

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import present, readable
from circleci_cost.model.focus.columns import Grain
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.warehouse.core.present_tables import is_present
from circleci_cost.warehouse.core.statements import sql


def make_charges(
    connection: duckdb.DuckDBPyConnection, lake: Lake, grain: Grain, tags: Sequence[str], days: DayRange
) -> None:
    """Replace `focus_charges`. In: a generation's connection, its virtual tags, and the lake that it came from.

    Usage without a price is left out: FOCUS has no row whose cost is unknown.
    """
    for name in ("core/macros", "core/charge_rows", "core/allocation_parts"):
        connection.execute(sql(name))
    within = {"first": days.first, "last": days.last}
    files = _job_run_files(connection, lake, days) if grain is Grain.JOB else []
    if files:
        connection.execute(sql("focus/job_charges"), {"files": files, "charge_types": list(CHARGE_TYPES), **within})
    else:
        connection.execute(sql("focus/day_charges"), within)
        if grain is Grain.JOB:
            connection.execute(sql("focus/no_job_charges"))
    if not tags:
        return
    connection.execute(sql("focus/key_charges"), {"tag": tags[0], **within})
    for tag in tags:
        connection.execute(sql("focus/tag_charges"), {"tag": tag, **within})


def make_lots(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace `focus_lots`: all purchases and expired credits of the published ledger; empty where there is none."""
    connection.execute(sql("focus/no_ledger"))
    ledger = "credit_lots" if is_present(connection, "credit_lots") else "focus_no_ledger"
    connection.execute(sql("focus/make_lots").format(ledger=ledger))


def _job_run_files(connection: duckdb.DuckDBPyConnection, lake: Lake, days: DayRange) -> list[str]:
    """The files of the job runs of published days; those of a removed cost center may be gone."""
    query = "SELECT DISTINCT cost_center FROM usage_days WHERE date BETWEEN $first AND $last ORDER BY cost_center"
    centers = connection.execute(query, {"first": days.first, "last": days.last}).fetchall()
    files = (lake.job_runs_file(name, day) for (name,) in centers for day in days_between(days.first, days.last))
    return readable(present(files))
