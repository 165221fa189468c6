"""The days that an address asks for, by name or one by one, and those that they are compared with, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from circleci_cost.clock import utc_today, utc_yesterday
from circleci_cost.day_ranges import DayRange
from circleci_cost.days import parse_day
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.asking import days_there_are
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import OFF, PREVIOUS, WEEKDAYS, Compared
from circleci_cost.model.reporting.presets import PRESETS, Reach, preset_days
from circleci_cost.text.units import counted
from circleci_cost.warehouse.drivers.explanation import require_possible
from circleci_cost.warehouse.reporting.asked import asked_days

PERIOD_PARAMETERS = ("period", "from", "to")
PRESET_WORDS = {
    "30d": "last 30 days",
    "7d": "last 7 days",
    "90d": "last 90 days",
    "this_month": "this month",
    "last_month": "last month",
    "this_quarter": "this quarter",
    "12m": "last 12 months",
    "all": "all days",
}
COMPARISON_WORDS = {PREVIOUS: "the days before", WEEKDAYS: "the same weekdays before", OFF: "nothing"}


def asked_period(address: Address, snapshot: Snapshot) -> tuple[str | None, DayRange]:
    """The name of the period, None for days that are named, and its days. Raises `UsageError`."""
    preset, first, last = address.one("period"), address.one("from"), address.one("to")
    available, yesterday = days_there_are(snapshot), utc_yesterday(snapshot.clock)
    if first is None and last is None:
        name = preset or PRESETS[0]
        days = preset_days(name, Reach(snapshot.generation.manifest.data_through, available, yesterday))
        return name, _bounded(days, snapshot)
    if preset is not None:
        raise UsageError("The address has a period and days; leave out period, or from and to.")
    days = asked_days(parse_day(first) if first else None, parse_day(last) if last else None, available, yesterday)
    return None, _bounded(days, snapshot)


@dataclass(frozen=True)
class DaysMenu:
    """The days that a page shows, in words, and the presets to choose from: words, whether it is chosen, its address.

    `address` is the page's, whose other parameters a form for any days keeps.
    """

    chosen: str
    presets: Sequence[tuple[str, bool, Address]]
    days: DayRange
    address: Address


def days_menu(address: Address, preset: str | None, days: DayRange) -> DaysMenu:
    """The menu of a page; `preset` is None for days that are named."""
    presets = [
        (words, name == preset, address.changed(period=name, from_=None, to=None))
        for name, words in PRESET_WORDS.items()
    ]
    return DaysMenu(PRESET_WORDS[preset] if preset else str(days), presets, days, address)


def _bounded(days: DayRange, snapshot: Snapshot) -> DayRange:
    # Days at the ends of the calendar have none before or after them.
    require_possible(days, utc_today(snapshot.clock))
    most = snapshot.settings.explorer.max_days
    if days.days > most:
        raise UsageError(
            f"{days} has {counted(days.days, 'day')}; a page shows at most {most:,} (`max_days` of `[explorer]`)."
        )
    return days


def before_words(compared: Compared) -> str:
    """The days before, as a sentence names them: `the 30 days before`."""
    gap = (compared.current.first - compared.before.last).days
    return f"the {counted(compared.before.days, 'day')} before" if gap == 1 else str(compared.before)
