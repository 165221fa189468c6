"""What an address asks of the page of anomalies; every value is checked here."""

from dataclasses import dataclass

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.anomalies.definition import DIRECTIONS
from circleci_cost.model.incidents.incidents import IncidentStatus
from circleci_cost.model.incidents.listing import Listing
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import suggestion_or_all
from circleci_cost.warehouse.incidents.course import watched_organizations
from circleci_cost.warehouse.incidents.incidents import INCIDENTS
from circleci_cost.warehouse.publishing.generations import NothingPublishedError

STATUSES = tuple(status.value for status in IncidentStatus)
SORTS = ("newest", "impact", "monthly", "certainty")
PARAMETERS = ("status", "direction", "cost_center", "organization", "all", "sort", "incident")


@dataclass(frozen=True)
class Asked:
    """A checked address: which incidents, in which order, or the one with `incident_id`."""

    address: Address
    listing: Listing
    sort: str
    incident_id: str | None
    organizations: tuple[str, ...]


def asked(address: Address, snapshot: Snapshot) -> Asked:
    """Read an address. Raises `UsageError`, and `NothingPublishedError` where no anomalies are published."""
    if INCIDENTS not in snapshot.generation.manifest.rows:
        raise NothingPublishedError(f"No anomalies are published yet; {snapshot.generation.how_to_publish}.")
    address.require_known(PARAMETERS)
    organizations = snapshot.facts.remembered(
        "watched organizations", lambda: tuple(watched_organizations(snapshot.connection))
    )
    listing = Listing(
        every=_choice(address, "all", ("1",)) is not None,
        status=_choice(address, "status", STATUSES),
        direction=_choice(address, "direction", DIRECTIONS),
        cost_center=_choice(address, "cost_center", snapshot.cost_centers),
        organization=_choice(address, "organization", organizations),
    )
    sort = _choice(address, "sort", SORTS) or SORTS[0]
    return Asked(address, listing, sort, address.one("incident"), organizations)


def _choice(address: Address, name: str, known: tuple[str, ...] | list[str]) -> str | None:
    value = address.one(name)
    if value is not None and value not in known:
        raise UsageError(f"There is no {name} {quoted(value)}; {suggestion_or_all(value, list(known))}")
    return value
