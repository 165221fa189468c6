"""What the pipeline has to come to, computed from the generator's rows with Python's own Decimal.

Shares no code with what it is compared with: no DuckDB, no SQL, no price spreading of the package.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from circleci_cost.simulator import Scenario, generate
from circleci_cost_tests.pipeline.harness import Center, Price

CHARGE_TYPES = {
    "compute": "COMPUTE_CREDITS",
    "dlc": "DLC_CREDITS",
    "user": "USER_CREDITS",
    "storage": "STORAGE_CREDITS",
    "network": "NETWORK_CREDITS",
    "lease": "LEASE_CREDITS",
    "lease_overage": "LEASE_OVERAGE_CREDITS",
    "ipranges": "IPRANGES_CREDITS",
}
DIMENSIONS = {
    "organization_id": "ORGANIZATION_ID",
    "project_id": "PROJECT_ID",
    "workflow": "WORKFLOW_NAME",
    "job": "JOB_NAME",
    "branch": "VCS_BRANCH",
    "resource_class": "RESOURCE_CLASS",
    "executor": "EXECUTOR",
    "operating_system": "OPERATING_SYSTEM",
    "parallelism": "PARALLELISM",
    "trigger_source": "PIPELINE_TRIGGER_SOURCE",
    "build_status": "JOB_BUILD_STATUS",
    "unregistered": "IS_UNREGISTERED_USER",
}
_ZERO = Decimal(0)
# Enough digits for any sum here: Python's default of 28 would round nothing either, but silently.
_EXPONENT = Decimal("0.0000000000000001")


@dataclass
class Sums:
    """Adds up the rows of one group."""

    jobs: int = 0
    runs: int = 0
    credits: Decimal = _ZERO
    by_type: tuple[Decimal, ...] = (_ZERO,) * len(CHARGE_TYPES)


def price_on(prices: Sequence[Price], day: date) -> Decimal | None:
    """The one price of a day."""
    prices_of_day = [
        Decimal(price.price_per_credit)
        for price in prices
        if price.effective_from <= day.isoformat() <= (price.effective_until or "9999")
    ]
    return prices_of_day[0] if prices_of_day else None


def expected_costs(
    scenario: Scenario, centers: Mapping[str, Center], first: date, last: date, as_of: datetime
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """(cost center, date, *DIMENSIONS) → (jobs, runs, credits, *credits by type, cost, *costs by type)."""
    sums_by_key: dict[tuple[Any, ...], Sums] = {}
    for name, center in centers.items():
        for frame in generate(scenario, [center.organization_id, *center.shared], first, last, as_of):
            for row in frame.iter_rows(named=True):
                key = (name, row["JOB_RUN_DATE"], *(_key(row[source]) for source in DIMENSIONS.values()))
                sums = sums_by_key.setdefault(key, Sums())
                sums.jobs += 1
                sums.runs += row["JOB_RUN_STOPPED_AT"] is not None
                sums.credits += Decimal(str(row["TOTAL_CREDITS"]))
                sums.by_type = tuple(
                    before + Decimal(str(row[source] or 0))
                    for before, source in zip(sums.by_type, CHARGE_TYPES.values(), strict=True)
                )
    return {key: _priced(sums, price_on(centers[key[0]].prices, key[1])) for key, sums in sums_by_key.items()}


def _key(value: Any) -> Any:
    """A value as daily costs have it: numbers are names there."""
    return str(value) if type(value) is int else value


def _priced(sums: Sums, price: Decimal | None) -> tuple[Any, ...]:
    credits = (sums.credits, *sums.by_type)
    costs = tuple(None if price is None else (each * price).quantize(_EXPONENT) for each in credits)
    return (sums.jobs, sums.runs, *credits, *costs)


def found_costs(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Rows of the published daily_costs in the form of `expected_costs`."""
    costs_by_key = {}
    for row in rows:
        key = (row["cost_center"], row["date"], *(row[name] for name in DIMENSIONS))
        assert key not in costs_by_key, f"{key} stands there twice"
        credits = (row["credits"], *(row[f"{name}_credits"] for name in CHARGE_TYPES))
        costs = (row["cost_usd"], *(row[f"{name}_cost_usd"] for name in CHARGE_TYPES))
        costs_by_key[key] = (row["jobs"], row["runs"], *credits, *costs)
    return costs_by_key
