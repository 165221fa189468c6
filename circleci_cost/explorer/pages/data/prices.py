"""The price timeline of each cost center, and the days whose published costs rest on other prices or on none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.clock import utc_today
from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.pricing.timeline import timeline
from circleci_cost.warehouse.reporting.outdated_days import days_at_former_prices
from circleci_cost.warehouse.reporting.report import unpriced_days


@dataclass(frozen=True)
class PriceRow:
    """Days at one price; None: no price."""

    cost_center: str
    price: Decimal | None
    first: date
    until: date | None
    days: int
    remark: str


@dataclass(frozen=True)
class Prices:
    """The timelines, and by cost center the published days at former prices and those with unpriced credits."""

    rows: Sequence[PriceRow]
    former: Sequence[tuple[str, Sequence[DayRange]]]
    unpriced: Sequence[tuple[str, Sequence[DayRange]]]


def prices(snapshot: Snapshot) -> Prices:
    """The prices as the configuration has them now, against the published costs."""
    # Only a generation with such credits is searched for their days.
    searched = snapshot.cost_centers if snapshot.generation.manifest.unpriced_credits else []
    unpriced = ((name, unpriced_days(snapshot.connection, name, None)) for name in searched)
    return Prices(
        rows=price_rows(snapshot),
        former=list(days_at_former_prices(snapshot.connection, snapshot.settings).items()),
        unpriced=[(name, as_ranges(days)) for name, days in unpriced if days],
    )


def price_rows(snapshot: Snapshot) -> list[PriceRow]:
    """The timelines of all cost centers."""
    today = utc_today(snapshot.clock)
    return [
        PriceRow(center.name, each.price, each.first, each.until, each.days(today), each.remark)
        for center in snapshot.settings.cost_centers
        for each in timeline(center, snapshot.settings.history_start, today)
    ]
