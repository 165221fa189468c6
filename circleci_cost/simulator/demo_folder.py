"""What the demo writes to its data directory before any import: its day and the cloud costs of its company.

`demo` describes the usage, `infrastructure` the cloud account that moves with it.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from circleci_cost.config.demo import ACME_ID, ACME_LABS_ID, INFRASTRUCTURE_FILE, PRICE, anchor, remember_anchor
from circleci_cost.days import HISTORY_MONTHS, months_later
from circleci_cost.simulator.daily import daily_usage
from circleci_cost.simulator.demo import demo_scenario
from circleci_cost.simulator.infrastructure import write_demo_infrastructure


def begin_demo(data_dir: Path, today: date) -> date:
    """Prepare the folder unless it is prepared, and return the day before which the demo's history ends."""
    day = anchor(data_dir, today)
    remember_anchor(data_dir, day)
    if not (data_dir / INFRASTRUCTURE_FILE).exists():
        _write_infrastructure(data_dir, day)
    return day


def _write_infrastructure(data_dir: Path, day: date) -> None:
    """Write the cloud costs of the demo's company, in which one service moves with the CI cost of acme."""
    scenario = demo_scenario(day)
    first, last = months_later(day, -HISTORY_MONTHS), day - timedelta(days=1)
    usage = [daily_usage(scenario, organization_id, first, last) for organization_id in (ACME_ID, ACME_LABS_ID)]
    daily = pl.concat(usage).select("date", cost=pl.col("credits") * float(PRICE))
    write_demo_infrastructure(data_dir, daily, first, last, scenario.seed)
