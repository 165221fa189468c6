"""What to do where nothing is published yet, in words. Whether anything is, `generations` knows."""

from circleci_cost.lake.layout import Lake

# An interrupted backfill leaves usage without costs; a further fetch may wait for the quota.
PRICE_THEM = "usage is there without costs: run `circleci-cost reprice`, which fetches nothing"


def first_step(lake: Lake) -> str:
    """The command that makes the first publication from what `lake` holds."""
    if lake.has_job_runs():
        return PRICE_THEM
    return (
        "run `circleci-cost sync` (or `circleci-cost demo` to look around), or materialize the assets in the Dagster UI"
    )
