"""What the present tables add up to: daily costs by day, and whether what is derived from them still agrees.

Only files that are as listed are read. Job runs are compared in `job_runs`.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import duckdb

from circleci_cost.assets import ALLOCATED_COSTS, DAILY_COSTS, DERIVED
from circleci_cost.database import connect
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.core.actors import use_actors
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.inspection.findings import Finding, Remedy, Step
from circleci_cost.warehouse.inspection.listed_files import Listings
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.tables.cost_files import use_cost_files
from circleci_cost.warehouse.tables.views import make_view

_DERIVE = (Remedy(Step.DERIVE),)
_REPRICE = (Remedy(Step.REPRICE),)


@dataclass(frozen=True)
class CostedDay:
    """A day of a cost center: its daily costs, and what was noted of it when they were computed (None: nothing)."""

    cost_center: str
    day: date
    jobs: int
    credits: Decimal
    noted_jobs: int | None
    noted_credits: Decimal | None
    export_id: str | None
    costed_at: datetime | None


@dataclass(frozen=True)
class Sums:
    """The sums of the daily costs."""

    credits: Decimal = Decimal(0)
    unpriced_credits: Decimal = Decimal(0)
    cost_usd: Decimal = Decimal(0)


@contextmanager
def present_tables(lake: Lake, found: Listings, actors: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the tables that costs and allocation are in, without their damaged files."""
    with closing(connect()) as connection:
        use_actors(connection, actors)
        connection.execute(sql("core/macros"))
        with storage_errors(lake.tables, "read"):
            for table in ("daily_costs", "usage_days", "dimension_names", "allocated_costs"):
                files = [file for manifest in found.tables.values() for file in manifest.of(table)]
                make_view(connection, lake.root, table, found.intact(lake.root, files))
                if table == DAILY_COSTS.name:
                    use_cost_files(connection, files)
            yield connection


def costed_days(connection: duckdb.DuckDBPyConnection) -> list[CostedDay]:
    """All days that have daily costs or were noted, by cost center and date."""
    return [CostedDay(*row) for row in connection.execute(sql("inspection/costed_days")).fetchall()]


def present_sums(connection: duckdb.DuckDBPyConnection) -> Sums:
    """The sums of all present daily costs."""
    return Sums(*one_row(connection, sql("inspection/cost_sums")))


def allocation_findings(connection: duckdb.DuckDBPyConnection, sums: Sums) -> Iterator[Finding]:
    """The virtual tags whose allocated costs are not the daily costs."""
    query = "SELECT tag, sum(credits), coalesce(sum(cost_usd), 0) FROM allocated_costs GROUP BY tag ORDER BY tag"
    for tag, credits, cost_usd in connection.execute(query).fetchall():
        if (credits, cost_usd) != (sums.credits, sums.cost_usd):
            what = (
                f"the tag {tag} adds up to {credits} credits and {cost_usd} USD, the daily costs to {sums.credits} "
                f"and {sums.cost_usd}"
            )
            yield Finding("allocation", "error", "tables/allocated_costs", what, _DERIVE)


def outdated_sets(connection: duckdb.DuckDBPyConnection, found: Listings, damaged: Collection[str]) -> list[str]:
    """The derived sets of tables that were made from other daily costs than the present ones, or never made.

    `damaged` sets are left out; without daily costs there is nothing to derive.
    """
    present = {place.table_set.name: manifest for place, manifest in found.tables.items()}
    if not any(
        manifest.version for place, manifest in found.tables.items() if place.table_set.name == DAILY_COSTS.name
    ):
        return []
    (stamp,) = one_row(connection, sql("core/costs_stamp"))
    return [name for name in DERIVED if name in present and name not in damaged and present[name].made_from != stamp]


def outdated_finding(names: Collection[str]) -> Finding:
    """The finding about outdated sets."""
    what = f"made from other daily costs than the present ones, or not at all: {', '.join(names)}"
    return Finding("derived tables", "error", "tables", what, _DERIVE)


def is_allocation_current(outdated: Collection[str]) -> bool:
    """Whether the allocated costs can be compared with the present daily costs."""
    return ALLOCATED_COSTS.name not in outdated


def generation_findings(generation: Generation, found: Listings) -> Iterator[Finding]:
    """Whether the daily costs of the current generation are what its manifest says."""
    manifest = generation.manifest
    if manifest.tables is None:
        with generation.connect() as connection, storage_errors(generation.database, "read"):
            sums = present_sums(connection)
    else:
        files = manifest.tables.get("daily_costs", ())
        if len(found.intact(generation.root, files)) != len(files):
            return  # named by its files
        with closing(connect()) as connection, storage_errors(generation.directory, "read"):
            make_view(connection, generation.root, "daily_costs", files)
            sums = present_sums(connection)
    listed = Sums(manifest.credits, manifest.unpriced_credits, manifest.cost_usd)
    if sums != listed:
        what = (
            f"its daily costs come to {sums.credits} credits ({sums.unpriced_credits} unpriced) and {sums.cost_usd} "
            f"USD, its manifest lists {listed.credits} ({listed.unpriced_credits}) and {listed.cost_usd}"
        )
        yield Finding("published", "error", f"published/{manifest.generation}", what, _DERIVE)
