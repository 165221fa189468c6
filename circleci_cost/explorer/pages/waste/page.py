"""The page of waste put together, and its CSV; without published waste, how to get it."""

from collections.abc import Iterator

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Download, Page
from circleci_cost.explorer.pages.waste.asked import PATH, Asked, read_asked
from circleci_cost.explorer.pages.waste.figures import figures_of
from circleci_cost.explorer.periods import days_menu
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.efficiency.waste import CAUSE, CAUSES
from circleci_cost.model.reporting.filters import in_words
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.efficiency.waste import WASTE
from circleci_cost.warehouse.efficiency.waste_report import require_waste, waste_report

_JOBS = 30
_BY = (*HIERARCHY, CAUSE)
_FIGURES = ("cost", "credits", "unpriced_credits", "runs", "run_seconds", "whole_cost")


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """What was wasted on the days asked for."""
    generation = snapshot.generation
    if WASTE not in generation.manifest.rows:
        return Content("waste_empty.html", {"how": generation.how_to_publish})
    wanted = read_asked(address, snapshot)
    return Content(
        "waste.html",
        {
            "address": address,
            "asked": wanted,
            "order": ", ".join(cause.shown for cause in CAUSES),
            "filters": in_words(wanted.filters),
            "unfiltered": address.changed(where=None),
            "figures": figures_of(wanted, snapshot, _JOBS),
            "days_menu": days_menu(address, wanted.preset, wanted.days),
            "csv": address.at("/waste.csv"),
        },
    )


def csv_of_jobs(address: Address, snapshot: Snapshot) -> Answer:
    """All jobs and causes of the days, as `circleci-cost waste` adds them up."""
    require_waste(snapshot.generation)
    wanted = read_asked(address, snapshot)
    return Download(f"waste-{wanted.days.first}-{wanted.days.last}.csv", _lines(wanted, snapshot))


def _lines(asked: Asked, snapshot: Snapshot) -> Iterator[str]:
    named = range(len(_BY))
    yield csv_line((*_BY, *_FIGURES), range(len(_BY) + len(_FIGURES)))
    for row in waste_report(snapshot.connection, asked.days, _BY, asked.filters).rows:
        amounts = (credits_text(row.credits), credits_text(row.unpriced_credits), str(row.runs), str(row.run_seconds))
        yield csv_line((*row.names, cost_text(row.cost), *amounts, cost_text(row.whole_cost)), named)


PAGE = Page("waste", PATH, "Waste", respond, more=(("/waste.csv", csv_of_jobs),))
