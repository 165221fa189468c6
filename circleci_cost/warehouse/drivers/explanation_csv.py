"""An explanation as CSV: a line for each group that changed, exact; the changes add up to the whole change.

The sentences for people are in `model.drivers.text`, the same as JSON in `explanation_json`.
"""

from collections.abc import Iterator

from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.movers import MOVEMENT, with_movement
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.text.amounts import cost_text
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.drivers.explanation import Explanation

_AMOUNTS = ("before", "after", "change")


def csv_lines(explanation: Explanation) -> Iterator[str]:
    """The lines, the largest change first: names, movement, costs in USD, and the effect of each driver in USD."""
    levels = explanation.periods.by or HIERARCHY
    yield csv_line([*levels, MOVEMENT, *_AMOUNTS, *DRIVERS])
    names = range(len(levels))
    for row in with_movement(explanation.movers).iter_rows(named=True):
        amounts = [*(row[f"{name}_usd"] for name in _AMOUNTS), *(row[name] for name in DRIVERS)]
        yield csv_line([*(row[name] for name in levels), row[MOVEMENT], *map(cost_text, amounts)], names)
