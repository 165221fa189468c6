"""Which alarms share a cause, and at which level of the hierarchy the cause lies.

An alarm in a job usually alarms its workflow, project and organization, too; it is reported once, at the level that
explains it best. The figures of an incident are `incidents`' job.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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

# Alarms of related series that begin within this many days share a cause.
WITHIN_DAYS = 7
# A child explains its parent's change if it contributes this share of it, and the rest changed less than half as much.
_EXPLAINS, _REST = 0.6, 0.5
# A short change has lasted if the days after it reach this share of the days in alarm, which were the largest.
_LASTS = 0.3
_LASTING = (LEVEL_SHIFT, DRIFT)
# A change that begins within another is reported apart if a day of it reaches this share of a day of the other.
_LARGE = 0.5
# When this many of a parent's children alarm, and this share of them, or all, the parent is the cause.
_MANY, _MOST_OF = 3, 0.5


@dataclass(frozen=True)
class Hierarchy:
    """The parent of each series; None for a series at the top."""

    parents: Mapping[str, str | None]
    children: Mapping[str, Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Build the children from the parents once."""
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

    def related(self, series: str, other: str) -> bool:
        """Whether two series are the same, or one lies above the other."""
        return series == other or series in self.ancestors(other) or other in self.ancestors(series)


@dataclass(frozen=True)
class Cause:
    """A series, and the episodes that it explains, in itself and in series below and above it."""

    series: str
    episodes: tuple[Episode, ...]

    @cached_property
    def since(self) -> int:
        """The day on which the change began.

        A drift sets this day only if it is the first episode, of the series or of all: a later drift is the rest of an
        earlier change.
        """
        own = sorted(
            (episode for episode in self.episodes if episode.series == self.series), key=lambda episode: episode.first
        )
        firsts = [episode.since for episode in self.episodes if episode.first == self.first]
        return min(*firsts, *(episode.since for episode in own[:1]), *(episode.first for episode in self.episodes))

    @cached_property
    def first(self) -> int:
        """The first day in alarm."""
        return min(episode.first for episode in self.episodes)

    @cached_property
    def last(self) -> int:
        """The last day in alarm."""
        return max(episode.last for episode in self.episodes)


