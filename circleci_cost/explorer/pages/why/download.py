"""All groups that changed, as CSV."""

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Download
from circleci_cost.explorer.pages.why.asked import asked, explanation_of
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.warehouse.drivers.explanation_csv import csv_lines


def download(address: Address, snapshot: Snapshot) -> Answer:
    """The explanation of an address, whatever its limit."""
    return Download("why.csv", csv_lines(explanation_of(asked(address), snapshot)))
