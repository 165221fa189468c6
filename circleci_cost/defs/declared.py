"""What `assets` declares of an asset, as arguments for Dagster.

The asset's own module says how it is made, checked and described.
"""

from typing import TypedDict

import dagster as dg

from circleci_cost.assets import NOTIFICATIONS, Asset, Making

# Runs that make assets of this pool wait for each other in Dagster's queue; `dagster.yaml` gives a pool one place.
PUBLISHING_POOL = "circleci_cost_publishing"


class Declared(TypedDict):
    """Arguments of `dg.asset`."""

    name: str
    deps: list[str]
    group_name: str
    pool: str | None


def declared(asset: Asset) -> Declared:
    """The name, dependencies, group and pool of an asset."""
    return {
        "name": asset.name,
        "deps": list(asset.made_from),
        "group_name": asset.group,
        "pool": PUBLISHING_POOL if _is_made_for_all(asset) else None,
    }


def _is_made_for_all(asset: Asset) -> bool:
    """Whether an asset is made of all cost centers at once. Messages are sent beside it: the outbox sends each once."""
    return asset.making in {Making.DERIVED, Making.FOLLOWING} and asset is not NOTIFICATIONS


def asset_key(asset: Asset) -> dg.AssetKey:
    """The key of an asset."""
    return dg.AssetKey(asset.name)
