"""The asset of what was wasted, by day, job and cause: waste."""

from decimal import Decimal

import dagster as dg

from circleci_cost.assets import WASTE
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, when
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.model.efficiency.waste import CAUSE_NAMES
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.efficiency.waste import WasteSummary

_CHECKS = {"waste_within_cost": "On no day has a job more waste than cost."}


def build_waste_asset(settings: Settings) -> DerivedAsset:
    """The asset `waste`; the patterns of actors tell bots apart."""
    return build_derived_asset(
        WASTE,
        settings,
        Derivation.add_up_waste,
        lambda summary, _: _waste_result(summary),
        code_version=settings.actors.model_dump_json(exclude={"trigger_user_names"}),
        kinds={"duckdb"},
        check_specs=check_specs(WASTE, _CHECKS, blocking=_CHECKS),
        description=(
            "What was wasted: former attempts of re-run workflows, canceled, timed-out and failed runs, bots, people "
            "without a user, Docker layer caching that saves no time. Grain: day × job × cause. A run has one cause, "
            "so all rows may be added up; they are a part of daily_costs, never beside it."
        ),
    )


def _waste_result(summary: WasteSummary) -> metadata.Materialized:
    """The result of `waste` for Dagster: metadata and checks."""
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.rows,
            "wasted_usd": metadata.number(summary.wasted_usd),
            "share_of_cost": metadata.percent(summary.wasted_usd / summary.cost_usd if summary.cost_usd else None),
            "jobs_with_caching": summary.jobs_with_caching,
            "jobs_with_caching_judged": summary.jobs_judged,
            "causes": metadata.table(
                ("cause", "runs", "credits", "USD"),
                ((CAUSE_NAMES[each.cause], each.runs, each.credits, _usd(each.cost_usd)) for each in summary.causes),
            ),
        },
        check_results=[
            failure(
                "waste_within_cost",
                when(summary.beyond_cost, f"{summary.beyond_cost} days and jobs have more waste than cost"),
            )
        ],
    )


def _usd(cost: Decimal | None) -> str:
    return "unpriced" if cost is None else metadata.usd(cost)
