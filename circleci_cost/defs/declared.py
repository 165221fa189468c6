"""What `assets` declares of an asset, as arguments for Dagster.

The asset's own module says how it is made, checked and described.
"""

from typing import TypedDict

import dagster as dg

from circleci_cost.assets import Asset


class Declared(TypedDict):
    """Arguments of `dg.asset`."""

    name: str
    deps: list[str]
    group_name: str


def declared(asset: Asset) -> Declared:
    """The name, dependencies and group of an asset."""
    return {"name": asset.name, "deps": list(asset.made_from), "group_name": asset.group}


def asset_key(asset: Asset) -> dg.AssetKey:
    """The key of an asset."""
    return dg.AssetKey(asset.name)
