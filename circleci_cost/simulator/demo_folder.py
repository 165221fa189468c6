"""What the demo writes to its data directory before any import: its day, its company's cloud costs and notes.

`demo` describes the usage, `infrastructure` the cloud account that moves with it.
"""

from datetime import date, timedelta
from itertools import cycle
from pathlib import Path

import polars as pl

from circleci_cost.config.demo import (
    ACME_ID,
    ACME_LABS_ID,
    ANNOTATIONS_FILE,
    DECISIONS_FILE,
    INFRASTRUCTURE_FILE,
    PRICE,
    USERS_FILE,
    anchor,
    remember_anchor,
)
from circleci_cost.days import HISTORY_MONTHS, months_later
from circleci_cost.lake.files import write_atomic
from circleci_cost.model.incidents.decisions import COLUMNS as DECISION_COLUMNS
from circleci_cost.simulator.daily import daily_usage
from circleci_cost.simulator.demo import demo_scenario
from circleci_cost.simulator.infrastructure import write_demo_infrastructure

_GIVEN_NAMES = ("Ana", "Ben", "Chidi", "Dana", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jun")
# Their number has no divisor in common with that of the others: no two users have the same name.
_FAMILY_NAMES = ("Abebe", "Berg", "Costa", "Dimov", "Evans", "Fofana", "Garcia")


def begin_demo(data_dir: Path, today: date) -> date:
    """Prepare the folder unless it is prepared, and return the day before which the demo's history ends."""
    day = anchor(data_dir, today)
    remember_anchor(data_dir, day)
    if not (data_dir / INFRASTRUCTURE_FILE).exists():
        _write_infrastructure(data_dir, day)
    for name, lines in (
        (DECISIONS_FILE, [",".join(DECISION_COLUMNS)]),
        (ANNOTATIONS_FILE, _annotations(day)),
        (USERS_FILE, _users(day)),
    ):
        if not (data_dir / name).exists():
            write_atomic(data_dir / name, "".join(f"{line}\n" for line in lines).encode())
    return day


def _annotations(day: date) -> list[str]:
    """What the demo's company noted about the changes of its scenario."""
    noted = [
        (75, "mobile-app: iOS builds moved to the large class"),
        (45, "payments-api: end-to-end tests run for every branch"),
        (10, "web-app: release week"),
    ]
    return ["date,text", *(f"{day - timedelta(days=ago)},{text}" for ago, text in noted)]


def _users(day: date) -> list[str]:
    """The names of the users of the demo's companies; of each organization, nobody has named the newest yet."""
    ids = [user_id for organization in demo_scenario(day).organizations for user_id in organization.user_ids[:-1]]
    names = zip(ids, cycle(_GIVEN_NAMES), cycle(_FAMILY_NAMES), strict=False)
    return ["id,name", *(f"{user_id},{given} {family}" for user_id, given, family in names)]


def _write_infrastructure(data_dir: Path, day: date) -> None:
    """Write the cloud costs of the demo's company, in which one service moves with the CI cost of acme."""
    scenario = demo_scenario(day)
    first, last = months_later(day, -HISTORY_MONTHS), day - timedelta(days=1)
    usage = [daily_usage(scenario, organization_id, first, last) for organization_id in (ACME_ID, ACME_LABS_ID)]
    daily = pl.concat(usage).select("date", cost=pl.col("credits") * float(PRICE))
    write_demo_infrastructure(data_dir, daily, first, last, scenario.seed)
