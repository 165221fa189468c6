"""Publishes costs, purchases and what they leave of the credits, for the command and the page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.credits.credit_ledger import write_credits
from circleci_cost.warehouse.credits.reconciliation import write_reconciliation
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST, THROUGH = date(2026, 1, 1), date(2026, 3, 12)
# Every day of a steady 10,000 credits; bought are those of 71 days and 45 more, 20 of which expire first.
ROWS = [{"date": day, "compute": 10_000} for day in days_between(FIRST, THROUGH)]
PURCHASES = """
[[cost_centers.purchases]]
date = 2026-01-01
credits = 960_000
usd = 480
invoice = "=<script>alert(1)</script>"
[[cost_centers.purchases]]
date = 2026-03-01
credits = 250_000
usd = 150
expires = 2026-04-20
"""


def publish_credits(folder: Path, more: str = PURCHASES, rows: Sequence[Mapping[str, Any]] = ROWS) -> Settings:
    """Write a configuration with purchases or `more`, and publish costs and what they leave of the credits."""
    (folder / "circleci_cost.toml").write_text(configuration(FIRST) + more)
    publish_rows(folder / "data", rows)
    settings = read_settings(folder / "circleci_cost.toml")
    lake, usable = open_lake(settings.data_dir), usable_credits(settings)
    nothing = pl.DataFrame(schema=restatements.SCHEMA)
    with tables_to_publish(lake) as connection:
        write_credits(connection, usable.centers, ForecastSettings(method="mean"))
        write_reconciliation(connection, usable.invoiced, nothing)
        publish_tables(connection, lake, nothing, datetime.now(UTC))
    return settings
