"""What an address asks of the page of infrastructure: days, one pair of series, which pairs. Every value is checked."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.periods import PERIOD_PARAMETERS, asked_period
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.plain import quoted

PATH = "/infrastructure"
PARAMETERS = (*PERIOD_PARAMETERS, "pair", "pairs")
EVERY_PAIR = "all"
# Long enough to see two series move together.
_PERIOD = "90d"


@dataclass(frozen=True)
class Asked:
    """A checked address. `pair` is the CI series and the infrastructure series; `preset` is None for named days."""

    address: Address
    days: DayRange
    preset: str | None
    pair: tuple[str, str] | None
    shows_every_pair: bool


def read_asked(address: Address, snapshot: Snapshot, pairs: pl.DataFrame, complete: date | None) -> Asked:
    """Read an address. In: the published pairs, and the last day on which the costs of some source are complete.

    Presets end with that day. Raises `UsageError`.
    """
    address.require_known(PARAMETERS)
    is_open = not any(address.one(name) for name in PERIOD_PARAMETERS)
    period = address.changed(period=_PERIOD) if is_open else address
    preset, days = asked_period(period, snapshot)
    if preset is not None:
        days = _within(days, complete, moves=preset.endswith("d"))
    which = address.one("pairs")
    if which not in {None, EVERY_PAIR}:
        raise UsageError(f"pairs={quoted(which)} is unknown; leave it out, or write pairs={EVERY_PAIR}.")
    return Asked(address, days, preset, _pair(address, pairs), which == EVERY_PAIR)


def _pair(address: Address, pairs: pl.DataFrame) -> tuple[str, str] | None:
    """The pair that is named by `pair` twice: CI's series, then the infrastructure's."""
    named = address.many("pair")
    if not named:
        return None
    if len(named) != 2:
        raise UsageError("A pair is named by pair=… twice: the CI series, then the infrastructure series.")
    ci, infrastructure = named
    if pairs.filter(pl.col("ci_series").eq(ci) & pl.col("infrastructure_series").eq(infrastructure)).is_empty():
        raise UsageError(f"No pair of {quoted(ci)} and {quoted(infrastructure)} was compared; choose one of the table.")
    return ci, infrastructure


def _within(days: DayRange, complete: date | None, *, moves: bool) -> DayRange:
    """The days up to a last one; as many days where the range may move."""
    if complete is None or not days.first <= complete < days.last:
        return days
    return DayRange(days.first - (days.last - complete) if moves else days.first, complete)
