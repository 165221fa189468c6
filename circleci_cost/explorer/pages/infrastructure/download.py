"""The page of infrastructure as CSV: pairs, the days of one pair, costs of services, files."""

from collections.abc import Iterable, Iterator, Sequence

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Download
from circleci_cost.explorer.pages.infrastructure.costs import costs_of
from circleci_cost.explorer.pages.infrastructure.published import asked, published_files, published_sources
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.correlation.correlation import SCHEMA
from circleci_cost.text.amounts import cost_text
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.correlation.moving_together import pair_days

Cells = Sequence[str | None]


def csv_of_pairs(address: Address, snapshot: Snapshot) -> Answer:
    """Every pair, in the order of the page, with all figures of `correlate --json`."""
    _, pairs = asked(address, snapshot)
    return Download(
        "infrastructure.csv", _lines(SCHEMA.names(), ([_text(cell) for cell in row] for row in pairs.iter_rows()))
    )


def csv_of_days(address: Address, snapshot: Snapshot) -> Answer:
    """Both series of the pair that is asked for, day by day."""
    wanted, _ = asked(address, snapshot)
    if wanted.pair is None:
        raise UsageError("No pair is named: choose one on the page Infrastructure.")
    days = pair_days(snapshot.connection, *wanted.pair, wanted.days)
    rows = ([each.day.isoformat(), cost_text(each.ci), cost_text(each.infrastructure)] for each in days)
    return Download(f"infrastructure-{wanted.days.first}-{wanted.days.last}.csv", _lines(["date", *wanted.pair], rows))


def csv_of_costs(address: Address, snapshot: Snapshot) -> Answer:
    """The costs of all services in the days asked for and in those before."""
    wanted, _ = asked(address, snapshot)
    costs = costs_of(wanted, snapshot).rows if published_sources(snapshot) else []
    rows = (
        [row.source, row.provider, row.service, *map(cost_text, (row.cost, row.before, row.difference))]
        for row in costs
    )
    header = ("source", "provider", "service", "cost", "previous_cost", "change")
    return Download(f"infrastructure-costs-{wanted.days.first}-{wanted.days.last}.csv", _lines(header, rows))


def csv_of_files(address: Address, snapshot: Snapshot) -> Answer:
    """The files that the costs rest on."""
    asked(address, snapshot)
    rows = (
        [
            each.source,
            each.path,
            *(str(count) for count in (each.rows, each.left_out, each.spread)),
            *(day.isoformat() if day else None for day in (each.first, each.last)),
            each.read_at.isoformat(),
        ]
        for each in published_files(snapshot)
    )
    header = ("source", "file", "rows", "left_out", "spread", "first_day", "last_day", "read_at")
    return Download("infrastructure-files.csv", _lines(header, rows))


def _lines(header: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    yield csv_line(header, range(len(header)))
    for row in rows:
        yield csv_line(row, [place for place, cell in enumerate(row) if cell and not _is_number(cell)])


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, which stays as it is, negative ones included."""
    return cell.removeprefix("-").replace(".", "", 1).isdigit() and cell.isascii()


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
