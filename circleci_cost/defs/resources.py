"""The resources of the assets: the warehouse, the source of usage exports, and the log of a fetch's progress.

Tokens are read from the environment when a fetch begins, one cost center at a time; no resource's repr holds one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field

from circleci_cost.assets import Asset
from circleci_cost.circleci import Connection, ExportProgress, UsageExports
from circleci_cost.clock import Clock, SystemClock, utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.config.tokens import api_token
from circleci_cost.lake.layout import Lake
from circleci_cost.model.efficiency.actors import Actors
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.sessions import TableStore

# Beyond this DuckDB spills to disk: repricing 39 million jobs has to fit beside what else runs on the host.
_MEMORY_LIMIT = "3GB"


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
    """The tables of the warehouse: a DuckDB in memory that sees the Parquet files which the manifests list."""

    data_dir: str = Field(description="The data directory that holds the tables")
    cost_centers: list[str] | None = Field(default=None, description="Those of the configuration, with data or without")
    actors: dict[str, str] | None = Field(default=None, description="Patterns that tell kinds of actors apart")

    @property
    def store(self) -> TableStore:
        """The tables, with the settings of this resource; waits are said in the log of the step."""
        return TableStore(
            Lake(Path(self.data_dir)),
            self.cost_centers,
            self.actors,
            self.connection_config,
            say=dg.get_dagster_logger().info,
        )

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Read all tables as they are now. Raises `StorageError`."""
        with self.store.reading() as opened:
            yield opened.connection

    @contextmanager
    def writing(
        self,
        asset: Asset,
        cost_center: str = "",
        *,
        days: Callable[[duckdb.DuckDBPyConnection], ChangedDays] | None = None,
        fence: Callable[[], object] = lambda: None,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Write the tables of an asset, see `TableStore.writing`."""
        with self.store.writing(asset.name, cost_center, days=days, fence=fence) as connection:
            yield connection


def warehouse_resource(
    lake: Lake, cost_centers: Sequence[str] | None = None, actors: Actors | None = None
) -> Warehouse:
    """The warehouse of a data directory; `cost_centers` and `actors` are those of the configuration."""
    return Warehouse(
        data_dir=str(lake.root),
        cost_centers=None if cost_centers is None else list(cost_centers),
        actors=None if actors is None else actors.patterns,
        database=":memory:",
        connection_config={"memory_limit": _MEMORY_LIMIT, "preserve_insertion_order": True},
    )
