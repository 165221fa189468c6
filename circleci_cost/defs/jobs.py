"""The jobs: which assets a run makes together, and the tags of every run.

`automation` and `notifications` start them.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import dagster as dg

from circleci_cost.assets import COSTED, FOLLOWING, INGESTED, NOTIFICATIONS
from circleci_cost.defs.living_runs import MAX_RUNTIME_SECONDS
from circleci_cost.defs.own_runs import DAGSTER, LAUNCHED_BY

# Dagster does not export the type of what `define_asset_job` returns.
AssetJob: TypeAlias = Any
TAGS = {"dagster/max_runtime": str(MAX_RUNTIME_SECONDS), LAUNCHED_BY: DAGSTER}


def build_jobs(standing_checks: Sequence[dg.AssetChecksDefinition]) -> dict[str, AssetJob]:
    """The jobs by name: `ingest` fetches and reads, `reprice` computes costs again, `refresh` does both.

    `allocate` makes what depends on daily costs, `notify` sends, `check` runs the standing checks.
    """
    checks = dg.define_asset_job(
        "check",
        selection=dg.AssetSelection.checks(*standing_checks),
        tags=TAGS,
        description="Run the standing checks, which look at all days of all cost centers; nothing is made.",
    )
    return {"check": checks} | {
        name: dg.define_asset_job(name, selection=dg.AssetSelection.assets(*assets), tags=TAGS, description=description)
        for name, assets, description in (
            ("ingest", INGESTED, "Fetch usage exports and read them into job runs."),
            (
                "reprice",
                (*COSTED, *FOLLOWING),
                "Compute daily costs again at today's price periods; nothing is fetched or parsed.",
            ),
            (
                "refresh",
                (*INGESTED, *COSTED, *FOLLOWING),
                "Fetch, read, price and publish some days: what the daily schedule does.",
            ),
            (
                "allocate",
                FOLLOWING,
                "Allocate costs and compare budgets again after a rule or a budget was edited; publish.",
            ),
            ("notify", (NOTIFICATIONS.name,), "Tell what there is to tell, and send again what could not be sent."),
        )
    }
