"""Where a click on a group leads: one level down, to the groups behind `(other)`, to single runs, to the reasons."""

from collections.abc import Sequence

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.explore.state import PATH, State
from circleci_cost.model.reporting.comparison import Compared
from circleci_cost.model.reporting.filters import FilterOperator, filter_text
from circleci_cost.model.usage.dimensions import DIMENSIONS, HIERARCHY, RUN_DIMENSIONS

RUNS_PATH = "/runs"
WHY_PATH = "/why"
_ABOVE_PROJECTS = HIERARCHY.index("project") - 1
# An address is no place for hundreds of names.
_MOST_EXCLUDED = 20


def where(state: State, values: tuple[str, ...]) -> list[str]:
    """The filters of a group: those of the state, with the group's values in place of those of its dimensions."""
    kept = [
        filter_text(each.dimension, each.operator, value)
        for each in state.filters
        if not values or each.dimension not in state.by
        for value in each.values
    ]
    return kept + [filter_text(name, FilterOperator.IS, value) for name, value in zip(state.by, values, strict=False)]


def deeper(state: State, values: tuple[str, ...]) -> Address:
    """The next level of a group; from a job on, its runs."""
    fixed = {each.dimension for each in state.filters if each.operator is FilterOperator.IS and len(each.values) == 1}
    fixed |= set(state.by)
    # Above a project that is known there is nothing to choose; of other groups, projects are the level to begin with.
    deepest = max((HIERARCHY.index(level) for level in fixed if level in HIERARCHY), default=_ABOVE_PROJECTS)
    below = HIERARCHY[deepest + 1 :]
    if not below:
        return runs(state, values)
    return state.address.at(PATH).changed(where=where(state, values), by=below[0], rows=None, sort=None)


def runs(state: State, values: tuple[str, ...]) -> Address:
    """The job runs of a group on the same days."""
    kept = state.address.only("period", "from", "to").at(RUNS_PATH)
    return kept.changed(where=where(state, values))


def others(state: State, named: Sequence[tuple[str, ...]]) -> str | None:
    """The groups that are not among the named ones; None where an address cannot say which."""
    if len(state.by) != 1 or len(named) > _MOST_EXCLUDED:
        return None
    excluded = [filter_text(state.by[0], FilterOperator.IS_NOT, values[0]) for values in named]
    return str(state.address.changed(where=[*where(state, ()), *excluded], rows=None))


def why(state: State, comparison: Compared, values: tuple[str, ...] = ()) -> Address | None:
    """The reasons of a change, of all costs of the state or of one group; None where they cannot be told.

    Costs are taken apart by one virtual tag at a time, and never by what only job runs tell.
    """
    filtered = [each.dimension for each in state.filters]
    if not set(RUN_DIMENSIONS).isdisjoint((*filtered, *(state.by if values else ()))):
        return None
    if len({name for name in (*filtered, *(state.by if values else ())) if name not in DIMENSIONS}) > 1:
        return None
    now, before = comparison.current, comparison.before
    return Address(
        WHY_PATH,
        (
            ("from", now.first.isoformat()),
            ("to", now.last.isoformat()),
            ("against", f"{before.first}:{before.last}"),
            *(("where", each) for each in where(state, values)),
        ),
    )
