"""The prices of a cost center as a timeline for review, with gaps, ends and remarks.

What a price period is, is in `price_periods`; the command line and the pages draw timelines.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.model.pricing.price_gaps import gaps
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.text.units import counted


@dataclass(frozen=True)
class Stretch:
    """Days at one price, or without a price; `until` is None for the ongoing price."""

    price: Decimal | None
    first: date
    until: date | None
    remark: str

    def days(self, today: date) -> int:
        """The number of its days up to today, which counts."""
        last = min(self.until or today, today)
        return max(0, (last - self.first).days + 1)


def timeline(center: CostCenter, history_start: date, today: date) -> list[Stretch]:
    """The prices of a cost center and the days of the history without one, in order."""
    unpriced = gaps(center.price_periods, history_start, today)
    stretches = [
        Stretch(
            period.price_per_credit,
            period.effective_from,
            period.effective_until,
            _remark(period, history_start, today),
        )
        for period in center.price_periods
    ]
    stretches += [Stretch(None, gap.first, gap.last, "gap: usage stays unpriced") for gap in unpriced]
    return sorted(stretches, key=lambda stretch: stretch.first)


def _remark(period: PricePeriod, history_start: date, today: date) -> str:
    when = _place_in_time(period, history_start, today)
    # Without the remark, $0 would look like usage that nobody has priced.
    return when if period.price_per_credit else f"free, every cost is $0{f'; {when}' if when else ''}"


def _place_in_time(period: PricePeriod, history_start: date, today: date) -> str:
    if period.effective_until is not None and period.effective_until < history_start:
        return f"before the history, which begins on {history_start}"
    if period.effective_from > today:
        return "in the future"
    if period.effective_until is None:
        return "today's price, ongoing"
    if period.effective_until >= today:
        return f"today's price; ends in {counted((period.effective_until - today).days, 'day')}, and none follows yet"
    return ""


def ends_without_successor(center: CostCenter, today: date) -> date | None:
    """The day on which the last price ends; None where a price is ongoing or the last one has ended already."""
    ends = [period.effective_until for period in center.price_periods]
    if not ends or None in ends:
        return None
    last = max(end for end in ends if end is not None)
    return last if last >= today else None
