"""A published folder whose lake has the job runs: three days, some users and pipelines, two prices, one day without."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, day, days, ingest, land_rows
from circleci_cost_tests.model.usage.builders import ORGANIZATION, Record, record
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

ANN, BOB, EVE = (f"{letter * 8}-c23d-443b-9764-7ecbe86dec5a" for letter in "abe")
PRICES = {1: Decimal("0.0006"), 2: Decimal("0.00055"), 3: None}
_CONFIGURATION = f"""\
history_start = {FIRST}
[[cost_centers]]
name = "{CENTER}"
organization_id = "{ORGANIZATION}"
[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2026-10-01
effective_until = 2026-10-01
[[cost_centers.pricing]]
price_per_credit = 0.00055
effective_from = 2026-10-02
effective_until = 2026-10-02
"""


def job_runs() -> list[Record]:
    """27 job runs: a user, a pipeline and a job by turns; Eve is nobody's first guess, and some runs have no user."""
    return [
        record(
            number,
            JOB_RUN_DATE=f"{day(1 + number % 3)}",
            PIPELINE_TRIGGER_USER_ID=(ANN, BOB, EVE, None)[number % 4],
            PIPELINE_ID=None if number == 5 else f"5f0c4f0e-6b1a-4a56-8f5e-{number // 3:012x}",
            PIPELINE_NUMBER=None if number in {5, 6} else str(100 + number // 3),
            JOB_NAME=("test", "build")[number % 2],
            PARALLELISM=("1", "4", None)[number % 3],
            JOB_RUN_STOPPED_AT=None if number == 9 else "2026-10-03 10:04:02.000",
            COMPUTE_CREDITS=f"{number}.000001",
            USER_CREDITS="25000" if number == 7 else "0",
            TOTAL_CREDITS=f"{number + 2 + (25000 if number == 7 else 0)}.000001",
        )
        for number in range(1, 28)
    ]


def configured(folder: Path, data_dir: Path, more: str = "") -> Settings:
    """A configuration in `folder` that reads this data directory; `more` is added to it."""
    path = folder / "circleci_cost.toml"
    path.write_text(f'data_dir = "{data_dir}"\n{_CONFIGURATION}{more}')
    return read_settings(path)


def publish_runs(folder: Path) -> Settings:
    """Import, price and publish them below `folder`."""
    settings = configured(folder, folder / "data")
    lake = open_lake(settings.data_dir)
    land_rows(lake, job_runs(), FIRST, day(3))
    ingest(lake, days(1, 3))
    cost(lake, days(1, 3))
    return settings


def cost(lake: Lake, of: Sequence[date]) -> None:
    """Compute the costs of some days and publish all."""
    periods = [PricePeriod(CENTER, day(number), day(number), price) for number, price in PRICES.items() if price]
    with tables_to_publish(lake) as connection:
        write_prices(connection, periods, FIRST, day(3))
        write_daily_costs(connection, lake, CENTER, of, EXPORTED, history_start=FIRST, restatement_days=4)
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
