"""What a command that has computed costs leaves without a price: said by day, and the exit code 5.

`report` and `explain` say it of the days asked for themselves.
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
    """End with 5 where credits of these cost centers have no price on some of `days`, of all by default."""
    generation = published(lake)
    if generation is None:
        return
    found = {}
    with generation.connect() as connection:
        for name in dict.fromkeys(names):
            if unpriced := unpriced_days(connection, name, days):
                found[name] = as_ranges(unpriced)
    if not found:
        return
    named = "; ".join(f"{name}: {say_gaps(ranges)}" for name, ranges in found.items())
    say(
        f"Partial: credits have no price and are in no dollar amount, {named}; add a price period for these days, "
        "then run `circleci-cost reprice`."
    )
    click.get_current_context().exit(PARTIAL_DATA)
