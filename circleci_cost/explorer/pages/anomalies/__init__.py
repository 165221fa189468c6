"""Anomalies: the incidents on a timeline, one of them with its reasons, and what people decide about it."""

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Page
from circleci_cost.explorer.pages.anomalies.asked import asked
from circleci_cost.explorer.pages.anomalies.decide import change_decision
from circleci_cost.explorer.pages.anomalies.download import download
from circleci_cost.explorer.pages.anomalies.incident import DECIDE, show_incident
from circleci_cost.explorer.pages.anomalies.listing import show_list
from circleci_cost.explorer.snapshot import Snapshot


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The list, or the incident that the address names."""
    wanted = asked(address, snapshot)
    return show_incident(wanted.incident_id, snapshot) if wanted.incident_id else show_list(wanted, snapshot)


PAGE = Page(
    "anomalies",
    "/anomalies",
    "Anomalies",
    respond,
    more=(("/anomalies.csv", download),),
    actions=((DECIDE, change_decision),),
)
