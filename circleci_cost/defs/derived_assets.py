"""What the assets derived in full from the daily costs have in common: when and with which resources they are made.

`warehouse.derived` makes their tables; the module of each asset reports on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import dagster as dg
import duckdb

from circleci_cost.assets import DAILY_COSTS, Asset
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.declared import declared
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_configuration, follows_dependencies
from circleci_cost.defs.resources import Warehouse
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.costs.current_names import use_current_names
from circleci_cost.warehouse.derived import Derivation

Summary = TypeVar("Summary")
Report: TypeAlias = Callable[[Summary, duckdb.DuckDBPyConnection], metadata.Materialized]


@dataclass(frozen=True)
class DerivedAsset:
    """An asset and its `report`, which turns what `make` returns into a result for Dagster, in whichever step."""

    name: str
    definition: dg.AssetsDefinition
    report: Report[Any]

    @property
    def blocking(self) -> frozenset[str]:
        """The names of the checks whose failure keeps later assets from being made."""
        return frozenset(spec.name for spec in self.definition.check_specs if spec.blocking)


def build_derived_asset(
    asset: Asset,
    settings: Settings,
    make: Callable[[Derivation, duckdb.DuckDBPyConnection], Summary],
    report: Report[Summary],
    *,
    code_version: str,
    kinds: set[str],
    description: str,
    check_specs: Sequence[dg.AssetCheckSpec] = (),
) -> DerivedAsset:
    """The asset whose table `make` makes in the warehouse and whose result `report` gives to Dagster.

    It is made again after its dependencies, and once its `code_version` has changed: a hash of its part of the
    configuration.
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
        with dagster_failures():
            if DAILY_COSTS.name in asset.made_from:
                use_current_names(warehouse.store)
            with warehouse.writing(asset) as connection:
                return report(make(Derivation(settings, lake), connection), connection)

    return DerivedAsset(asset.name, derived, report)
