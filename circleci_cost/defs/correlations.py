"""The asset that compares CI's cost with the infrastructure's: cost_correlations."""

import dagster as dg

from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.anomalies import GROUP
from circleci_cost.defs.check_results import warning
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_configuration, follows_dependencies
from circleci_cost.defs.resources import Warehouse
from circleci_cost.lake.layout import Lake
from circleci_cost.model.correlation.text import FINDING_HEADER, finding_cells
from circleci_cost.warehouse.correlation.cost_correlations import CorrelationSummary
from circleci_cost.warehouse.derived import Derivation


def build_correlations_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset `cost_correlations`; the calendar tells the days off that both sides share."""

    @dg.asset(
        deps=["infrastructure_costs", "daily_costs"],
        code_version=settings.calendar.model_dump_json(),
        automation_condition=follows_configuration() | follows_dependencies(),
        group_name=GROUP,
        kinds={"duckdb", "polars"},
        check_specs=[
            dg.AssetCheckSpec(
                "series_long_enough",
                asset="cost_correlations",
                description="At most half of the infrastructure series are too short or too steady to be compared.",
            )
        ],
        description=(
            "Which infrastructure costs move with CI's compute cost, at which lag. Grain: CI series × infrastructure "
            "series. A positive lag is that of the infrastructure behind CI. Rhythm, days off, growth and each "
            "series' own past are taken out first; q_value is over all pairs. Moving together is no cause."
        ),
    )
    def cost_correlations(warehouse: Warehouse, lake: dg.ResourceParam[Lake]) -> metadata.Materialized:
        with dagster_failures(), warehouse.get_connection() as connection:
            summary = Derivation(settings, lake).correlate(connection)
        return correlated(summary)

    return cost_correlations


def correlated(summary: CorrelationSummary) -> metadata.Materialized:
    """What Dagster is told of `cost_correlations`."""
    return dg.MaterializeResult(metadata=_metadata(summary), check_results=[_long_enough(summary)])


def _metadata(summary: CorrelationSummary) -> dict[str, metadata.Value]:
    found = summary.significant
    shown: dict[str, metadata.Value] = {
        "dagster/row_count": summary.pairs.height,
        "ci_series": summary.ci_series,
        "infrastructure_series": summary.infrastructure_series,
        "pairs_tested": summary.tested,
        "pairs_significant": found.height,
        "series_too_short": summary.too_short or 0.0,
    }
    if found.height:
        shown["findings"] = metadata.table(FINDING_HEADER, finding_cells(found))
    return shown


def _long_enough(summary: CorrelationSummary) -> dg.AssetCheckResult:
    share = summary.too_short or 0.0
    told = [f"{metadata.percent(share)} of the infrastructure series are not compared"] if share > 0.5 else []
    return warning("series_long_enough", told)
