"""The page of infrastructure put together: pairs, one of them, shifts around incidents, costs, files."""

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Page
from circleci_cost.explorer.pages.infrastructure.asked import EVERY_PAIR, PATH
from circleci_cost.explorer.pages.infrastructure.costs import costs_of
from circleci_cost.explorer.pages.infrastructure.download import csv_of_costs, csv_of_days, csv_of_files, csv_of_pairs
from circleci_cost.explorer.pages.infrastructure.pairs import pair_view, pairs_of
from circleci_cost.explorer.pages.infrastructure.published import (
    asked,
    published_files,
    published_shifts,
    published_sources,
)
from circleci_cost.explorer.periods import days_menu
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.lake.infrastructure_state import InfrastructureState, read_state
from circleci_cost.warehouse.correlation.nothing_to_compare import nothing_to_compare

_FILES = 100


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """What moved with CI's cost and what infrastructure costs; without any, how to configure it."""
    reading = read_state(snapshot.lake).of(source.name for source in snapshot.settings.infrastructure)
    wanted, pairs = asked(address, snapshot)
    if not published_sources(snapshot):
        return _empty(snapshot, reading)
    files = published_files(snapshot)
    return Content(
        "infrastructure.html",
        {
            "address": address,
            "asked": wanted,
            "pairs": pairs_of(wanted, pairs),
            "pair": pair_view(wanted, pairs, snapshot),
            "nothing": nothing_to_compare(snapshot.generation, snapshot.settings, reading.refusals),
            "shifts": published_shifts(snapshot),
            "costs": costs_of(wanted, snapshot),
            "files": files[:_FILES],
            "all_files": len(files),
            "notices": reading.notices,
            "days_menu": days_menu(address, wanted.preset, wanted.days),
            "every_pair": address.changed(pairs=EVERY_PAIR),
            "findings": address.changed(pairs=None),
        },
    )


def _empty(snapshot: Snapshot, reading: InfrastructureState) -> Answer:
    return Content(
        "infrastructure_empty.html",
        {
            "sentence": nothing_to_compare(snapshot.generation, snapshot.settings, reading.refusals),
            "is_configured": bool(snapshot.settings.infrastructure),
            "source": snapshot.settings.described_source,
            "notices": reading.notices,
        },
    )


PAGE = Page(
    "infrastructure",
    PATH,
    "Infrastructure",
    respond,
    more=(
        ("/infrastructure.csv", csv_of_pairs),
        ("/infrastructure/days.csv", csv_of_days),
        ("/infrastructure/costs.csv", csv_of_costs),
        ("/infrastructure/files.csv", csv_of_files),
    ),
)
