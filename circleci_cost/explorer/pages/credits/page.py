"""Credits: which addresses there are, and what they answer. What they show is made by the modules beside this one."""

from collections.abc import Iterator

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Download, Page
from circleci_cost.explorer.pages.credits.outlook import outlook
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.amounts import exact
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.credits.published_credits import published_lots, published_outlook


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The credits of all cost centers."""
    address.require_known(())
    return Content("credits.html", {"shown": outlook(snapshot), "address": address})


def csv(address: Address, snapshot: Snapshot) -> Answer:
    """The lots of all cost centers, with all columns and exact amounts."""
    address.require_known(())
    return Download("credits.csv", _lots_csv(snapshot))


def _lots_csv(snapshot: Snapshot) -> Iterator[str]:
    names = ("cost_center", "lot", "kind", "bought_on", "expires", "invoice")
    amounts = tuple(f"{name}_{unit}" for name in ("bought", "used", "expired", "left") for unit in ("credits", "usd"))
    yield csv_line([*names, *amounts])
    if published_outlook(snapshot.connection, snapshot.generation).is_empty():
        return
    for row in published_lots(snapshot.connection).iter_rows(named=True):
        texts = [None if row[name] is None else str(row[name]) for name in names]
        yield csv_line([*texts, *(exact(row[name]) for name in amounts)], {0, 1, 2, 5})


PAGE = Page("credits", "/credits", "Credits", respond, more=(("/credits.csv", csv),))
