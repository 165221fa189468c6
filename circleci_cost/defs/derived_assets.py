"""What all assets have in common that are made as a whole from the daily costs: when, by whom, and with what.

What each is made of is `warehouse.derived`' business, what is told of it its own module's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import dagster as dg
import duckdb

from circleci_cost.assets import Asset
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.declared import declared
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_configuration, follows_dependencies
from circleci_cost.defs.resources import Warehouse
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.derived import Derivation

Made = TypeVar("Made")
Report: TypeAlias = Callable[[Made, duckdb.DuckDBPyConnection], metadata.Materialized]


@dataclass(frozen=True)
class DerivedAsset:
    """An asset, and what tells Dagster of its table whoever has made it; `report` takes what its `make` returns."""

    name: str
    definition: dg.AssetsDefinition
    report: Report[Any]

    @property
    def blocking(self) -> frozenset[str]:
        """The names of the checks that keep what follows from being made."""
        return frozenset(spec.name for spec in self.definition.check_specs if spec.blocking)


def build_derived_asset(
    asset: Asset,
    settings: Settings,
    make: Callable[[Derivation, duckdb.DuckDBPyConnection], Made],
    report: Report[Made],
    *,
    code_version: str,
    kinds: set[str],
    description: str,
    check_specs: Sequence[dg.AssetCheckSpec] = (),
) -> DerivedAsset:
    """The asset that `make` makes in the warehouse and of which `report` tells Dagster.

    It is made again after what it depends on, and once its `code_version` has changed: a hash of what the
    configuration says of it.
    """

    @dg.asset(
        **declared(asset),
        code_version=code_version,
        automation_condition=follows_configuration() | follows_dependencies(),
        kinds=kinds,
        check_specs=check_specs,
        description=description,
    )
    def derived(warehouse: Warehouse, lake: dg.ResourceParam[Lake]) -> metadata.Materialized:
        with dagster_failures(), warehouse.get_connection() as connection:
            return report(make(Derivation(settings, lake), connection), connection)

    return DerivedAsset(asset.name, derived, report)