def causes_of(episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> list[Cause]:
    """Return the causes of all episodes; each episode belongs to one cause."""
    causes: list[Cause] = []
    for group in _related_groups(episodes, hierarchy, ledger):
        in_alarm = {episode.series for episode in group}
        tops = [series for series in in_alarm if not in_alarm & set(hierarchy.ancestors(series))]
        for top in sorted(tops):
            below = [
                episode for episode in group if episode.series == top or top in hierarchy.ancestors(episode.series)
            ]
            causes += _resolved(top, below, hierarchy, ledger)
    return causes


def _related_groups(episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> list[list[Episode]]:
    """Group episodes with those above them at about the same time, and with those that continue them."""
    of_series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, episode in enumerate(episodes):
        of_series[episode.series, episode.direction].append(number)
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
    for number, episode in enumerate(episodes):
        for ancestor in hierarchy.ancestors(episode.series):
            for other in of_series.get((ancestor, episode.direction), ()):
                if _together(episode, episodes[other]):
                    leader[lead(number)] = lead(other)
    groups: dict[int, list[Episode]] = defaultdict(list)
    for number, episode in enumerate(episodes):
        groups[lead(number)].append(episode)
    return list(groups.values())


def _goes_on(earlier: Episode, later: Episode, ledger: Ledger) -> bool:
    """Return whether the later alarms of a series belong to the change that the earlier ones began.

    A shift bridges a week without alarms; a short change does so only if costs did not return to normal in between. A
    drift that reaches back to a change is the rest of that change. A price change never continues an earlier one.
    """
    if later.since - earlier.last > WITHIN_DAYS or later.kind == PRICE_CHANGE:
        return False
    if earlier.kind in _LASTING or earlier.kind == later.kind == WEEKEND_LEAK:
        return True
    during = ledger.impact(earlier.series, earlier.first, earlier.last)
    between = ledger.impact(earlier.series, earlier.first, later.first - 1) - during
    mean = during / (earlier.last - earlier.first + 1)
    return mean != 0 and between / (later.first - 1 - earlier.last) / mean >= _LASTS


def _together(episode: Episode, other: Episode) -> bool:
    overlap = episode.first <= other.last and other.first <= episode.last
    return abs(episode.first - other.first) <= WITHIN_DAYS and (
        overlap or abs(episode.last - other.last) <= WITHIN_DAYS
    )


def _resolved(top: str, episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> Iterator[Cause]:
    """Go down from the top as long as series below explain the change above."""
    whole = Cause(top, tuple(episodes))
    first, last = whole.since, whole.last
    in_alarm = {episode.series for episode in episodes} - {top}
    below = [series for series in in_alarm if _nearest(series, in_alarm, hierarchy) is None]
    parts = sorted(below, key=lambda series: -abs(ledger.impact(series, first, last)))
    explaining = _explaining(top, parts, hierarchy, ledger, (first, last))
    if not explaining:
        later = list(_later(whole, parts, hierarchy, ledger))
        apart = {episode for _, inside in later for episode in inside}
        yield Cause(top, tuple(episode for episode in episodes if episode not in apart))
        for series, inside in later:
            yield from _resolved(series, inside, hierarchy, ledger)
        return
    own = [episode for episode in episodes if episode.series == top]
    for series in parts:
        inside = _inside(series, episodes, hierarchy)
        # The episodes of the top go with the part that explains most of it.
        yield from _with(own if series == explaining[0] else [], _resolved(series, inside, hierarchy, ledger))


def _inside(series: str, episodes: Sequence[Episode], hierarchy: Hierarchy) -> list[Episode]:
    return [
        episode for episode in episodes if episode.series == series or series in hierarchy.ancestors(episode.series)
    ]


def _later(
    whole: Cause, parts: Sequence[str], hierarchy: Hierarchy, ledger: Ledger
) -> Iterator[tuple[str, Sequence[Episode]]]:
    """Find large causes of their own that began in a part while the whole was already in alarm."""
    for series in parts:
        for inside in _apart_in_time(_inside(series, whole.episodes, hierarchy)):
            first, last = min(episode.first for episode in inside), max(episode.last for episode in inside)
            if first - whole.first <= MOST_GAP_DAYS:
                continue
            before = ledger.impact(whole.series, whole.since, first - 1) / (first - whole.since)
            own = ledger.impact(series, first, last) / (last - first + 1)
            change, usual = ledger.impact(whole.series, first, last), ledger.usual(whole.series, first, last)
            if abs(own) >= _LARGE * abs(before) and _explains((series,), change, usual, ledger, (first, last)):
                yield series, inside


def _apart_in_time(episodes: Sequence[Episode]) -> list[list[Episode]]:
    """Group episodes with at most `MOST_GAP_DAYS` quiet days between them."""
    groups: list[list[Episode]] = []
    last = -1
    for episode in sorted(episodes, key=lambda episode: episode.first):
        if not groups or episode.first - last > MOST_GAP_DAYS + 1:
            groups.append([])
        groups[-1].append(episode)
        last = max(last, episode.last)
    return groups


def _with(more: Sequence[Episode], causes: Iterator[Cause]) -> Iterator[Cause]:
    for number, cause in enumerate(causes):
        yield Cause(cause.series, (*cause.episodes, *more)) if number == 0 else cause


def _nearest(series: str, in_alarm: set[str], hierarchy: Hierarchy) -> str | None:
    return next((ancestor for ancestor in hierarchy.ancestors(series) if ancestor in in_alarm), None)


def _explaining(
    top: str, parts: Sequence[str], hierarchy: Hierarchy, ledger: Ledger, days: tuple[int, int]
) -> Sequence[str]:
    """Return the parts that explain the change of the series above them; none where the whole is the cause."""
    whole, usual = ledger.impact(top, *days), ledger.usual(top, *days)
    if not parts or whole == 0:
        return parts
    # All parts of a new series are new as well: the whole is the cause.
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
    impact = sum(ledger.impact(series, *days) for series in parts)
    expected = sum(ledger.usual(series, *days) for series in parts)
    if impact / whole < _EXPLAINS:
        return False
    rest, rest_usual = whole - impact, usual - expected
    if rest_usual <= 0 or expected <= 0:
        return True
    return abs(rest / rest_usual) < _REST * abs(impact / expected)
