"""Which alarms have one cause, and at which level of the hierarchy the cause lies.

An alarm in a job is one in its workflow, project and organization, too; told once, at the level that explains it best.
What an incident is told with is `incidents`' to say.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from circleci_cost.model.incidents.episodes import (
    DRIFT,
    LEVEL_SHIFT,
    MOST_GAP_DAYS,
    PRICE_CHANGE,
    WEEKEND_LEAK,
    Episode,
    Ledger,
)

# Alarms of related series that begin within so many days have one cause.
WITHIN_DAYS = 7
# A child explains its parent's change if it brings so much of it, and the rest has changed less than half as much.
_EXPLAINS, _REST = 0.6, 0.5
# What was short has lasted if the days after it come to so much of what those in alarm did: these were the largest.
_LASTS = 0.3
_LASTING = (LEVEL_SHIFT, DRIFT)
# What begins within a change is told apart if a day of it comes to so much of a day of the change.
_LARGE = 0.5
# So many children in alarm, and so large a part of them all, or all, are a matter of their parent.
_MANY, _MOST_OF = 3, 0.5


@dataclass(frozen=True)
class Hierarchy:
    """The parent of each series; None of one at the top."""

    parents: Mapping[str, str | None]
    children: Mapping[str, Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Turn it round once."""
        children: dict[str, list[str]] = defaultdict(list)
        for series, parent in self.parents.items():
            if parent is not None:
                children[parent].append(series)
        object.__setattr__(self, "children", dict(children))

    def ancestors(self, series: str) -> Iterator[str]:
        """The parent, its parent and so on."""
        parent = self.parents.get(series)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def related(self, one: str, other: str) -> bool:
        """Whether one is the other, or lies above or below it."""
        return one == other or one in self.ancestors(other) or other in self.ancestors(one)


@dataclass(frozen=True)
class Cause:
    """A series, and the episodes in it, below and above it that it explains."""

    series: str
    episodes: tuple[Episode, ...]

    @property
    def since(self) -> int:
        """The day on which the change began.

        A drift tells when only if it came first, in the series or at all: else it is what is left of an earlier change.
        """
        own = sorted((each for each in self.episodes if each.series == self.series), key=lambda each: each.first)
        firsts = [each.since for each in self.episodes if each.first == self.first]
        return min(*firsts, *(each.since for each in own[:1]), *(each.first for each in self.episodes))

    @property
    def first(self) -> int:
        """The first day in alarm."""
        return min(each.first for each in self.episodes)

    @property
    def last(self) -> int:
        """The last day in alarm."""
        return max(each.last for each in self.episodes)


