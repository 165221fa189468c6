"""The figures that a report can show of an amount: sums as they are, and ratios of sums.

A ratio is never added up: that of several groups is the ratio of their sums.
"""

from decimal import Decimal
from enum import StrEnum

from circleci_cost.model.reporting.report import Amount
from circleci_cost.text.amounts import UNPRICED, WIDE, dollars, signed, small_dollars, whole_number

_SECONDS = Decimal(60)


class Metric(StrEnum):
    """What is shown of an amount."""

    COST = "cost"
    CREDITS = "credits"
    RUNS = "runs"
    MINUTES = "minutes"
    COST_PER_RUN = "cost_per_run"
    COST_PER_MINUTE = "cost_per_minute"

    @property
    def words(self) -> str:
        """The metric's name: `cost per run`."""
        return self.replace("_", " ")

    @property
    def unit(self) -> str:
        """What its values are counted in."""
        return _UNITS[self]

    @property
    def is_sum(self) -> bool:
        """Whether values of groups and days add up."""
        return self not in _RATIOS

    @property
    def is_in_dollars(self) -> bool:
        """Whether its values are dollars."""
        return self is Metric.COST or self in _RATIOS

    def of(self, amount: Amount) -> Decimal | None:
        """The value; None where it is unknown: without a price, or of what cannot be counted or divided.

        A ratio needs a price for all credits: a part of the cost is no measure of all runs.
        """
        if self is Metric.CREDITS:
            return amount.credits
        if self is Metric.COST:
            return amount.cost
        if self is Metric.RUNS:
            return None if amount.runs is None else Decimal(amount.runs)
        minutes = None if amount.run_seconds is None else WIDE.divide(Decimal(amount.run_seconds), _SECONDS)
        if self is Metric.MINUTES:
            return minutes
        divisor = minutes if self is Metric.COST_PER_MINUTE else amount.runs
        if not divisor or amount.cost is None or amount.unpriced_credits:
            return None
        return WIDE.divide(amount.cost, Decimal(divisor))

    def text(self, value: Decimal | None) -> str:
        """A value for people: dollars to the cent or, of a ratio, to four decimals; others whole."""
        if value is None:
            return UNPRICED if self is Metric.COST else "–"
        if self is Metric.COST:
            return dollars(value)
        return small_dollars(value) if self in _RATIOS else whole_number(value)

    def change_text(self, change: Decimal) -> str:
        """A change with its sign."""
        if self is Metric.COST:
            return signed(change)
        sign = "+" if change > 0 else "-" if change < 0 else ""
        return sign + self.text(change.copy_abs())

    @property
    def decimals(self) -> int:
        """The decimals to which its values are drawn."""
        return 4 if self in _RATIOS else 2 if self is Metric.COST else 0


_RATIOS = (Metric.COST_PER_RUN, Metric.COST_PER_MINUTE)
_UNITS = {
    Metric.COST: "USD",
    Metric.CREDITS: "credits",
    Metric.RUNS: "runs",
    Metric.MINUTES: "minutes",
    Metric.COST_PER_RUN: "USD per run",
    Metric.COST_PER_MINUTE: "USD per minute",
}
