"""Says why there is no pair to compare, and what to do; comparing is `cost_correlations`' job."""

from collections.abc import Sequence

from circleci_cost.config.settings import Settings
from circleci_cost.lake.infrastructure_state import Refusal
from circleci_cost.warehouse.publishing.generations import Generation

_COSTS = "infrastructure_costs"


def nothing_to_compare(generation: Generation, settings: Settings, refusals: Sequence[Refusal]) -> str:
    """The sentence for a generation without pairs. In: the refusals of the last reading."""
    if generation.manifest.rows.get(_COSTS):
        return "There are no CI costs to compare the infrastructure with; run `circleci-cost sync`."
    if refusals:
        return "There is nothing to compare with before the infrastructure costs can be read."
    if settings.infrastructure:
        return (
            "The published numbers hold no costs of the configured [[infrastructure]]; run `circleci-cost allocation "
            "apply`, which reads its files."
        )
    return (
        f"There are no infrastructure costs to compare with; add some to {settings.described_source}: a section "
        '[[infrastructure]] with name = "aws" and files = "costs/*.csv.gz" (FOCUS files, or format = "simple"), '
        "then run `circleci-cost allocation apply`."
    )
