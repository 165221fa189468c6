"""What an address asks of the page of teams: a tag, days, one of its values, an order. Every value is checked here."""

from dataclasses import dataclass
from enum import StrEnum

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.periods import PERIOD_PARAMETERS, asked_period
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.allocation.definition import UNALLOCATED, VirtualTag
from circleci_cost.model.allocation.rule_conditions import configured_tag
from circleci_cost.model.reporting.names import known_value, tag_named
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import suggestion_or_all
from circleci_cost.warehouse.core.cost_rows import values_of

PATH = "/teams"
PARAMETERS = ("tag", *PERIOD_PARAMETERS, "value", "sort", "rows")
ALL_ROWS = "all"


class Sort(StrEnum):
    """What the values are sorted by; amounts and changes in descending order."""

    COST = "cost"
    DIRECT = "direct"
    SHARED = "shared"
    BEFORE = "before"
    CHANGE = "change"
    NAME = "name"


@dataclass(frozen=True)
class Asked:
    """A checked address. `preset` is None for days that were named, `value` where no single one is asked for."""

    address: Address
    tag: VirtualTag
    days: DayRange
    preset: str | None
    value: str | None
    sort: Sort
    shows_all_rows: bool

    @property
    def without_value(self) -> frozenset[str]:
        """The values that stand for costs that no rule fits."""
        return frozenset((self.tag.default, UNALLOCATED))


def asked(address: Address, snapshot: Snapshot) -> Asked:
    """Read an address; the generation has virtual tags. Raises `UsageError`."""
    address.require_known(PARAMETERS)
    name = address.one("tag")
    tag = tag_named(name, snapshot.tags) if name else snapshot.tags[0]
    preset, days = asked_period(address, snapshot)
    value, sort, rows = address.one("value"), address.one("sort") or Sort.COST.value, address.one("rows")
    if value is not None:
        value = known_value(tag, value, values_of(snapshot.connection, tag))
    if sort not in set(Sort):
        raise UsageError(f"There is no order {quoted(sort)}; {suggestion_or_all(sort, [each.value for each in Sort])}")
    if rows not in {None, ALL_ROWS}:
        raise UsageError(f"rows={quoted(rows)} is unknown; leave it out, or write rows={ALL_ROWS}.")
    return Asked(
        address,
        configured_tag(snapshot.settings.virtual_tags, tag),
        days,
        preset,
        value,
        Sort(sort),
        rows == ALL_ROWS,
    )
