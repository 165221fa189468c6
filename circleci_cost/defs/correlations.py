"""The asset that compares CI's cost with the infrastructure's: cost_correlations."""

import dagster as dg

from circleci_cost.assets import COST_CORRELATIONS
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, warning, when
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.model.correlation.text import FINDING_HEADER, finding_cells
from circleci_cost.warehouse.correlation.cost_correlations import CorrelationSummary
from circleci_cost.warehouse.derived import Derivation

_CHECKS = {
    "series_long_enough": "At most half of the infrastructure series are too short or too steady to be compared.",
}


def build_correlations_asset(settings: Settings) -> DerivedAsset:
    """The asset `cost_correlations`; the calendar gives the days off that both sides share."""
    return build_derived_asset(
        COST_CORRELATIONS,
        settings,
        Derivation.correlate,
        lambda summary, _: _correlation_result(summary),
        code_version=settings.calendar.model_dump_json(),
        kinds={"duckdb", "polars"},
        check_specs=check_specs(COST_CORRELATIONS, _CHECKS),
        description=(
            "Which infrastructure costs move with CI's compute cost, at which lag. Grain: CI series × infrastructure "
            "series. A positive lag is that of the infrastructure behind CI. Rhythm, days off, growth and each "
            "series' own past are taken out first; q_value is over all pairs. Moving together is no cause."
        ),
    )


def _correlation_result(summary: CorrelationSummary) -> metadata.Materialized:
    """The result of `cost_correlations` for Dagster: metadata and checks."""
    return dg.MaterializeResult(metadata=_metadata(summary), check_results=[_long_enough(summary)])


def _metadata(summary: CorrelationSummary) -> dict[str, metadata.Value]:
    significant = summary.significant
    values: dict[str, metadata.Value] = {
        "dagster/row_count": summary.pairs.height,
        "ci_series": summary.ci_series,
        "infrastructure_series": summary.infrastructure_series,
        "pairs_tested": summary.tested,
        "pairs_significant": significant.height,
        "series_too_short": summary.too_short or 0.0,
    }
    if significant.height:
        values["findings"] = metadata.table(FINDING_HEADER, finding_cells(significant))
    return values


def _long_enough(summary: CorrelationSummary) -> dg.AssetCheckResult:
    share = summary.too_short or 0.0
    return warning(
        "series_long_enough",
        when(share > 0.5, f"{metadata.percent(share)} of the infrastructure series are not compared"),
    )
