"""Causes that go on with one before: they are joined with it, so that nobody is notified of it twice.

Which alarms share a cause from their first days on is the job of `groups`.
"""

from collections.abc import Sequence

from circleci_cost.model.incidents.causes import Cause
from circleci_cost.model.incidents.episodes import MOST_GAP_DAYS
from circleci_cost.model.incidents.groups import EXPLAINS, change_of, share_of
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.ledger import WEEK, Ledger
from circleci_cost.model.incidents.steps import LARGE

# What begins within so many days of a cause's last alarm may be the rest of it. On tuning seeds, 7 leaves a third more
# causes reported twice than 14, and 21 finds fewer causes.
_WITHIN = 14


def joined(causes: Sequence[Cause], hierarchy: Hierarchy, ledger: Ledger) -> list[Cause]:
    """Join causes with the latest one before that explains them; in: those that are worth reporting by themselves."""
    kept: list[Cause] = []
    for cause in sorted(causes, key=lambda cause: (cause.first, cause.series, cause.direction)):
        before = (place for place in reversed(range(len(kept))) if _goes_on(kept[place], cause, hierarchy, ledger))
        place = next(before, None)
        if place is None:
            kept.append(cause)
        else:
            kept[place] = Cause(kept[place].series, (*kept[place].episodes, *cause.episodes))
    return kept


def _goes_on(earlier: Cause, later: Cause, hierarchy: Hierarchy, ledger: Ledger) -> bool:
    """Return whether a cause is no more than what an earlier one of a related series has brought already.

    The later one's series has hardly changed more than it had in the week before; or it lies above, and most of its
    change is the earlier one's.
    """
    if earlier.direction != later.direction or later.first > earlier.last + _WITHIN:
        return False
    if not hierarchy.related(earlier.series, later.series):
        return False
    # A drift that reaches back to a change is the rest of it.
    drifts = any(episode.drifts for episode in later.episodes if episode.first == later.first)
    if later.first - earlier.first <= MOST_GAP_DAYS or drifts:
        return True
    begin, first = earlier.since, later.first
    last = min(later.last, first + WEEK - 1)
    is_above = later.series in hierarchy.ancestors(earlier.series)
    if is_above and share_of(earlier.series, later.series, (begin, first, last), ledger) >= EXPLAINS:
        return True
    before, usual_before = change_of(later.series, (begin, max(earlier.first, first - WEEK), first - 1), ledger)
    now, usual_now = change_of(later.series, (begin, first, last), ledger)
    if usual_before <= 0 or usual_now <= 0:
        return first <= earlier.last + MOST_GAP_DAYS
    return abs(now / usual_now) <= (1 + LARGE) * abs(before / usual_before)
