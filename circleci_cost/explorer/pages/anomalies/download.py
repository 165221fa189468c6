"""CSV: the incidents with all columns of `anomalies --json`, or the drivers of one; exact."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Download
from circleci_cost.explorer.pages.anomalies.asked import asked
from circleci_cost.explorer.pages.anomalies.decided import decided
from circleci_cost.explorer.pages.anomalies.listing import in_order
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.incidents.listing import incident_named
from circleci_cost.model.incidents.text import JSON_NAMES, JSON_TEXTS, as_json
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.text.amounts import credits_text
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.incidents.drivers import REST, IncidentDrivers, read_drivers


def download(address: Address, snapshot: Snapshot) -> Answer:
    """The incidents that the page lists, in its order, or the drivers of the one that it shows."""
    wanted = asked(address, snapshot)
    if wanted.incident_id is not None:
        incident_named(decided(snapshot).rows, wanted.incident_id)
        return Download("drivers.csv", _drivers(read_drivers(snapshot.connection, wanted.incident_id)))
    rows = in_order(wanted, wanted.listing.chosen(decided(snapshot).rows))
    return Download("anomalies.csv", _lines(rows))


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield csv_line(JSON_NAMES)
    texts = {place for place, name in enumerate(JSON_NAMES) if name in JSON_TEXTS}
    for row in rows:
        cells = as_json(row)
        yield csv_line([None if cells[name] is None else str(cells[name]) for name in JSON_NAMES], texts)


def _drivers(drivers: IncidentDrivers | None) -> Iterator[str]:
    yield csv_line([*HIERARCHY, "driver", "effect_usd"])
    if drivers is None:
        return
    names = range(len(HIERARCHY))
    for effect in drivers.effects:
        yield csv_line([*effect.place, effect.driver, credits_text(effect.effect_usd)], names)
    yield csv_line([*(None for _ in HIERARCHY), REST, credits_text(drivers.residual)])
