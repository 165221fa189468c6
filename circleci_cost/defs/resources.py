"""The resources of the assets: the warehouse, the source of usage exports, and the log of a fetch's progress.

Tokens are read from the environment when a fetch begins, one cost center at a time; no resource's repr holds one.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field

from circleci_cost.circleci import Connection, ExportProgress, UsageExports
from circleci_cost.clock import Clock, SystemClock, utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.config.tokens import api_token
from circleci_cost.database import connect
from circleci_cost.lake.disk_failures import storage_failure
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.own_files import require_own_database
from circleci_cost.lake.turns import WAREHOUSE, turn
from circleci_cost.model.efficiency.actors import Actors
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.warehouse.efficiency.actors import use_actors

# Beyond this DuckDB spills to disk: repricing 39 million jobs has to fit beside what else runs on the host.
_MEMORY_LIMIT = "3GB"
_POLL_SECONDS = 0.2
_DAMAGED = (
    "Restore it from a backup, or move it away and keep it, then run `circleci-cost reprice`, which makes it again "
    "from the job runs."
)


def connection_to(settings: Settings, center: CostCenter, token: str) -> Connection:
    """The connection that a cost center's settings describe."""
    return Connection(
        cost_center=center.name,
        organization_id=center.organization_id,
        shared_organization_ids=center.shared_organization_ids,
        slug=center.slug,
        token=token,
        token_env=center.api_token_env,
        base_url=settings.api.base_url,
        download_hosts=settings.api.download_hosts,
        posts_per_hour=settings.api.posts_per_hour,
        gets_per_minute=settings.api.gets_per_minute,
    )


@dataclass(frozen=True)
class UsageSource:
    """Where usage exports come from: CircleCI's API, or the simulator in the built-in demo."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock, repr=False)

    @contextmanager
    def exports(self, cost_center: str, lake: Lake, progress: ExportProgress) -> Iterator[UsageExports]:
        """Open the usage exports of one cost center. Raises `AuthorizationError` where its token is missing."""
        center = self.settings.cost_center(cost_center)
        if self.settings.is_demo:
            with self._demo_connection(center) as connection:
                yield UsageExports(lake, connection, self.clock, progress=progress)
        else:
            connection = connection_to(self.settings, center, api_token(center))
            yield UsageExports(lake, connection, self.clock, progress=progress)

    @contextmanager
    def _demo_connection(self, center: CostCenter) -> Iterator[Connection]:
        from circleci_cost import simulator

        day = simulator.begin_demo(self.settings.data_dir, utc_today(self.clock))
        app = simulator.Simulator(
            simulator.demo_scenario(day),
            clock=self.clock,
            posts_per_hour=self.settings.api.posts_per_hour,
            gets_per_minute=self.settings.api.gets_per_minute,
        )
        with simulator.SimulatorServer(app) as server:
            settings = self.settings.model_copy(
                update={"api": self.settings.api.model_copy(update={"base_url": server.base_url})}
            )
            yield connection_to(settings, center, "demo")


class LogProgress:
    """Logs the progress of a fetch to its Dagster run; bytes are not worth a line."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log
        self._waiting_for = ""

    def message(self, text: str) -> None:
        """Log an event of the fetch."""
        self._waiting_for = ""
        self._log.info(text)

    def waiting(self, text: str, seconds: float) -> None:
        """Log a wait once, when it begins."""
        if text != self._waiting_for:
            self._waiting_for = text
            self._log.info(f"{text} (about {seconds:.0f} s)")

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """Leave bytes out of the log."""

    def finished(self) -> None:
        """Log nothing: the landing has been logged."""


class Warehouse(DuckDBResource):
    """The DuckDB file of all derived tables. DuckDB lets one process open it at a time: the others wait in turn."""

    lock: str = Field(description="Path to the file whose lock is held while the database is open")
    data_dir: str = Field(description="The data directory that the database belongs to")
    patience_seconds: float = Field(default=30.0, description="How long another program may have the database open")
    cost_centers: list[str] | None = Field(default=None, description="Those of the configuration, with data or without")

    actors: dict[str, str] | None = Field(default=None, description="Patterns that tell kinds of actors apart")

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Wait until no other process has the warehouse open, then open it. Raises `StorageError`."""
        claim(Lake(Path(self.data_dir)))
        lock = turn(Path(self.lock), dg.get_dagster_logger().info, WAREHOUSE)
        with lock, storage_errors(self.database, "use", _DAMAGED):
            require_own_database(Path(self.database))
            self._remove_leftovers()
            with closing(self._opened()) as connection:
                names = {"names": self.cost_centers}
                connection.execute("SET VARIABLE cost_centers = CAST($names AS VARCHAR[])", names)
                if self.actors is not None:
                    use_actors(connection, self.actors)
                yield connection

    def _opened(self) -> duckdb.DuckDBPyConnection:
        # Dagster's own connection is retried for 100 seconds whatever is wrong, and stays open where the work fails.
        # Our own processes take turns: only other programs may have the file open for a moment.
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return connect(self.database, config=self.connection_config)
            except duckdb.IOException as error:
                failure = storage_failure(error)
                if failure is None or not failure.held or time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_SECONDS)

    def _remove_leftovers(self) -> None:
        """Remove the spilled files of killed processes: nobody else has the warehouse open now."""
        for path in Path(self.connection_config["temp_directory"]).glob("duckdb_temp_*"):
            path.unlink(missing_ok=True)


def warehouse_resource(
    lake: Lake, cost_centers: Sequence[str] | None = None, actors: Actors | None = None
) -> Warehouse:
    """The warehouse of a data directory; `cost_centers` and `actors` are those of the configuration."""
    return Warehouse(
        lock=str(lake.warehouse_lock),
        data_dir=str(lake.root),
        cost_centers=None if cost_centers is None else list(cost_centers),
        actors=None if actors is None else actors.patterns,
        database=str(lake.warehouse),
        connection_config={
            "memory_limit": _MEMORY_LIMIT,
            "temp_directory": str(lake.spill / "warehouse"),
            "preserve_insertion_order": True,
        },
    )
