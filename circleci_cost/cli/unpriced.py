"""Says after computing costs which days have credits without a price, and ends the command with exit code 5.

`report` and `explain` say so themselves, of the days that they show.
"""

from collections.abc import Iterable

import click

from circleci_cost.cli.published_state import published
from circleci_cost.cli.streams import say
from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.errors import PARTIAL_DATA
from circleci_cost.lake.layout import Lake
from circleci_cost.model.pricing.price_gaps import say_gaps
from circleci_cost.warehouse.reporting.report import unpriced_days


def exit_partial_if_unpriced(lake: Lake, names: Iterable[str], days: DayRange | None = None) -> None:
    """Say on which of `days` (default: all) these cost centers have unpriced credits; exit with 5 if on any."""
    generation = published(lake)
    if generation is None:
        return
    unpriced_ranges = {}
    with generation.connect() as connection:
        for name in dict.fromkeys(names):
            if unpriced := unpriced_days(connection, name, days):
                unpriced_ranges[name] = as_ranges(unpriced)
    if not unpriced_ranges:
        return
    named = "; ".join(f"{name}: {say_gaps(ranges)}" for name, ranges in unpriced_ranges.items())
    say(
        f"Partial: credits have no price and are in no dollar amount, {named}; add a price period for these days, "
        "then run `circleci-cost reprice`."
    )
    click.get_current_context().exit(PARTIAL_DATA)
