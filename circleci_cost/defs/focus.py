"""The asset `focus_export`: monthly FOCUS files below the data directory, for tools that fetch files."""

import dagster as dg

from circleci_cost.assets import FOCUS_EXPORT
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.declared import declared
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_dependencies
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.focus.kept_months import KeptMonths, keep_months


def build_focus_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset `focus_export`."""
    payers = {center.name: center.organization_id for center in settings.cost_centers}

    @dg.asset(
        **declared(FOCUS_EXPORT),
        kinds={"duckdb", "parquet"},
        automation_condition=follows_dependencies(),
        description=(
            "Usage and cost in FOCUS 1.2, a Parquet file a month below the data directory; only months whose data "
            "changed are written again, with the same bytes for the same data. Grain: daily cost × charge type × part "
            "of a shared cost. The sum of EffectiveCost is that of daily_costs; never add BilledCost to it."
        ),
    )
    def focus_export(lake: dg.ResourceParam[Lake]) -> metadata.Materialized:
        with dagster_failures():
            kept = keep_months(lake, payers)
        return dg.MaterializeResult(metadata=_metadata(kept))

    return focus_export


def _metadata(kept: KeptMonths) -> dict[str, metadata.Value]:
    return {
        "path": dg.MetadataValue.path(str(kept.folder)),
        "generation": kept.generation,
        "months_written": ", ".join(kept.written) or "–",
        "months_unchanged": len(kept.unchanged),
        "files_removed": ", ".join(kept.removed) or "–",
        "rows_written": kept.rows,
        "written_usd": metadata.number(kept.cost_usd),
    }
