"""Counts the job runs of organizations that the configuration does not name, from the written files.

`model.usage.job_runs` decides whether such rows are refused before they are written.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.database import connect
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.job_run_files import JOB_RUN_FILES
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import present, readable
from circleci_cost.text.amounts import exact_number
from circleci_cost.text.units import counted

_QUERY = f"""
SELECT CAST(organization_id AS VARCHAR), CAST(max_by(organization_name, job_run_date) AS VARCHAR), count(*),
    sum(total_credits)
FROM {JOB_RUN_FILES}
WHERE NOT list_contains($known, CAST(organization_id AS VARCHAR))
GROUP BY 1
ORDER BY 1
"""  # noqa: S608


@dataclass(frozen=True)
class UnknownOrganization:
    """The job runs of an organization that the cost center does not name, over some days."""

    cost_center: str
    organization_id: str
    name: str | None
    jobs: int
    credits: Decimal

    @property
    def described(self) -> str:
        """The organization in a sentence, with what to do."""
        return (
            f"{self.cost_center} counts {counted(self.jobs, 'job')} with {exact_number(self.credits)} credits of "
            f"organization {self.organization_id} ({self.name or 'without a name'}), which the configuration does not "
            "name; add the id to shared_organization_ids if it belongs to this plan"
        )


def unknown_organizations(
    lake: Lake, cost_center: str, known: Collection[str], days: Iterable[date]
) -> list[UnknownOrganization]:
    """Count the job runs of organizations beyond `known`; days that were never written hold none."""
    paths = [lake.job_runs_file(cost_center, day) for day in days]
    written = present(paths)
    if not written:
        return []
    with storage_errors(lake.job_runs(cost_center), "read"), connect() as connection:
        files = readable(written)
        rows = connection.execute(_QUERY, {"files": files, "known": list(known)}).fetchall()
    return [UnknownOrganization(cost_center, *row) for row in rows]
