"""Says what to do where nothing is published yet. Whether that is so is decided in `generations`."""

from circleci_cost.lake.layout import Lake

# An interrupted backfill leaves usage without costs; another fetch might have to wait for the quota.
PRICE_THEM = "usage is there without costs: run `circleci-cost reprice`, which fetches nothing"


def first_step(lake: Lake) -> str:
    """The command that makes the first publication from what `lake` holds."""
    if lake.has_job_runs():
        return PRICE_THEM
    return (
        "run `circleci-cost sync` (or `circleci-cost demo` to look around), or materialize the assets in the Dagster UI"
    )
