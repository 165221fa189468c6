"""A published generation with allocated costs, made by the same functions that the assets call."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from circleci_cost.config.settings import read_settings
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.allocation.planning import prepare
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost_tests.cli.harness import Caller, make_once
from circleci_cost_tests.warehouse.allocation.builders import fill
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish


def publish_allocated(caller: Caller, rows: Iterable[Mapping[str, Any]] = ()) -> None:
    """Add daily costs, allocate all there are by the folder's configuration, and publish."""
    used = [dict(row) for row in rows]
    files = [(path.name, path.read_bytes()) for path in sorted(caller.folder.iterdir()) if path.is_file()]
    make_once(caller.folder / "data", ("allocated", files, used), lambda: _publish_allocated(caller, used))


def _publish_allocated(caller: Caller, rows: list[dict[str, Any]]) -> None:
    settings = read_settings(caller.folder / "circleci_cost.toml")
    lake = open_lake(settings.data_dir)
    with tables_to_publish(lake) as connection:
        fill(connection, rows)
        connection.execute(
            "INSERT OR IGNORE INTO usage_days SELECT DISTINCT cost_center, date, 0, 0, 0, 'e', TIMESTAMP '2026-01-01', "
            "TIMESTAMP '2026-01-01', true, true, NULL, NULL FROM daily_costs"
        )
        allocate(connection, prepare(settings.virtual_tags, settings.resolve))
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
