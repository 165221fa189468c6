"""Price changes as causes: one for each new price, at the topmost series that has it, and apart from all else.

A price is known, so nothing has to be told from chance; `causes` groups what was detected.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from circleci_cost.model.anomalies.prices import PRICE_STEP
from circleci_cost.model.incidents.causes import Cause
from circleci_cost.model.incidents.episodes import Episode
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.ledger import PRICE_CHANGE, Ledger

# Steps that differ by less are the same price, rounded; see `model.anomalies.prices`.
_SAME_STEP = 1e-3
# A change of cost that begins within so many days of a price change may be that price's: small ones take their time.
SHOWS_WITHIN = 21
# In another view of the cost a change of at most so many times the price's is that of the price.
MOST_OF_STEP = 1.5
# What is left of a change without the price, as a share of it, below which the price explains it.
_REST = 0.5


def step_of(episode: Episode) -> float:
    """Return by which share a price has changed."""
    return (1.0 if episode.direction == "up" else -1.0) * episode.score * PRICE_STEP


def price_causes(episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> list[Cause]:
    """Return a cause for each price change, of the topmost series that has it.

    The mean price of a series whose parts have several moves with any of them, and with how much each of them is used:
    it is not a price. A series that was not used on the day of a change has the new price from its next day on.
    """
    changes = [episode for episode in episodes if episode.kind == PRICE_CHANGE]
    of_day = {(episode.series, episode.first): episode for episode in changes}
    of_series: dict[str, list[Episode]] = defaultdict(list)
    for episode in changes:
        if _is_one_price(episode, of_day, hierarchy, ledger):
            of_series[episode.series].append(episode)
    parts: dict[Episode, list[Episode]] = defaultdict(list)
    for episode in (episode for own in of_series.values() for episode in own):
        above = [
            _change_above(episode, of_series.get(name, ()), ledger) for name in hierarchy.ancestors(episode.series)
        ]
        tops = [other for other in above if other is not None]
        top = tops[-1] if tops else episode
        # One that was used later was told of with the others.
        parts[top] += [episode] if episode.first == top.first else []
    return [Cause(top.series, (top, *(part for part in below if part is not top))) for top, below in parts.items()]


def without_prices(
    causes: Sequence[Cause], prices: Sequence[Cause], hierarchy: Hierarchy, ledger: Ledger
) -> list[Cause]:
    """Return the causes that are more than the price changes of parts in a series that has no price of its own."""
    below: dict[str, list[Cause]] = defaultdict(list)
    for price in prices:
        for series in hierarchy.ancestors(price.series):
            below[series].append(price)
    return [cause for cause in causes if not _is_explained(cause, below.get(cause.series, ()), ledger)]


def _is_one_price(
    episode: Episode, of_day: dict[tuple[str, int], Episode], hierarchy: Hierarchy, ledger: Ledger
) -> bool:
    day = episode.first
    used = [series for series in hierarchy.children.get(episode.series, ()) if _is_judged(series, day, ledger)]
    same = (of_day.get((series, day)) for series in used)
    return not used or any(other is not None and abs(step_of(other) - step_of(episode)) <= _SAME_STEP for other in same)


def _is_judged(series: str, day: int, ledger: Ledger) -> bool:
    row = ledger.position.get(series)
    return row is not None and bool(ledger.value[row, day] > 0) and bool(ledger.expected[row, day] > 0)


def _change_above(episode: Episode, above: Sequence[Episode], ledger: Ledger) -> Episode | None:
    """Return the last price change of a series above since the one below was used."""
    before = [other for other in above if other.first <= episode.first]
    if not before:
        return None
    row, latest = ledger.position[episode.series], before[-1]
    was_used = bool(np.nansum(ledger.value[row, latest.first : episode.first]) > 0)
    return None if was_used else latest


def _is_explained(cause: Cause, prices: Sequence[Cause], ledger: Ledger) -> bool:
    near = [price for price in prices if 0 <= cause.first - price.first <= SHOWS_WITHIN]
    if not near:
        return False
    whole = ledger.impact(cause.series, cause.first, cause.last)
    rest = whole - sum(_effect(price, cause, ledger) for price in near)
    return whole != 0 and abs(rest) < _REST * abs(whole)


def _effect(price: Cause, cause: Cause, ledger: Ledger) -> float:
    """Return what a price change has added to the days of another cause."""
    step = step_of(price.episodes[0])
    value, _ = ledger.course(price.series, cause.first, cause.last)
    return float(value.sum()) * step / (1.0 + step)
