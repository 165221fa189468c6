"""The charge types: kinds of credits, each with its key and its display name.

Their columns in exports, costs, SQL and the warehouse's tables, filters and names follow from these lists
(`schema`, `warehouse.core.schema_pieces`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChargeType:
    """One kind of credits: its key in JSON, CSV, filters and columns, and its display name.

    CircleCI books a `booked` charge type on the row of a job that did not cause it, so it is judged and explained
    separately. `slug`: its name in ids for others, where that is not its name with hyphens.
    """

    name: str
    shown: str
    booked: bool = False
    slug: str = ""

    @property
    def source(self) -> str:
        """The column of the export."""
        return f"{self.name}_credits".upper()


EXPORTED_CHARGES: tuple[ChargeType, ...] = (
    ChargeType("compute", "compute"),
    ChargeType("dlc", "Docker layer caching"),
    ChargeType("user", "seats", booked=True, slug="user-seat"),
    ChargeType("storage", "storage", booked=True),
    ChargeType("network", "network", booked=True),
    ChargeType("lease", "leases"),
    ChargeType("lease_overage", "lease overage"),
    ChargeType("ipranges", "IP ranges", booked=True, slug="ip-ranges"),
)
"""The charge types that have a column in the export; that column, like all others of theirs, follows from this list."""

CHARGES: tuple[ChargeType, ...] = (*EXPORTED_CHARGES, ChargeType("other", "other credits"))
"""All charge types; `other` is what TOTAL_CREDITS holds beyond the exported ones. The first one carries the counts."""

CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in CHARGES)
EXPORTED_CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in EXPORTED_CHARGES)
RUN_BOUND_CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in CHARGES if not charge.booked)
BOOKED_CHARGE_TYPES: tuple[str, ...] = tuple(charge.name for charge in CHARGES if charge.booked)
