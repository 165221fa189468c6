"""Filters: those that hold, each with the way to take it out, and the form that adds one with its list of values."""

from collections.abc import Iterable
from dataclasses import dataclass

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address, read_address
from circleci_cost.explorer.asking import ask
from circleci_cost.explorer.page import Answer, Content, MovedTo
from circleci_cost.explorer.pages.explore.state import PATH, State, combinable, read_state
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.filters import Filter, FilterOperator, filter_text
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.model.reporting.names import dimension
from circleci_cost.model.reporting.report import Amount, Order, Question
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, DIMENSIONS
from circleci_cost.model.usage.display_names import charge_type_with_key, dimension_name
from circleci_cost.text.plain import quoted

FILTER_PATH = "/filter"
APPLY_PATH = "/filter/apply"
_VALUES = 100
_FORM = ("dimension", "operator", "value", "text", "search", "to")
_WORDS = {FilterOperator.IS: "is", FilterOperator.IS_NOT: "is not", FilterOperator.CONTAINS: "contains"}


@dataclass(frozen=True)
class Chip:
    """A filter in force, and the address without it."""

    text: str
    without: str
    edit: str


def chips_of(state: State) -> list[Chip]:
    """The filters in force, one for each dimension and operator."""
    return [
        Chip(
            f"{dimension_name(each.dimension)} {_WORDS[each.operator]} {' or '.join(_shown(each))}",
            str(state.address.changed(where=_texts(other for other in state.filters if other is not each))),
            form_address(state.address, each.dimension),
        )
        for each in state.filters
    ]


def _shown(held: Filter) -> list[str]:
    """The values of a filter as people read them."""
    is_key = held.dimension == CHARGE_TYPE and held.operator is not FilterOperator.CONTAINS
    return [charge_type_with_key(value) if is_key else value for value in held.values]


def form_address(address: Address, name: str) -> str:
    """The address of the form for a dimension."""
    return str(Address(FILTER_PATH, (("dimension", name), ("to", str(address)))))


def _texts(filters: Iterable[Filter]) -> list[str]:
    return [filter_text(each.dimension, each.operator, value) for each in filters for value in each.values]


@dataclass(frozen=True)
class Choosable:
    """A value of the list, what it came to, and whether it is chosen."""

    value: str
    amount: Amount
    is_chosen: bool


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The form: the values of a dimension on the days of the page, the largest first."""
    address.require_known(_FORM)
    target = _target(address)
    state = read_state(target, snapshot)
    name = dimension(address.one("dimension") or DIMENSIONS[0], snapshot.tags, of_runs=True)
    search = address.one("search")
    others = tuple(each for each in state.filters if each.dimension != name)
    searched = (Filter(name, FilterOperator.CONTAINS, (search,)),) if search else ()
    question = Question(
        state.days.first, state.days.last, (name,), (*others, *searched), limit=_VALUES, order=Order.COST
    )
    report = ask(snapshot, question)
    own = [each for each in state.filters if each.dimension == name]
    operator = own[0].operator if own else FilterOperator.IS
    chosen = {value for each in own if each.operator is operator for value in each.values}
    listed = [Choosable(row.values[0], row.amount, row.values[0] in chosen) for row in report.rows if not row.rest]
    unlisted = sorted(chosen - {each.value for each in listed}) if operator is not FilterOperator.CONTAINS else []
    return Content(
        "filter.html",
        {
            "dimension": name,
            "dimensions": combinable((*state.by, *(each.dimension for each in others)), snapshot.tags),
            "target": str(target),
            "address": address,
            "operator": operator.value,
            "operators": [(each.value, words) for each, words in _WORDS.items()],
            "text": " ".join(own[0].values) if own and operator is FilterOperator.CONTAINS else "",
            "search": search or "",
            "values": listed,
            "unlisted": unlisted,
            "is_cut": any(row.rest for row in report.rows),
            "metric": Metric.COST,
            "apply": APPLY_PATH,
        },
    )


def apply(address: Address, snapshot: Snapshot) -> Answer:
    """Go to the page with the filter that the form says; without a value, without a filter of that dimension."""
    address.require_known(_FORM)
    target = _target(address)
    name = dimension(address.one("dimension") or "", snapshot.tags, of_runs=True)
    operator = _operator(address.one("operator"))
    values = address.many("value")
    if operator is FilterOperator.CONTAINS:
        text = (address.one("text") or "").strip()
        values = [text] if text else []
    state = read_state(target, snapshot)
    kept = _texts([each for each in state.filters if each.dimension != name])
    added = [filter_text(name, operator, value) for value in values]
    return MovedTo(target.changed(where=[*kept, *added]))


def _operator(text: str | None) -> FilterOperator:
    if text not in set(FilterOperator):
        raise UsageError(f"There is no operator {quoted(text or '')}; there are {', '.join(FilterOperator)}.")
    return FilterOperator(text)


def _target(address: Address) -> Address:
    """The page that the form belongs to: an address of the start page, and never of another server."""
    text = address.one("to") or PATH
    path, _, query = text.partition("?")
    if path != PATH:
        raise UsageError(f"The form belongs to no page: {quoted(text)}.")
    return read_address(PATH, query)
