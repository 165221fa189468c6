"""The asset `published`, which holds what readers read."""

from collections.abc import Sequence

import dagster as dg

from circleci_cost.assets import PUBLISHED
from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.cost_center_days import log_changed_days
from circleci_cost.defs.declared import declared
from circleci_cost.defs.derived_assets import DerivedAsset
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_dependencies
from circleci_cost.defs.living_runs import refuse_if_ended
from circleci_cost.defs.remade import up_to_date
from circleci_cost.defs.resources import Warehouse
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.turns import PUBLISHING, turn
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.publishing.publish import publish


def build_published_asset(settings: Settings, derived: Sequence[DerivedAsset]) -> dg.AssetsDefinition:
    """The asset `published`; first it makes those of `derived` again that are out of date."""

    @dg.asset(
        **declared(PUBLISHED),
        kinds={"duckdb", "parquet"},
        automation_condition=follows_dependencies(),
        description=(
            "What readers read: a generation, which lists the Parquet files of every table; one pointer names the "
            "current generation and is renamed last."
        ),
    )
    def published(
        context: dg.AssetExecutionContext,
        warehouse: Warehouse,
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[Clock],
    ) -> metadata.Materialized:
        with dagster_failures(), turn(lake.publishing_lock, context.log.info, PUBLISHING):
            restatements = read_restatements(lake, [center.name for center in settings.cost_centers])
            with up_to_date(context, warehouse.store, settings, lake, derived) as opened:
                log_changed_days(context, opened.connection, settings, lake, clock)
                generation = publish(
                    opened,
                    lake,
                    restatements,
                    clock.now(),
                    duckdb_file=settings.publish.duckdb,
                    fence=lambda: refuse_if_ended(context),
                )
        return dg.MaterializeResult(metadata=_published_metadata(generation))

    return published


def _published_metadata(generation: Generation) -> dict[str, metadata.Value]:
    manifest = generation.manifest
    return {
        "generation": manifest.generation,
        "path": dg.MetadataValue.path(str(generation.directory)),
        "data_from": str(manifest.data_from or "–"),
        "data_through": str(manifest.data_through or "–"),
        "credits": metadata.number(manifest.credits),
        "unpriced_credits": metadata.number(manifest.unpriced_credits),
        "total_usd": metadata.number(manifest.cost_usd),
        **{f"{table}_rows": rows for table, rows in manifest.rows.items()},
    }
