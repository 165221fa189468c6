"""Published generations, which all readers use: one folder each, and one pointer that is renamed last.

A reader opens the generation that the pointer names and keeps to it: it never waits for a writer and never
sees two generations mixed. Making a generation is `publish`'s job.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.clock import file_age
from circleci_cost.database import connect, spill_into
from circleci_cost.errors import CircleciCostError, StorageError
from circleci_cost.lake.files import remove_folder, storage_errors, write_atomic
from circleci_cost.lake.layout import FORMAT, Lake
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.text.sentences import sentence_case
from circleci_cost.warehouse.publishing.earlier_versions import supply_columns
from circleci_cost.warehouse.publishing.nothing_published import first_step
from circleci_cost.warehouse.tables.manifests import TableFile
from circleci_cost.warehouse.tables.table_sets import MONTHLY_ORDER
from circleci_cost.warehouse.tables.views import make_view

POINTER = "current.json"
MANIFEST = "manifest.json"
DATABASE = "circleci_cost.duckdb"
ALLOCATED = "allocated_costs"
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
    "credit_lots",
    "credit_outlook",
    "credit_forecast",
    "reconciliation",
    "cost_anomalies",
    "anomaly_incidents",
    "anomaly_drivers",
    "infrastructure_costs",
    "infrastructure_files",
    "cost_correlations",
    "incident_services",
    "class_advice",
    "class_changes",
    "waste",
    "dlc_evidence",
    "dimension_values",
)
# A reader that opened an older generation gets this long to finish with it.
KEPT_GENERATIONS = 3
KEPT_SECONDS = 3600
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_DAMAGED = "Run `circleci-cost doctor`, which says what makes a new one."


class GenerationManifest(BaseModel):
    """What a generation holds. `data_through` is the last day that is complete for every cost center.

    `format` is that of the data directory when it was published; the first versions did not write it.
    """

    model_config = ConfigDict(frozen=True)

    format: int = 1
    generation: str
    published_at: datetime
    data_from: date | None
    data_through: date | None
    rows: dict[str, int]
    tables: dict[str, tuple[TableFile, ...]] | None = None
    """The Parquet files of each table, paths below the data directory; earlier versions had them in the generation."""
    credits: Decimal
    unpriced_credits: Decimal
    cost_usd: Decimal

    @property
    def data_through_text(self) -> str | None:
        """The last complete day as JSON has it: `YYYY-MM-DD`."""
        return self.data_through.isoformat() if self.data_through else None

    @property
    def as_of(self) -> dict[str, str | None]:
        """How far the data reach and when they were published, as every answer in JSON says it."""
        return {"data_through": self.data_through_text, "published_at": self.published_at.isoformat()}

    @property
    def days(self) -> str:
        """The covered days in words."""
        if self.data_through is None:
            return f"since {self.data_from}, {self.through}" if self.data_from else "no days yet"
        return f"{self.data_from} to {self.data_through}"

    @property
    def through(self) -> str:
        """How far the data reach, in words."""
        if self.data_through is None:
            return "no day is complete for every cost center yet"
        return f"data through {self.data_through}"

    @property
    def through_sentence(self) -> str:
        """The same as a sentence."""
        return f"{sentence_case(self.through)}."


@dataclass(frozen=True)
class Generation:
    """One published generation."""

    directory: Path
    manifest: GenerationManifest

    @property
    def root(self) -> Path:
        """The data directory."""
        return self.directory.parents[1]

    @property
    def is_of_earlier_version(self) -> bool:
        """Whether tables that this version has may be missing from it."""
        return self.manifest.format < FORMAT

    @property
    def how_to_publish(self) -> str:
        """What to do for tables that are not published yet: the same advice as `check` gives."""
        if self.is_of_earlier_version:
            return "run `circleci-cost reprice`, which fetches nothing"
        return "run `circleci-cost allocation apply`, which fetches nothing, or the job `allocate` in the Dagster UI"

    @property
    def database(self) -> Path:
        """The DuckDB file of all tables: where the configuration asks for it, or an earlier version published."""
        return self.directory / DATABASE

    @property
    def _spill(self) -> Path:
        """Where DuckDB puts what does not fit into memory: a folder of this machine."""
        if isinstance(self.root, StorePath):
            return Lake(self.root).spill / self.manifest.generation
        return self.directory / f"{DATABASE}.tmp"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """See the generation's tables in a DuckDB connection. Raises `StorageError` where they cannot be read."""
        if self.manifest.tables is None:
            with storage_errors(self.database, "read", _DAMAGED):
                connection = connect(self.database, read_only=True)
                supply_columns(connection)
            return connection
        connection = connect()
        try:
            spill_into(connection, self._spill)
            self.show_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def connect_beside(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """Open another connection beside one that `connect` opened: they share their memory, and its limits."""
        if self.manifest.tables is None:
            # A process opens a file once; what hides its tables belongs to one connection.
            return self.connect()
        return connection.cursor()

    def show_tables(self, connection: duckdb.DuckDBPyConnection, schema: str = "main") -> None:
        """Let a connection see the tables in one of its schemas. Raises `StorageError` where a file cannot be read."""
        with storage_errors(self.directory, "read", _DAMAGED):
            for table, files in (self.manifest.tables or {}).items():
                make_view(connection, self.root, table, files, schema)

    def parquet(self, table: str) -> list[Path]:
        """The Parquet files of one table, in order."""
        if self.manifest.tables is None:
            return sorted((self.directory / table).glob("*.parquet"))
        return [self.root / file.path for file in self.manifest.tables.get(table, ())]


class NothingPublishedError(CircleciCostError):
    """There is no published generation yet."""


def current_generation(lake: Lake) -> Generation:
    """The generation that the pointer names. Raises `NothingPublishedError` or `StorageError`."""
    pointer = lake.published / POINTER
    if not pointer.exists():
        raise NothingPublishedError(f"Nothing is published in {lake.root} yet; {first_step(lake)}.")
    try:
        return _read_pointed(lake)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise StorageError(
            f"{pointer} names no readable generation ({type(error).__name__}); run `circleci-cost doctor`, which says "
            "what makes a new one."
        ) from error


def named_generation(lake: Lake) -> str:
    """The name in the pointer, whether there is such a generation or not; empty where there is no pointer."""
    try:
        return str(json.loads((lake.published / POINTER).read_text())["generation"])
    except FileNotFoundError:
        return ""


def finished_generations(lake: Lake) -> list[Generation]:
    """All generations that are kept, the newest first. Raises `StorageError` for one that is not readable."""
    generations = []
    with storage_errors(lake.published, "read"):
        for folder in generation_folders(lake):
            # A publication may remove the oldest one meanwhile.
            with suppress(FileNotFoundError):
                generations.append(read_generation(folder))
    return generations


def read_generation(folder: Path) -> Generation:
    """A generation that is kept. Raises `StorageError` where its manifest is not readable."""
    try:
        return Generation(folder, GenerationManifest.model_validate_json((folder / MANIFEST).read_bytes()))
    except ValidationError as error:
        raise StorageError(
            f"{folder / MANIFEST} is no readable manifest; remove its folder unless it is the current generation."
        ) from error


def generation_folders(lake: Lake) -> list[Path]:
    """The folders of complete generations, the newest first."""
    folders = [path for path in lake.published.iterdir() if _is_generation(path)]
    return sorted((path for path in folders if (path / MANIFEST).exists()), reverse=True)


def _is_generation(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None and not path.is_symlink()


def _read_pointed(lake: Lake) -> Generation:
    read = ""
    # Retried only where the pointer has moved: a publication may have removed the generation that it named before.
    while (name := named_generation(lake)) != read:
        read = name
        directory = lake.published / name
        with suppress(FileNotFoundError):
            return Generation(directory, GenerationManifest.model_validate_json((directory / MANIFEST).read_bytes()))
    raise FileNotFoundError(lake.published / read / MANIFEST)


def point_to(lake: Lake, manifest: GenerationManifest) -> Generation:
    """Make a finished generation the current one: the manifest first, the pointer last."""
    directory = lake.published / manifest.generation
    write_atomic(directory / MANIFEST, manifest.model_dump_json(indent=2).encode())
    write_atomic(lake.published / POINTER, json.dumps({"generation": manifest.generation}).encode())
    return Generation(directory, manifest)


def prune(lake: Lake, current: str) -> list[str]:
    """Remove old and unfinished generations that no reader can still have open; return their names.

    A reader may have opened a generation until the next one was finished, so its time counts from then.
    """
    folders = [path for path in lake.published.iterdir() if _is_generation(path)]
    finished = generation_folders(lake)
    ended = {path: path.stat() for path in folders}
    for newer, older in pairwise(finished):
        ended[older] = newer.stat()
    kept_names = {current, *(path.name for path in finished[:KEPT_GENERATIONS])}
    removed = [path for path in folders if path.name not in kept_names and file_age(ended[path]) > KEPT_SECONDS]
    for folder in removed:
        remove_folder(folder)
    return [folder.name for folder in removed]
