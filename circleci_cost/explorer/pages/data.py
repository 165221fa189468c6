"""Data: how fresh and how complete the data are, at which prices, and what failed."""

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Page
from circleci_cost.explorer.snapshot import Snapshot


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The state of the data of each cost center."""
    return Content("data.html", {})


PAGE = Page("data", "/data", "Data", respond)
