"""Usage from exports to a publication, by the functions that the assets call: job runs, prices, virtual tags."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.allocation.planning import prepare
from circleci_cost.model.credits.ledger import USAGE_SCHEMA, credit_ledger
from circleci_cost.model.credits.purchases import credit_lots
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.charge_types import EXPORTED_CHARGES
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost_tests.lake.builders import CENTER, FIRST, day, ingest, land_rows
from circleci_cost_tests.model.usage.builders import ORGANIZATION, Record, record
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

_INFRA, _API = "2f8a6a3e-2f0f-4a0c-9d1b-0c6f9f2a7b22", "3f8a6a3e-2f0f-4a0c-9d1b-0c6f9f2a7b33"
CONFIGURATION = f"""\
history_start = 2026-10-01
[[cost_centers]]
name = "{CENTER}"
organization_id = "{ORGANIZATION}"
[[cost_centers.pricing]]
price_per_credit = 0.00055
effective_from = 2026-01-01
effective_until = 2026-10-02
[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2026-10-03
"""
# 30,000 credits of $17 have a price without end in decimals; some of them expire on the second day.
PURCHASES = """
[[cost_centers.purchases]]
date = 2026-10-01
credits = 30000
usd = 17
expires = 2026-10-02
[[cost_centers.purchases]]
date = 2026-10-03
credits = 100000
usd = 55
kind = "refill"
invoice = "INV-1"
"""
# Seats and the project `infra` are shared; the parts of a third have no end in decimals.
TAGS = """
[[virtual_tags]]
name = "team"
[[virtual_tags.rules]]
name = "seats"
value = "seats"
where = { charge_type = "user" }
[[virtual_tags.rules]]
value = "platform"
where = { project = "infra" }
[[virtual_tags.rules]]
value_of = "project"
[[virtual_tags.splits]]
value = "seats"
method = "even"
among = ["shop", "api", "a \\"b\\", c"]
[[virtual_tags.splits]]
value = "platform"
method = "even"
among = ["shop", "api", "docs"]
[[virtual_tags]]
name = "stage"
default = "trial"
[[virtual_tags.rules]]
value = "live"
where = { branch = "main" }
[[virtual_tags.splits]]
value = "trial"
method = "fixed"
shares = { live = 0.333, dev = 0.667 }
"""


def job(number: int, of: date = FIRST, **values: str | None) -> Record:
    """A job run; credits that are not named are 0, and `other` is what the total holds beyond them."""
    credits = {charge.source: values.pop(charge.name, None) or "0" for charge in EXPORTED_CHARGES}
    other = values.pop("other", None) or "0"
    whole = sum(map(float, [*credits.values(), other]))
    names = {name.upper(): value for name, value in values.items()}
    return record(number, **credits, JOB_RUN_DATE=of.isoformat(), TOTAL_CREDITS=f"{whole:.6f}", **names)


USAGE: tuple[Record, ...] = (
    job(1, compute="40", storage="2"),
    job(2, compute="0.000001", dlc="200", job_name='unit, "tests"'),
    job(3, compute="7.7", user="25000", project_id=_INFRA, project_name="infra", job_name="deploy/all"),
    job(4, day(2), compute="12.345678", network="42.1", ipranges="450", vcs_branch=None, resource_class=None),
    job(5, day(2), compute="5", lease="3", lease_overage="1.5", other="9", project_id=_API, project_name="api"),
    job(6, day(3), compute="100", executor="Machine", resource_class="large", vcs_branch="naïve/ünï\n=1+1"),
    job(7, day(3), compute="100", executor="Machine", resource_class="large", vcs_branch="naïve/ünï\n=1+1"),
    job(8, day(3), job_run_stopped_at=None, job_run_seconds=None),
)


def publish_usage(
    folder: Path, usage: Iterable[Record] = USAGE, tags: str = TAGS, configuration: str = CONFIGURATION
) -> Lake:
    """Publish the usage of 1 to 4 October 2026 below the folder; the last day is empty."""
    (folder / "circleci_cost.toml").write_text(configuration + tags)
    settings = read_settings(folder / "circleci_cost.toml")
    lake = open_lake(settings.data_dir)
    days = [day(number) for number in range(1, 5)]
    land_rows(lake, usage, days[0], days[-1])
    ingest(lake, days)
    with tables_to_publish(lake) as connection:
        write_prices(connection, settings.cost_centers[0].price_periods, days[0], day(31))
        at = datetime(2026, 11, 2, tzinfo=UTC)
        write_daily_costs(connection, lake, CENTER, days, at, history_start=days[0], restatement_days=4)
        _reckon_credits(connection, settings, days)
        allocate(connection, prepare(settings.virtual_tags, settings.resolve))
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
    return lake


def _reckon_credits(connection: duckdb.DuckDBPyConnection, settings: Settings, days: Sequence[date]) -> None:
    """Write the ledger of the credits that the configuration names."""
    parameters = {"cost_centers": [CENTER], "through": days[-1]}
    usage = connection.sql(sql("credits/daily_usage"), params=parameters).pl().cast(dict(USAGE_SCHEMA))
    ledger = credit_ledger(credit_lots(usable_credits(settings).centers, days[-1]), usage, days[-1])
    replace_rows(connection, {"credit_lots": ledger})
