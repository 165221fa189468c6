"""Causes that begin together in several parts of a series: they are one, of that series, though it is silent itself.

A project's day of twice the pushes may alarm in two of its workflows and be too little for the project. Which series
above in alarm explains which below is the job of `causes`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from circleci_cost.model.incidents.causes import Cause
from circleci_cost.model.incidents.episodes import MOST_GAP_DAYS, NEW
from circleci_cost.model.incidents.hierarchy import Hierarchy

# Causes that begin at most so many days apart have begun together, as alarms of a whole and its parts have (`groups`).
# So many parts, and this share of all, are their whole's matter. In organizations, in whose many projects many things
# happen, three of nine on one day were chance.
_OF_PROJECT, _OF_ORGANIZATION = (2, 1 / 3), (3, 1 / 2)

_Part = tuple[str, Cause]


def in_common(
    causes: Sequence[Cause],
    hierarchy: Hierarchy,
    organizations: Mapping[str, str],
    is_reported: Callable[[Cause], bool],
) -> list[Cause]:
    """Replace causes of the same direction that begin together in parts of one series by one cause of that series.

    Only where that cause `is_reported`: a whole that has hardly changed is no cause.
    """
    tops = set(organizations.values())
    of_whole: dict[str | None, list[_Part]] = defaultdict(list)
    for cause in causes:
        of_whole[hierarchy.parents.get(cause.series)].append((cause.series, cause))
    wholes = {above for cause in causes for above in hierarchy.ancestors(cause.series)}
    for whole in sorted(wholes, key=lambda series: (-sum(1 for _ in hierarchy.ancestors(series)), series)):
        number, share = _OF_ORGANIZATION if whole in tops else _OF_PROJECT
        least = max(number, share * len(hierarchy.children[whole]))
        above = of_whole[hierarchy.parents.get(whole)]
        for together in _together(of_whole.pop(whole, [])):
            one = Cause(whole, tuple(episode for _, cause in together for episode in cause.episodes))
            is_one = len({part for part, _ in together}) >= least and is_reported(one)
            above += [(whole, one)] if is_one else [(whole, cause) for _, cause in together]
    return [cause for _, cause in of_whole[None]]


def _together(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Group the causes of each direction that begin together; what is new stays alone."""
    group: list[_Part] = []
    for part, cause in sorted(parts, key=lambda own: (own[1].direction, own[1].first, own[1].series)):
        if any(episode.kind == NEW for episode in cause.episodes):
            yield [(part, cause)]
            continue
        if group and (cause.direction != group[0][1].direction or cause.first - group[0][1].first > MOST_GAP_DAYS):
            yield group
            group = []
        group.append((part, cause))
    if group:
        yield group
