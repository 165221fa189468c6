"""Which alarms share a cause, and at which level of the hierarchy the cause lies.

An alarm in a job usually alarms its workflow, project and organization, too; it is reported once, at the level that
explains it best. The figures of an incident are `incidents`' job.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from circleci_cost.model.incidents.episodes import (
    MOST_GAP_DAYS,
    Episode,
)
from circleci_cost.model.incidents.groups import EXPLAINS, has_share, related_groups
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.ledger import PRICE_CHANGE, Ledger
from circleci_cost.model.incidents.steps import LARGE

# A part explains its whole's change only if the rest changed less than half as much.
_REST = 0.5
# When this many of a parent's children alarm, and this share of them, or all, the parent is the cause.
_MANY, _MOST_OF = 3, 0.5


@dataclass(frozen=True)
class Cause:
    """A series, and the episodes that it explains, in itself and in series below and above it."""

    series: str
    episodes: tuple[Episode, ...]

    @property
    def direction(self) -> str:
        """Whether costs went up or down."""
        return self.episodes[0].direction

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
    """Return the causes of all episodes but price changes; each episode belongs to one cause."""
    causes: list[Cause] = []
    alarms = [episode for episode in episodes if episode.kind != PRICE_CHANGE]
    for group in related_groups(alarms, hierarchy, ledger):
        in_alarm = {episode.series for episode in group}
        tops = [series for series in in_alarm if not in_alarm & set(hierarchy.ancestors(series))]
        for top in sorted(tops):
            below = [
                episode for episode in group if episode.series == top or top in hierarchy.ancestors(episode.series)
            ]
            causes += _resolved(top, below, hierarchy, ledger)
    return causes


def _resolved(top: str, episodes: Sequence[Episode], hierarchy: Hierarchy, ledger: Ledger) -> Iterator[Cause]:
    """Go down from the top as long as series below explain the change above."""
    whole = Cause(top, tuple(episodes))
    own = [episode for episode in episodes if episode.series == top]
    # Parts explain the days on which the whole was in alarm; what else they did is not a matter of the whole.
    judged = own or episodes
    first, last = min(episode.since for episode in judged), max(episode.last for episode in judged)
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
            change, usual = ledger.change(whole.series, first, last)
            if abs(own) >= LARGE * abs(before) and _explains((series,), change, usual, ledger, (first, last)):
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
    whole, usual = ledger.change(top, *days)
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
    changes = [ledger.change(series, *days) for series in parts]
    impact, expected = sum(change for change, _ in changes), sum(own for _, own in changes)
    if not has_share(impact, whole, EXPLAINS):
        return False
    rest, rest_usual = whole - impact, usual - expected
    if rest_usual <= 0 or expected <= 0:
        return True
    return abs(rest / rest_usual) < _REST * abs(impact / expected)
