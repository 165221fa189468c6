"""Data: which addresses there are, and what they answer. What they show is made by the modules beside this one."""

from circleci_cost.config.unusable_files import unusable_files
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.dagster_record import DagsterRecord
from circleci_cost.explorer.page import Answer, Content, Download, Page
from circleci_cost.explorer.pages.data import downloads
from circleci_cost.explorer.pages.data.notes import notes_of
from circleci_cost.explorer.pages.data.open_days import open_days
from circleci_cost.explorer.pages.data.prices import prices
from circleci_cost.explorer.pages.data.publications import publications
from circleci_cost.explorer.pages.data.restated import restated
from circleci_cost.explorer.pages.data.runs import runs_and_checks
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.warehouse.reporting.freshness import freshness

_RECORD = DagsterRecord()


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The state of the data of each cost center."""
    address.require_known(())
    values = {
        "centers": freshness(snapshot.connection, snapshot.cost_centers),
        "open_days": open_days(snapshot),
        "prices": prices(snapshot),
        "restated": restated(snapshot),
        "publications": publications(snapshot),
        "record": runs_and_checks(_RECORD.get(snapshot.settings, snapshot.clock), snapshot),
        "notes": notes_of(snapshot),
        "files": unusable_files(snapshot.settings),
    }
    return Content("data.html", values)


def _csv(address: Address, snapshot: Snapshot) -> Answer:
    address.require_known(())
    name = address.path.rpartition("/")[2]
    return Download(name, downloads.TABLES[name](snapshot))


PAGE = Page("data", "/data", "Data", respond, more=tuple((f"/data/{name}", _csv) for name in downloads.TABLES))
