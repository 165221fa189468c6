"""Which days a report is compared with, and whether a change may be shown: over equal numbers of complete days only.

The baseline of `explain`, which weighs the weekdays of four weeks, is `model.drivers.baseline`'s.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import parse_day
from circleci_cost.errors import UsageError
from circleci_cost.model.reporting.report import Amount
from circleci_cost.text.amounts import WIDE, exact_number
from circleci_cost.text.units import counted

OFF = "off"
PREVIOUS = "previous"
WEEKDAYS = "weekdays"
_DAYS_OF_WEEK = 7


@dataclass(frozen=True)
class Change:
    """What a cost was and is, in USD."""

    now: Decimal
    before: Decimal

    @property
    def difference(self) -> Decimal:
        """The change, exact."""
        return WIDE.subtract(self.now, self.before)

    @property
    def share(self) -> Decimal | None:
        """The change as a share of the cost before; None where that was not above zero."""
        return WIDE.divide(self.difference, self.before) if self.before > 0 else None


@dataclass(frozen=True)
class Compared:
    """The days that are compared, as many of each, and what their costs came to (None: not asked yet)."""

    current: DayRange
    before: DayRange
    change: Change | None = None


@dataclass(frozen=True)
class Withheld:
    """Why there is no comparison, in a sentence."""

    reason: str


def compare(
    mode: str, period: DayRange, through: date | None, missing: Collection[date] = (), *, since: date = date.min
) -> Compared | Withheld | None:
    """The days to compare a period with; None where `mode` is `off`. Raises `UsageError` for another mode.

    `previous` is as many days right before the period; `weekdays` moves it back by the fewest whole weeks that hold
    it; `FROM:TO` is as given. Incomplete days at the end of the period, those after `through`, are cut off first, from
    both. The data begin on `since`; `missing` are days without data.
    """
    if mode == OFF:
        return None
    given = None if mode in {PREVIOUS, WEEKDAYS} else parse_range(mode, "compare", (OFF, WEEKDAYS, PREVIOUS))
    if given is not None and given.days != period.days:
        return Withheld(
            f"{period} has {counted(period.days, 'day')} and {given} has {counted(given.days, 'day')}: only equally "
            "many days are compared."
        )
    if through is None or through < period.first:
        reached = f"No day of {period} is complete yet: the data reach to {through}."
        return Withheld(reached if through else "No day is complete for every cost center yet.")
    current = DayRange(period.first, min(period.last, through))
    back = (current.first - given.first).days if given else _days_back(mode, current.days)
    if current.first.toordinal() - back < since.toordinal():
        return Withheld(f"The data begin on {since}: there are too few days before {current.first}.")
    before = DayRange(current.first - timedelta(days=back), current.last - timedelta(days=back))
    return _unless_incomplete(Compared(current, before), through, missing)


def _unless_incomplete(compared: Compared, through: date, missing: Collection[date]) -> Compared | Withheld:
    if compared.before.last > through:
        return Withheld(f"{compared.before} is not complete yet: the data reach to {through}.")
    parts = (compared.current, compared.before)
    lacking = [day for day in missing if any(part.first <= day <= part.last for part in parts)]
    return without_data(lacking) if lacking else compared


def without_data(days: Collection[date]) -> Withheld:
    """Nothing is told of days whose data are not complete."""
    return Withheld(f"There are no complete data for {say_ranges(as_ranges(days), 3)}.")


def _days_back(mode: str, days: int) -> int:
    return days if mode == PREVIOUS else -(-days // _DAYS_OF_WEEK) * _DAYS_OF_WEEK


def with_costs(compared: Compared, now: Amount, before: Amount) -> Compared | Withheld:
    """The comparison with the costs of its days; withheld where credits of either lack a price."""
    if now.cost is None or now.unpriced_credits:
        return unpriced(now, compared.current)
    if before.cost is None or before.unpriced_credits:
        return unpriced(before, compared.before)
    return replace(compared, change=Change(now.cost, before.cost))


def unpriced(amount: Amount, days: DayRange) -> Withheld:
    """No cost is told of days on which credits have no price."""
    return Withheld(f"{exact_number(amount.unpriced_credits)} credits of {days} have no price.")


def parse_range(text: str, name: str, words: Collection[str]) -> DayRange:
    """Read `FROM:TO`. `name` is the option's, `words` its other values. Raises `UsageError`."""
    first, colon, last = text.partition(":")
    try:
        if not colon:
            raise UsageError(text)
        days = DayRange(parse_day(first), parse_day(last))
    except UsageError as error:
        raise UsageError(
            f"{name} {text!r} is no period; write {', '.join(words)}, or two days such as 2026-01-01:2026-01-31."
        ) from error
    if days.last < days.first:
        raise UsageError(f"{name} {text!r} begins after it ends; exchange the days.")
    return days
