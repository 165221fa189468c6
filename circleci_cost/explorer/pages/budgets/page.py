"""Budgets: which addresses there are, and what they answer. What they show is made by the modules beside this one."""

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Download, Page
from circleci_cost.explorer.pages.budgets.downloads import course_csv, states_csv
from circleci_cost.explorer.pages.budgets.listing import listing
from circleci_cost.explorer.pages.budgets.one_budget import asked_period, one_budget
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.plain import quoted
from circleci_cost.warehouse.budgets.budget_status import Periods
from circleci_cost.warehouse.budgets.published_budgets import published_states

_PARAMETERS = ("period", "budget", "period_start")


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """All budgets, or the one that is asked for."""
    address.require_known(_PARAMETERS)
    if address.one("budget"):
        return Content("budget.html", {"shown": one_budget(address, snapshot), "address": address})
    return Content("budgets.html", {"shown": listing(address, snapshot, asked_periods(address)), "address": address})


def csv(address: Address, snapshot: Snapshot) -> Answer:
    """The table of the same address on the page, with all columns and exact amounts."""
    address.require_known(_PARAMETERS)
    if address.one("budget"):
        return Download("budget.csv", course_csv(asked_period(address, snapshot), snapshot))
    states = published_states(snapshot.connection, snapshot.generation, asked_periods(address))
    return Download("budgets.csv", states_csv(states))


def asked_periods(address: Address) -> Periods:
    """The periods that an address asks for. Raises `UsageError`."""
    given = address.one("period") or Periods.CURRENT.value
    if given not in [period.value for period in Periods]:
        raise UsageError(f"There is no period {quoted(given)}; there are: {', '.join(Periods)}.")
    return Periods(given)


PAGE = Page("budgets", "/budgets", "Budgets", respond, more=(("/budgets.csv", csv),))
