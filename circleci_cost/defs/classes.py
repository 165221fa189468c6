"""The asset that says which resource class a job should have: class_advice."""

import dagster as dg

from circleci_cost.assets import CLASS_ADVICE
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, warning
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.model.efficiency import change_listing
from circleci_cost.model.efficiency.advice_listing import TABLE_HEADER, cells
from circleci_cost.model.efficiency.change_listing import is_to_revert
from circleci_cost.model.efficiency.observed_rates import disagreements
from circleci_cost.model.efficiency.rates import rates_hash
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.efficiency.class_advice import AdviceSummary

_CHECKS = {"rates_match_export": "The table of rates says what the runs in the export cost a minute."}
_SHOWN_ROWS = 20


def build_classes_asset(settings: Settings) -> DerivedAsset:
    """The asset `class_advice`; its rates are those of the configuration and the shipped ones."""
    return build_derived_asset(
        CLASS_ADVICE,
        settings,
        Derivation.advise,
        lambda summary, _: _advice_result(summary),
        code_version=rates_hash(settings.resource_class_rates),
        kinds={"duckdb", "polars"},
        check_specs=check_specs(CLASS_ADVICE, _CHECKS),
        description=(
            "Which resource class a job could have, from its runs of the last 28 days. Grain: job × class that it has "
            "× class that it could have. Savings are estimates a month, each against today's class: take one per job. "
            "Nothing is advised where samples of CPU and RAM are too few. What became of past changes of class is in "
            "class_changes."
        ),
    )


def _advice_result(summary: AdviceSummary) -> metadata.Materialized:
    """The result of `class_advice` for Dagster: metadata and checks."""
    rates = warning("rates_match_export", disagreements(summary.rates))
    return dg.MaterializeResult(metadata=_metadata(summary), check_results=[rates])


def _metadata(summary: AdviceSummary) -> dict[str, metadata.Value]:
    best = summary.advice.filter("best")
    values: dict[str, metadata.Value] = {
        "dagster/row_count": summary.advice.height,
        "jobs_with_advice": best.height,
        "saving_usd_per_month": float(best["saving_usd"].sum() or 0),
    }
    revert = summary.changes.filter(is_to_revert())
    values |= {"changes": summary.changes.height, "changes_to_revert": revert.height}
    if revert.height:
        rows = map(change_listing.cells, revert.head(_SHOWN_ROWS).iter_rows(named=True))
        values["to_revert"] = metadata.table(change_listing.TABLE_HEADER, rows)
    if best.height:
        values["advice"] = metadata.table(TABLE_HEADER, map(cells, best.head(_SHOWN_ROWS).iter_rows(named=True)))
    return values
