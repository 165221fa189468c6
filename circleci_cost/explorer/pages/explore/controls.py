"""The choices above the chart: groups, figure, form; each one is a link to the same page with that choice."""

from collections.abc import Sequence
from dataclasses import dataclass

from circleci_cost.explorer.pages.explore.filtering import form_address
from circleci_cost.explorer.pages.explore.state import DEFAULT_GROUP, NO_GROUP, Form, State, combinable
from circleci_cost.explorer.periods import COMPARISON_WORDS
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.model.reporting.report import Granularity
from circleci_cost.model.usage.display_names import dimension_name


@dataclass(frozen=True)
class Option:
    """One choice."""

    text: str
    href: str
    is_chosen: bool = False


@dataclass(frozen=True)
class Choice:
    """A control: what it is about, what is chosen, and the options."""

    label: str
    chosen: str
    options: Sequence[Option]


@dataclass(frozen=True)
class Controls:
    """All controls of the page."""

    group: Choice
    second: Choice | None
    metric: Choice
    granularity: Choice
    form: Choice
    compare: Choice
    filter: Choice


def controls_of(state: State, snapshot: Snapshot) -> Controls:
    """The controls of a state."""
    tags = snapshot.tags
    filtered = [each.dimension for each in state.filters]
    names = combinable((*state.by, *filtered), tags)
    return Controls(
        group=_group(state, combinable((*state.by[1:], *filtered), tags)),
        second=_second(state, combinable((*state.by[:1], *filtered), tags)) if state.by else None,
        metric=_choice(state, "Figure", "metric", [(each.value, each.words) for each in Metric], state.metric.value),
        granularity=_choice(
            state, "Per", "granularity", [(each.value, each.value) for each in Granularity], state.granularity.value
        ),
        form=_choice(state, "Chart", "chart", [(each.value, each.value) for each in Form], state.form.value),
        compare=_choice(state, "Compare with", "compare", list(COMPARISON_WORDS.items()), state.compare),
        filter=Choice(
            "Add a filter", "", [Option(dimension_name(name), form_address(state.address, name)) for name in names]
        ),
    )


def _group(state: State, names: Sequence[str]) -> Choice:
    chosen = state.by[0] if state.by else NO_GROUP
    options = [
        Option(dimension_name(name), str(_grouped(state, (name, *state.by[1:]))), name == chosen) for name in names
    ]
    options.append(Option("nothing", str(state.address.changed(by=NO_GROUP, rows=None)), not state.by))
    return Choice("Group by", dimension_name(chosen) if state.by else "nothing", options)


def _second(state: State, names: Sequence[str]) -> Choice:
    second = state.by[1] if len(state.by) > 1 else None
    options = [Option("nothing", str(_grouped(state, state.by[:1])), second is None)]
    options += [
        Option(dimension_name(name), str(_grouped(state, (state.by[0], name))), name == second)
        for name in names
        if name != state.by[0]
    ]
    return Choice("Then by", dimension_name(second) if second else "nothing", options)


def _grouped(state: State, by: Sequence[str]) -> object:
    distinct = list(dict.fromkeys(by))
    return state.address.changed(by=None if distinct == [DEFAULT_GROUP] else distinct, rows=None)


def _choice(
    state: State,
    label: str,
    name: str,
    options: Sequence[tuple[str, str]],
    chosen: str,
) -> Choice:
    made = [Option(text, str(state.address.changed(**{name: value})), value == chosen) for value, text in options]
    return Choice(label, next((text for value, text in options if value == chosen), chosen), made)
