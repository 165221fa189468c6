"""What an address asks of the page of waste: days, and filters as `circleci-cost waste --where` has them."""

from collections.abc import Sequence
from dataclasses import dataclass

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.periods import PERIOD_PARAMETERS, asked_period
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.warehouse.efficiency.waste_report import waste_filters

PATH = "/waste"
PARAMETERS = (*PERIOD_PARAMETERS, "where")


@dataclass(frozen=True)
class Asked:
    """A checked address; `preset` is None for days that are named."""

    address: Address
    days: DayRange
    preset: str | None
    filters: Sequence[Filter]


def read_asked(address: Address, snapshot: Snapshot) -> Asked:
    """Read an address. In: a generation that has waste. Raises `UsageError`."""
    address.require_known(PARAMETERS)
    preset, days = asked_period(address, snapshot)
    return Asked(address, days, preset, waste_filters(snapshot.connection, address.many("where")))
