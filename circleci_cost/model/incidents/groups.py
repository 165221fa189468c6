"""Which episodes belong together: those that continue a change of their series, and those of series above and below.

At which level of a group the cause lies is `causes`' job.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from circleci_cost.model.incidents.episodes import DRIFT, LEVEL_SHIFT, MOST_GAP_DAYS, NEW, WEEKEND_LEAK, Episode
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.ledger import Ledger

# Alarms of related series that begin within this many days may share a cause.
WITHIN_DAYS = 7
# A short change has lasted if the days after it reach this share of the days in alarm, which were the largest.
_LASTS = 0.3
_LASTING = (LEVEL_SHIFT, DRIFT)
# The share of a whole's change that a part has which explains it, and that of one which may be where it began.
EXPLAINS, _BEGINS = 0.6, 0.3
# A change of a part is its whole's if it is at most so many times as large, relative to what is usual.
_MOST_TIMES = 2.0


def related_groups(episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> list[list[Episode]]:
    """Group episodes with those above them at about the same time, and with those that continue them."""
    of_series: dict[tuple[str, str], list[int]] = defaultdict(list)
    first_days: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, episode in enumerate(episodes):
        of_series[episode.series, episode.direction].append(number)
        first_days[episode.series, episode.direction].append(episode.first)
    leader = list(range(len(episodes)))

    def lead(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    above = [_nearest_above(episode, episodes, (of_series, first_days), hierarchy, ledger) for episode in episodes]
    for number, whole in enumerate(above):
        if whole is not None:
            leader[lead(number)] = lead(whole)
    for numbers in of_series.values():
        for earlier, later in pairwise(numbers):
            if not _goes_on(episodes[earlier], episodes[later], ledger):
                continue
            of_later = above[later]
            if of_later is None or not _is_another(episodes[earlier], episodes[of_later], ledger):
                leader[lead(later)] = lead(earlier)
    groups: dict[int, list[Episode]] = defaultdict(list)
    for number, episode in enumerate(episodes):
        groups[lead(number)].append(episode)
    return list(groups.values())


def change_of(series: str, days: tuple[int, int, int], ledger: Ledger) -> tuple[float, float]:
    """Return a series' change from the second of the days to the third, against what was usual before the first one.

    And what was usual then.
    """
    begin, first, last = days
    value, usual = ledger.course(series, begin, last)
    whole = float(usual[first - begin :].sum())
    return float(value[first - begin :].sum()) - whole, whole


def has_share(part: float, whole: float, least: float) -> bool:
    """Return whether a part's change makes up a share of its whole's; of one that has not changed, it always does."""
    return whole == 0 or part / whole >= least


def _goes_on(earlier: Episode, later: Episode, ledger: Ledger) -> bool:
    """Return whether the later alarms of a series belong to the change that the earlier ones began.

    A shift bridges a week without alarms; a short change does so only if costs did not return to normal in between. A
    drift that reaches back to a change is the rest of that change. What steps beyond a change does not continue it,
    and what is unusual for a new series is not that it is new.
    """
    if later.since - earlier.last > WITHIN_DAYS or later.steps or earlier.kind == NEW:
        return False
    if earlier.kind in _LASTING or earlier.kind == later.kind == WEEKEND_LEAK:
        return True
    during = ledger.impact(earlier.series, earlier.first, earlier.last)
    between = ledger.impact(earlier.series, earlier.first, later.first - 1) - during
    mean = during / (earlier.last - earlier.first + 1)
    return mean != 0 and between / (later.first - 1 - earlier.last) / mean >= _LASTS


def _is_another(earlier: Episode, whole: Episode, ledger: Ledger) -> bool:
    """Return whether the change of a whole is another one than that which a part of it had begun before."""
    if whole.first - earlier.first <= MOST_GAP_DAYS:
        return False
    days = (earlier.first, whole.first, whole.last)
    of_part, of_whole = (change_of(series, days, ledger)[0] for series in (earlier.series, whole.series))
    return whole.steps or not has_share(of_part, of_whole, _BEGINS)


def _nearest_above(
    episode: Episode,
    episodes: Sequence[Episode],
    by_series: tuple[Mapping[tuple[str, str], Sequence[int]], Mapping[tuple[str, str], Sequence[int]]],
    hierarchy: Hierarchy,
    ledger: Ledger,
) -> int | None:
    """Return which episode of the series above began together with an episode: the one that began nearest to it.

    `by_series` are the numbers of the episodes and their first days, by series and direction.
    """
    numbers_of, first_days_of = by_series
    together = []
    for levels, ancestor in enumerate(hierarchy.ancestors(episode.series)):
        first_days = first_days_of.get((ancestor, episode.direction))
        if first_days is None:
            continue
        numbers = numbers_of[ancestor, episode.direction]
        near = slice(
            bisect_left(first_days, episode.first - WITHIN_DAYS), bisect_right(first_days, episode.first + WITHIN_DAYS)
        )
        together += [
            (abs(episodes[number].first - episode.first), levels, number)
            for number in numbers[near]
            if _together(episode, episodes[number], ledger)
        ]
    return min(together)[-1] if together else None


def _together(part: Episode, whole: Episode, ledger: Ledger) -> bool:
    """Return whether a series and one above it are in alarm at about the same time, by what may be one change.

    A change that took days to detect may have begun before; a day in alarm by itself has not. Of alarms that begin days
    apart, the later one's change must be explained by the earlier one's.
    """
    earlier, later = (part, whole) if part.first <= whole.first else (whole, part)
    away, gap = later.first - earlier.first, later.first - earlier.last
    if away > WITHIN_DAYS or (gap > 0 and abs(earlier.last - later.last) > WITHIN_DAYS):
        return False
    if later.kind not in _LASTING and gap > MOST_GAP_DAYS:
        return False
    return away <= MOST_GAP_DAYS or _is_one_change(part, whole, (earlier.first, later.first, later.last), ledger)


def _is_one_change(part: Episode, whole: Episode, days: tuple[int, int, int], ledger: Ledger) -> bool:
    """Return whether a part has most of its whole's change, or has changed hardly more than it for its size."""
    of_part, usual_of_part = change_of(part.series, days, ledger)
    of_whole, usual_of_whole = change_of(whole.series, days, ledger)
    if has_share(of_part, of_whole, EXPLAINS):
        return True
    if whole.first > part.first and not has_share(of_part, of_whole, _BEGINS):
        return False
    if usual_of_part <= 0 or usual_of_whole <= 0:
        return True
    return 0 < of_part / usual_of_part / (of_whole / usual_of_whole) <= _MOST_TIMES
