"""Logs days of `usage_exports` that came from files to Dagster, where their partitions would else stay missing.

Only for display: the manifests in the lake (`coverage`) decide what is fetched, never Dagster's events.
"""

from datetime import date

import dagster as dg

from circleci_cost.assets import USAGE_EXPORTS
from circleci_cost.days import days_between
from circleci_cost.defs.declared import asset_key
from circleci_cost.defs.event_batches import gathering_events
from circleci_cost.defs.partitions import partition_key
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import Manifest, landed_exports

_KEY = asset_key(USAGE_EXPORTS)


def log_imported_days(
    context: dg.AssetExecutionContext, lake: Lake, cost_center: str, history_start: date, today: date
) -> None:
    """Log a materialization of `usage_exports` for every imported day that has none: once, also after an upgrade.

    Raises `StorageError` for a manifest that is not readable.
    """
    imported: dict[str, Manifest] = {}
    for export in sorted(landed_exports(lake, cost_center), key=lambda export: export.manifest.exported_at):
        if export.manifest.source == "import":
            days = days_between(export.manifest.first_day, export.manifest.last_day)
            imported |= {
                partition_key(cost_center, day): export.manifest for day in days if history_start <= day < today
            }
    if not imported:
        return
    with gathering_events(context.instance):
        for partition in sorted(imported.keys() - context.instance.get_materialized_partitions(_KEY)):
            manifest = imported[partition]
            context.log_event(
                dg.AssetMaterialization(
                    _KEY,
                    partition=partition,
                    description="Imported from files, not fetched from CircleCI.",
                    metadata={
                        "source": "imported files",
                        "import": manifest.export_id,
                        "window": f"{manifest.first_day} – {manifest.last_day}",
                        "imported_parts": len(manifest.parts),
                    },
                )
            )
