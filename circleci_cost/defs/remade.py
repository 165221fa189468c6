"""Makes outdated tables of other assets again within a step, and logs their events: the graph shows when each was made.

`warehouse.derived` knows which tables are out of date; the module of each asset reports on it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from circleci_cost.config.settings import Settings
from circleci_cost.defs.derived_assets import DerivedAsset
from circleci_cost.defs.living_runs import refuse_if_ended
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.derived import Derivation, outdated
from circleci_cost.warehouse.tables.sessions import OpenWarehouse, TableStore


@contextmanager
def up_to_date(
    context: dg.AssetExecutionContext,
    store: TableStore,
    settings: Settings,
    lake: Lake,
    derived: Sequence[DerivedAsset],
) -> Iterator[OpenWarehouse]:
    """See the warehouse with tables that were all made from the daily costs that it has.

    The run of another cost center may have written daily costs after these assets were made, and may do so while they
    are made again: they are made until none was outrun. Such a run publishes afterwards and waits for this one, so
    there is an end. Raises what `_remake_outdated` raises.
    """
    while True:
        _remake_outdated(context, store, settings, lake, derived)
        with store.reading() as opened:
            if not outdated(opened.connection):
                yield opened
                return
        refuse_if_ended(context)


def _remake_outdated(
    context: dg.AssetExecutionContext,
    store: TableStore,
    settings: Settings,
    lake: Lake,
    derived: Sequence[DerivedAsset],
) -> None:
    """Make the tables again that rest on outdated daily costs, and log an event and the checks of each.

    Raises `Failure` where a blocking check does not pass, and what `Derivation` raises.
    """
    assets = {asset.name: asset for asset in derived}
    for name, summary, connection in Derivation(settings, lake).bring_up_to_date(store):
        context.log.info(f"{name} rested on earlier daily costs: made again before it is published.")
        asset = assets[name]
        materialized = asset.report(summary, connection)
        key = dg.AssetKey(name)
        context.log_event(
            dg.AssetMaterialization(key, metadata={**(materialized.metadata or {}), "made_by": "published"})
        )
        for result in materialized.check_results:
            context.log_event(_evaluation(key, result))
        for result in materialized.check_results:
            if result.check_name in asset.blocking and not result.passed:
                raise dg.Failure(f"{name}: {result.description}; nothing was published.", allow_retries=False)


def _evaluation(key: dg.AssetKey, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    if result.check_name is None:
        raise ValueError(f"a check of {key.to_user_string()} has no name")
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=result.check_name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
    )