def causes_of(episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> list[Cause]:
    """Return the causes of all episodes, each of which belongs to one cause."""
    causes: list[Cause] = []
    for group in _related_groups(episodes, hierarchy, ledger):
        there = {each.series for each in group}
        tops = [series for series in there if not there & set(hierarchy.ancestors(series))]
        for top in sorted(tops):
            below = [each for each in group if each.series == top or top in hierarchy.ancestors(each.series)]
            causes += _resolved(top, below, hierarchy, ledger)
    return causes


def _related_groups(episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> list[list[Episode]]:
    """Put episodes together with those above them about the same time, and with the next ones of the same series."""
    of_series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, each in enumerate(episodes):
        of_series[each.series, each.direction].append(number)
    leader = list(range(len(episodes)))

    def lead(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    for numbers in of_series.values():
        for earlier, later in pairwise(numbers):
            if _goes_on(episodes[earlier], episodes[later], ledger):
                leader[lead(later)] = lead(earlier)
    for number, each in enumerate(episodes):
        for ancestor in hierarchy.ancestors(each.series):
            for other in of_series.get((ancestor, each.direction), ()):
                if _together(each, episodes[other]):
                    leader[lead(number)] = lead(other)
    groups: dict[int, list[Episode]] = defaultdict(list)
    for number, each in enumerate(episodes):
        groups[lead(number)].append(each)
    return list(groups.values())


def _goes_on(earlier: Episode, later: Episode, ledger: Ledger) -> bool:
    """Tell whether the later alarms of a series are of the change that the earlier ones began.

    A shift goes on for a week without alarms, and what was short only if costs have not been as before in between. A
    drift that reaches back to a change is the rest of that change; a price is a fact of its own.
    """
    if later.since - earlier.last > WITHIN_DAYS or later.kind == PRICE_CHANGE:
        return False
    if earlier.kind in _LASTING or earlier.kind == later.kind == WEEKEND_LEAK:
        return True
    during = ledger.impact(earlier.series, earlier.first, earlier.last)
    between = ledger.impact(earlier.series, earlier.first, later.first - 1) - during
    mean = during / (earlier.last - earlier.first + 1)
    return mean != 0 and between / (later.first - 1 - earlier.last) / mean >= _LASTS


def _together(one: Episode, other: Episode) -> bool:
    overlap = one.first <= other.last and other.first <= one.last
    return abs(one.first - other.first) <= WITHIN_DAYS and (overlap or abs(one.last - other.last) <= WITHIN_DAYS)


def _resolved(top: str, episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> Iterator[Cause]:
    """Go down from the top as long as something below explains what is above."""
    whole = Cause(top, tuple(episodes))
    first, last = whole.since, whole.last
    there = {each.series for each in episodes} - {top}
    below = [series for series in there if _nearest(series, there, hierarchy) is None]
    parts = sorted(below, key=lambda series: -abs(ledger.impact(series, first, last)))
    explaining = _explaining(top, parts, hierarchy, ledger, (first, last))
    if not explaining:
        later = list(_later(whole, parts, hierarchy, ledger))
        apart = {each for _, inside in later for each in inside}
        yield Cause(top, tuple(each for each in episodes if each not in apart))
        for series, inside in later:
            yield from _resolved(series, inside, hierarchy, ledger)
        return
    own = [each for each in episodes if each.series == top]
    for series in parts:
        inside = _inside(series, episodes, hierarchy)
        # What is above is told with the part that explains most of it.
        yield from _with(own if series == explaining[0] else [], _resolved(series, inside, hierarchy, ledger))


def _inside(series: str, episodes: Sequence[Episode], hierarchy: Hierarchy) -> list[Episode]:
    return [each for each in episodes if each.series == series or series in hierarchy.ancestors(each.series)]


def _later(
    whole: Cause, parts: Sequence[str], hierarchy: Hierarchy, ledger: Ledger
) -> Iterator[tuple[str, Sequence[Episode]]]:
    """Find what has begun in a part while the whole was in alarm already, and is a large cause of its own."""
    for series in parts:
        for inside in _apart_in_time(_inside(series, whole.episodes, hierarchy)):
            first, last = min(each.first for each in inside), max(each.last for each in inside)
            if first - whole.first <= MOST_GAP_DAYS:
                continue
            before = ledger.impact(whole.series, whole.since, first - 1) / (first - whole.since)
            own = ledger.impact(series, first, last) / (last - first + 1)
            change, usual = ledger.impact(whole.series, first, last), ledger.usual(whole.series, first, last)
            if abs(own) >= _LARGE * abs(before) and _explains((series,), change, usual, ledger, (first, last)):
                yield series, inside


def _apart_in_time(episodes: Sequence[Episode]) -> list[list[Episode]]:
    """Put those together between which hardly a day is quiet."""
    found: list[list[Episode]] = []
    last = -1
    for each in sorted(episodes, key=lambda each: each.first):
        if not found or each.first - last > MOST_GAP_DAYS + 1:
            found.append([])
        found[-1].append(each)
        last = max(last, each.last)
    return found


def _with(more: Sequence[Episode], causes: Iterator[Cause]) -> Iterator[Cause]:
    for number, cause in enumerate(causes):
        yield Cause(cause.series, (*cause.episodes, *more)) if number == 0 else cause


def _nearest(series: str, there: set[str], hierarchy: Hierarchy) -> str | None:
    return next((each for each in hierarchy.ancestors(series) if each in there), None)


def _explaining(
    top: str, parts: Sequence[str], hierarchy: Hierarchy, ledger: Ledger, days: tuple[int, int]
) -> Sequence[str]:
    """Return the parts that explain the change of what is above them; none where it is a matter of the whole."""
    whole, usual = ledger.impact(top, *days), ledger.usual(top, *days)
    if not parts or whole == 0:
        return parts
    # A part of what is new is new as well: the whole of it is the cause.
    if usual <= 0:
        return ()
    largest = parts[:1]
    if _explains(largest, whole, usual, ledger, days):
        return largest
    children = hierarchy.children.get(top, ())
    if 1 < len(parts) == len(children) or (len(parts) >= _MANY and len(parts) >= _MOST_OF * len(children)):
        return ()
    return parts if _explains(parts, whole, usual, ledger, days) else ()


def _explains(parts: Sequence[str], whole: float, usual: float, ledger: Ledger, days: tuple[int, int]) -> bool:
    impact = sum(ledger.impact(each, *days) for each in parts)
    expected = sum(ledger.usual(each, *days) for each in parts)
    if impact / whole < _EXPLAINS:
        return False
    rest, rest_usual = whole - impact, usual - expected
    if rest_usual <= 0 or expected <= 0:
        return True
    return abs(rest / rest_usual) < _REST * abs(impact / expected)
