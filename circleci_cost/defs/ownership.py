"""Owners and freshness policies, given to all assets in one place.

Freshness is the age of the last event; the check `data_fresh` looks whether the data reach yesterday.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from circleci_cost.assets import INFRASTRUCTURE_COSTS
from circleci_cost.config.settings import Settings
from circleci_cost.defs.declared import asset_key

# Everything is made once a day: one run that is late by three hours is a warning, two are a failure.
_FRESHNESS = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=27), fail_window=timedelta(hours=51))


def owned(settings: Settings, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets with their owners and freshness policies; an asset that is not made daily has no policy."""

    def add(spec: dg.AssetSpec) -> dg.AssetSpec:
        return owned_spec(settings, spec)

    return [asset.map_asset_specs(add) for asset in assets]


def owned_spec(settings: Settings, spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec of one asset with its owners and freshness policy."""
    # Without a source there is nothing to read daily.
    seldom = spec.key == asset_key(INFRASTRUCTURE_COSTS) and not settings.infrastructure
    return spec.replace_attributes(owners=list(settings.asset_owners), freshness_policy=None if seldom else _FRESHNESS)
