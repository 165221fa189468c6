"""Published generations: what readers read. One folder each, one pointer that is renamed last.

A reader opens the generation that the pointer names and keeps to it: it never waits for a writer and never
sees two generations mixed. Making a generation is `publish`'s work.
"""

import json
import shutil
import time
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.errors import CircleciCostError, StorageError
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.layout import Lake

POINTER = "current.json"
MANIFEST = "manifest.json"
DATABASE = "circleci_cost.duckdb"
ALLOCATED = "allocated_costs"
# Large tables of days, one Parquet file a month, and the order of their rows.
MONTHLY_ORDER = {
    "daily_costs": "date, cost_center, project_id, workflow, job",
    ALLOCATED: "tag, date, value, source_row",
}
TABLES = (
    *MONTHLY_ORDER,
    "usage_days",
    "pricing_periods",
    "daily_rates",
    "usage_restatements",
    "budget_status",
    "cost_forecast",
    "forecast_totals",
    "forecast_backtests",
    "cost_anomalies",
    "anomaly_incidents",
    "anomaly_drivers",
    "infrastructure_costs",
    "infrastructure_files",
    "cost_correlations",
    "incident_services",
)
# A reader that opened an older generation gets this long to finish with it.
KEPT_GENERATIONS = 3
KEPT_SECONDS = 3600


class GenerationManifest(BaseModel):
    """What a generation holds. `data_through` is the last day that is complete for every cost center."""

    model_config = ConfigDict(frozen=True)

    generation: str
    published_at: datetime
    data_from: date | None
    data_through: date | None
    rows: dict[str, int]
    credits: Decimal
    unpriced_credits: Decimal
    cost_usd: Decimal


@dataclass(frozen=True)
class Generation:
    """One published generation."""

    directory: Path
    manifest: GenerationManifest

    @property
    def database(self) -> Path:
        """The DuckDB file with all tables, for BI tools and for reading here; open it read-only."""
        return self.directory / DATABASE

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the generation's database for reading."""
        return duckdb.connect(str(self.database), read_only=True)

    def parquet(self, table: str) -> list[Path]:
        """The Parquet files of one table, in order."""
        return sorted((self.directory / table).glob("*.parquet"))


class NothingPublishedError(CircleciCostError):
    """There is no published generation yet."""


def current_generation(lake: Lake) -> Generation:
    """The generation that the pointer names. Raises `NothingPublishedError` or `StorageError`."""
    pointer = lake.published / POINTER
    if not pointer.exists():
        raise NothingPublishedError(
            f"Nothing is published in {lake.root} yet; run `circleci-cost sync` (or `circleci-cost demo` to look "
            "around), or materialize the assets in the Dagster UI."
        )
    try:
        directory = lake.published / str(json.loads(pointer.read_text())["generation"])
        manifest = GenerationManifest.model_validate_json((directory / MANIFEST).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise StorageError(
            f"{pointer} names no readable generation ({type(error).__name__}); materialize the asset `published` to "
            "make a new one."
        ) from error
    return Generation(directory, manifest)


def point_to(lake: Lake, manifest: GenerationManifest) -> Generation:
    """Make a finished generation the current one: the manifest first, the pointer last."""
    directory = lake.published / manifest.generation
    write_atomic(directory / MANIFEST, manifest.model_dump_json(indent=2).encode())
    write_atomic(lake.published / POINTER, json.dumps({"generation": manifest.generation}).encode())
    return Generation(directory, manifest)


def prune(lake: Lake, current: str) -> list[str]:
    """Remove old and unfinished generations that no reader can still be at; return their names."""
    folders = sorted((path for path in lake.published.iterdir() if path.is_dir()), reverse=True)
    removed = []
    for position, folder in enumerate(folders):
        old = time.time() - folder.stat().st_mtime > KEPT_SECONDS
        if folder.name != current and old and position >= KEPT_GENERATIONS:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    return removed
