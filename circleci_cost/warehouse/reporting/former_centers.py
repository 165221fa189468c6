"""Cost centers that the configuration no longer names and whose published days still count, as after a rename."""

from collections.abc import Iterator

import duckdb

from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.warehouse.core.statements import sql


def former_centers(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[str]:
    """A sentence for each such cost center; `connection` is open on the published generation."""
    names = [center.name for center in settings.cost_centers]
    for name, first, last in connection.execute(sql("reporting/former_centers"), {"names": names}).fetchall():
        yield (
            f"{name}: the costs of {DayRange(first, last)} are published and count, and {settings.described_source} no "
            "longer names this cost center. After a rename, days that its new name has, too, count twice: give it its "
            f"name {name} back, or leave it out of reports by naming the others (--where cost_center=NAME)."
        )
