"""The report of the page for other programs: as CSV with all rows, and as the JSON of `report --json`."""

from circleci_cost.clock import utc_yesterday
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.asking import ask, days_there_are
from circleci_cost.explorer.page import Answer, Download, Json
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.report import Report, as_json
from circleci_cost.model.reporting.report_csv import csv_lines
from circleci_cost.warehouse.reporting.asked import Asked, asked_question

PARAMETERS = ("by", "from", "to", "where", "granularity", "sort", "limit")
CSV_PATH = "/report.csv"
JSON_PATH = "/api/report"


def csv(address: Address, snapshot: Snapshot) -> Answer:
    """What `report --csv` writes for the same parameters."""
    report = _report(address, snapshot)
    return Download(f"circleci-cost-{report.question.first}-{report.question.last}.csv", csv_lines(report))


def json(address: Address, snapshot: Snapshot) -> Answer:
    """What `report --json` writes for the same parameters."""
    return Json(as_json(_report(address, snapshot)))


def _report(address: Address, snapshot: Snapshot) -> Report:
    address.require_known(PARAMETERS)
    asked = Asked.of_texts({name: address.many(name) for name in PARAMETERS})
    days, yesterday = days_there_are(snapshot), utc_yesterday(snapshot.clock)
    return ask(snapshot, asked_question(asked, snapshot.settings, snapshot.tags, days, yesterday, of_runs=True))
