"""The page: the change between two periods, its drivers, its root causes, and the groups that moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, MovedTo
from circleci_cost.explorer.pages.job_run_links import RunLink, run_links
from circleci_cost.explorer.pages.why.asked import FORM_PARAMETERS, MOST_ROWS, PARAMETERS, asked, explanation_of, in_one
from circleci_cost.explorer.pages.why.form import form_of
from circleci_cost.explorer.pages.why.movers import sections
from circleci_cost.explorer.pages.why.steps import WIDTH, waterfall
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.reports import comparison_shortfalls
from circleci_cost.model.drivers.text import sentence
from circleci_cost.model.reporting.filters import in_words
from circleci_cost.text.amounts import change_text, price
from circleci_cost.warehouse.drivers.explanation import Explanation


@dataclass(frozen=True)
class Cause:
    """A root cause: where, what, and runs of it."""

    place: str
    sentence: str
    runs: Sequence[RunLink]


@dataclass(frozen=True)
class Whole:
    """The two periods and their costs."""

    first: date
    last: date
    against: str
    is_expected: bool
    before: Decimal
    after: Decimal
    change: Decimal
    change_text: str
    direction: str
    filters: Sequence[str]


def show(address: Address, snapshot: Snapshot) -> Answer:
    """The explanation that an address asks for; a question that cannot be answered keeps its form."""
    address.require_known(FORM_PARAMETERS)
    try:
        if (one := in_one(address)) is not None:
            return MovedTo(one)
        explanation = explanation_of(asked(address), snapshot)
    except UsageError as error:
        kept = address.only(*PARAMETERS)
        return Content("why.html", {"problem_of_question": str(error), "form": form_of(kept, snapshot, None)}, 400)
    return Content("why.html", {"problem_of_question": None, **_values(address, snapshot, explanation)})


def _values(address: Address, snapshot: Snapshot, explanation: Explanation) -> dict[str, object]:
    costs = explanation.costs
    shortfalls = comparison_shortfalls(costs, snapshot.lake, snapshot.clock) if costs.is_partial else []
    return {
        "form": form_of(address, snapshot, explanation),
        "whole": _whole(explanation),
        "waterfall": waterfall(explanation.total),
        "width": WIDTH,
        "prices": [
            f"The price of {each.cost_center} is {price(each.price_after)} a credit from {each.date} on, "
            f"{price(each.price_before)} before."
            for each in costs.prices
        ],
        "left_out": explanation.left_out,
        "causes": _causes(explanation),
        "without_cause": explanation.without_cause,
        "noun": "group" if explanation.periods.by else "job",
        "sections": sections(explanation, address),
        "further": explanation.further_groups,
        "more": _more(address, explanation),
        "shortfalls": shortfalls,
        "download": address.at("/why.csv"),
    }


def _whole(explanation: Explanation) -> Whole:
    total, periods = explanation.total, explanation.periods
    return Whole(
        periods.period.first,
        periods.period.last,
        explanation.against,
        periods.against is None,
        total["before_usd"],
        total["after_usd"],
        total["change_usd"],
        change_text(total["before_usd"], total["change_usd"]),
        "up" if total["change_usd"] > 0 else "down" if total["change_usd"] < 0 else "",
        in_words(periods.filters),
    )


def _causes(explanation: Explanation) -> Sequence[Cause]:
    causes = []
    for row in explanation.causes.to_dicts():
        causes.append(Cause(explanation.place(row), sentence(row), run_links(row["example_urls"])))
    return causes


def _more(address: Address, explanation: Explanation) -> Address | None:
    """The page with more groups, if there are any and it may have them."""
    may_have_more = explanation.further_groups and explanation.changes.height < MOST_ROWS
    return address.changed(limit=f"{MOST_ROWS}") if may_have_more else None
