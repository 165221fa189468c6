"""A configuration file, a simulator on a socket and a Dagster instance, and what runs the jobs on them.

Everything is as in production but the clock and the executor's process; what is expected is computed in `oracle`.
"""

import os
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import Settings, load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.partitions import range_tags
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.simulator import Fault, Scenario, Simulator, SimulatorServer
from circleci_cost.simulator.faults import Action
from circleci_cost.simulator.sources import Source
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.pipeline.scenarios import NOW, OTHER, PAYING, SHARED, scenario

TOKEN = "CCIPAT_canary_token_7f3a"
TOKEN_VARIABLE = "CIRCLECI_COST_TEST_TOKEN"
# What differs between two runs that did the same: ids that CircleCI draws, and times of processing.
DRAWN = (
    "export_id",
    "exported_at",
    "costed_at",
    "ingested_at",
    "recorded_at",
    "last_build_finished_at",
    # Of a file that names its exports.
    "job_runs_sha256",
)
STANDING_CHECKS = (
    ("job_runs", "no_gaps"),
    ("job_runs", "no_unsettled_days"),
    ("job_runs", "data_fresh"),
    ("job_runs", "no_failed_partitions"),
    ("daily_costs", "prices_up_to_date"),
    ("daily_costs", "computed_by_this_version"),
)
# What costs come from: the job `refresh` without what follows daily costs, and with what readers read.
PRICED = ("pricing_periods", "usage_exports", "job_runs", "daily_costs")
COSTS = (*PRICED, "published")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Price:
    """A `[[cost_centers.pricing]]` section."""

    price_per_credit: str
    effective_from: str
    effective_until: str | None = None


LIST_PRICE = (Price("0.0006", "2022-01-01"),)


@dataclass
class Center:
    """A `[[cost_centers]]` section."""

    organization_id: str
    shared: tuple[str, ...] = ()
    prices: tuple[Price, ...] = LIST_PRICE


def initech(*prices: Price) -> dict[str, Center]:
    """The cost center of the two organizations that share a plan."""
    return {"initech": Center(PAYING, (SHARED,), prices or LIST_PRICE)}


def hooli(*prices: Price) -> dict[str, Center]:
    """The cost center of the third organization."""
    return {"hooli": Center(OTHER, (), prices or LIST_PRICE)}


def toml(
    base_url: str, centers: Mapping[str, Center], history_start: date, *, restatement_days: int = 4, more: str = ""
) -> str:
    """The text of a `circleci_cost.toml` for a simulator."""
    lines = [
        f'data_dir = "data"\nhistory_start = {history_start}\nrestatement_days = {restatement_days}\n{more}',
        f'[api]\nbase_url = "{base_url}"\nposts_per_hour = 10000\ngets_per_minute = 10000',
    ]
    for name, center in centers.items():
        shared = ", ".join(f'"{each}"' for each in center.shared)
        lines.append(
            f'[[cost_centers]]\nname = "{name}"\norganization_id = "{center.organization_id}"\n'
            f'shared_organization_ids = [{shared}]\napi_token_env = "{TOKEN_VARIABLE}"'
        )
        for price in center.prices:
            until = f"effective_until = {price.effective_until}\n" if price.effective_until else ""
            lines.append(
                "[[cost_centers.pricing]]\n"
                f"price_per_credit = {price.price_per_credit}\neffective_from = {price.effective_from}\n{until}"
            )
    return "\n".join(lines) + "\n"


@dataclass
class Site:
    """One installation. `centers` and `history_start` may be changed: the next run reads the file anew."""

    folder: Path
    clock: ManualClock
    simulator: Simulator
    server: SimulatorServer
    instance: dg.DagsterInstance
    centers: dict[str, Center]
    history_start: date
    restatement_days: int = 4
    resources: dict[str, Any] = field(default_factory=dict)
    # Further sections of the configuration, such as virtual tags.
    sections: str = ""
    # The code location as it was built last, and of what.
    built: tuple[Settings, dict[str, Any], dg.Definitions] | None = None

    @property
    def configuration(self) -> Path:
        """The configuration file, written anew."""
        path = self.folder / "circleci_cost.toml"
        path.write_text(
            toml(self.server.base_url, self.centers, self.history_start, restatement_days=self.restatement_days)
            + self.sections
        )
        return path

    @property
    def settings(self) -> Settings:
        """What the configuration file says now."""
        return load_settings(self.configuration)

    @property
    def lake(self) -> Lake:
        """The data directory's paths."""
        return Lake(self.folder / "data")

    @property
    def definitions(self) -> dg.Definitions:
        """The code location of the settings of now; as long as they are the same, it is the same, as in production."""
        settings = self.settings
        if self.built is None or self.built[:2] != (settings, self.resources):
            definitions = build_definitions(settings, clock=self.clock, **self.resources)
            self.built = settings, dict(self.resources), definitions
        return self.built[2]

    def run(
        self,
        job: str,
        cost_center: str,
        first: date,
        last: date,
        *,
        only: Sequence[str] = (),
        refetch: bool = False,
        fails: bool = False,
    ) -> dg.ExecuteInProcessResult:
        """Run a job, or some assets of it, over days of a cost center, as the schedule does; assert how it ends."""
        config: dict[str, Any] = dict(_QUIET)
        if refetch:
            config["ops"] = {"usage_exports": {"config": {"refetch": True}}}
        job_definition = self.definitions.resolve_job_def(job)
        result = job_definition.execute_in_process(
            instance=self.instance,
            tags=range_tags(cost_center, first, last),
            run_config=config,
            asset_selection=[dg.AssetKey(name) for name in only]
            or sorted(job_definition.asset_layer.selected_asset_keys),
            raise_on_error=False,
        )
        assert result.success is not fails, failures(result)
        return result

    def refresh(
        self, cost_center: str, first: date, last: date, *, refetch: bool = False, fails: bool = False
    ) -> dg.ExecuteInProcessResult:
        """Run the job `refresh` as far as `COSTS`: where allocation, budgets and anomalies are of no interest."""
        return self.run("refresh", cost_center, first, last, only=COSTS, refetch=refetch, fails=fails)

    def price(
        self, cost_center: str, first: date, last: date, *, refetch: bool = False, fails: bool = False
    ) -> dg.ExecuteInProcessResult:
        """Run the job `refresh` as far as `PRICED`: to publish would also make all tables that follow daily costs."""
        return self.run("refresh", cost_center, first, last, only=PRICED, refetch=refetch, fails=fails)

    def run_whole(self, job: str, *, only: Sequence[str] = (), fails: bool = False) -> dg.ExecuteInProcessResult:
        """Run a job whose assets have no partitions, or some assets of it; assert how it ends."""
        job_definition = self.definitions.resolve_job_def(job)
        result = job_definition.execute_in_process(
            instance=self.instance,
            run_config=_QUIET,
            asset_selection=[dg.AssetKey(name) for name in only]
            or sorted(job_definition.asset_layer.selected_asset_keys),
            raise_on_error=False,
        )
        assert result.success is not fails, failures(result)
        return result

    def materialize(self, names: Sequence[str], cost_center: str, first: date, last: date) -> None:
        """Materialize some assets without the standing checks: for histories of many runs."""
        materialize(self.definitions, self.instance, names, range_tags(cost_center, first, last))

    def check(self, asset: str, name: str) -> dg.AssetCheckEvaluation:
        """Run one standing check alone."""
        key = dg.AssetCheckKey(dg.AssetKey(asset), name)
        job = own_job(self.definitions, dg.AssetSelection.checks(key))
        result = job.execute_in_process(instance=self.instance, run_config=_QUIET)
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation

    def requested(self, cursor: Any = None, *, at: datetime | None = None) -> tuple[set[str], int, Any]:
        """The assets that the sensor `automation` would request now, how many assets and checks, and its cursor."""
        definitions = self.definitions
        (sensor,) = (each for each in definitions.sensors or () if each.name == "automation")
        assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
        result = dg.evaluate_automation_conditions(
            definitions,
            self.instance,
            asset_selection=sensor.asset_selection,
            cursor=cursor,
            evaluation_time=at,
        )
        keys = definitions.resolve_asset_graph().get_all_asset_keys()
        names = {key.to_user_string() for key in keys if result.get_num_requested(key)}
        return names, result.total_requested, result.cursor

    def fault(self, route: str, action: Action, times: int | None = 1) -> None:
        """Arm a fault of the simulator."""
        self.simulator.faults.add(Fault(route, action, times))

    def advance_to(self, moment: datetime) -> None:
        """Move the clock forward to `moment`."""
        self.clock.advance(moment - self.clock.now())

    def table(self, name: str) -> pl.DataFrame:
        """A published table."""
        return published_table(self.lake, name)

    def daily_costs(self) -> pl.DataFrame:
        """The daily costs as they are in the warehouse, published or not, in a fixed order."""
        with self.definitions.resources["warehouse"].get_connection() as connection:  # type: ignore[index]
            frame: pl.DataFrame = connection.sql("FROM daily_costs").pl()
        return frame.sort(frame.columns)

    def job_runs(self, cost_center: str) -> pl.DataFrame:
        """All job runs of a cost center."""
        return read_job_runs(self.lake, cost_center)

    def job_run_files(self) -> dict[str, tuple[bytes, int]]:
        """The bytes and the modification times of all files of job runs."""
        return {
            str(path.relative_to(self.lake.root)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.lake.root.glob("job_runs/**/*"))
            if path.is_file()
        }


def materialize(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    names: Sequence[str],
    tags: Mapping[str, str],
) -> None:
    """Materialize some assets over the days that `tags` name, without the standing checks."""
    standing = [dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in STANDING_CHECKS]
    job = own_job(definitions, dg.AssetSelection.assets(*names) - dg.AssetSelection.checks(*standing))
    result = job.execute_in_process(instance=instance, tags=tags, run_config=_QUIET, raise_on_error=False)
    assert result.success, failures(result)


def own_job(definitions: dg.Definitions, selection: dg.AssetSelection) -> dg.JobDefinition:
    """A job that the code location does not have."""
    job = dg.define_asset_job("own", selection=selection)
    with warnings.catch_warnings():
        # The location's own jobs are resolved anew, and say again what `definitions` has answered.
        warnings.filterwarnings("ignore", message="Asset job .* materializes assets with varying")
        return dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("own")


class BriskClock:
    """A clock for processes of their own: it starts at `start` and runs on, and a wait takes 20 ms at most."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)
        self._skipped = 0.0

    def now(self) -> datetime:
        """The start, the time since then and what waits left out."""
        return datetime.now(UTC) + self._ahead + timedelta(seconds=self._skipped)

    def monotonic(self) -> float:
        """The machine's own and what waits left out."""
        return time.monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Wait a moment."""
        taken = min(max(seconds, 0.0), 0.02)
        time.sleep(taken)
        self._skipped += max(seconds, 0.0) - taken


@contextmanager
def running(
    folder: Path,
    centers: dict[str, Center] | None = None,
    source: Scenario | Source | None = None,
    *,
    now: datetime = NOW,
    history_start: date = date(2024, 1, 1),
    restatement_days: int = 4,
    instance: dg.DagsterInstance | None = None,
) -> Iterator[Site]:
    """Run a simulator of `source` for `centers`, by default one of two organizations at the list price."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = ManualClock(now)
    simulator = Simulator(source or scenario(), clock=clock, parts=2, posts_per_hour=10_000, gets_per_minute=10_000)
    with ExitStack() as stack:
        stack.enter_context(environment({TOKEN_VARIABLE: TOKEN}))
        server = stack.enter_context(SimulatorServer(simulator))
        used = instance or stack.enter_context(ephemeral_instance())
        yield Site(folder, clock, simulator, server, used, centers or initech(), history_start, restatement_days)


def ephemeral_instance() -> dg.DagsterInstance:
    """An instance in memory whose event log keeps one connection for each thread.

    Dagster opens one for each statement and sets it up by two more: a seventh of a run's time. Where a later version
    has no such methods, its own are used.
    """
    instance = dg.DagsterInstance.ephemeral()
    log: Any = instance.event_log_storage
    if not all(hasattr(log, name) for name in ("_connect", "_db_lock", "_engine")):
        return instance
    kept = threading.local()

    @contextmanager
    def connect() -> Iterator[Any]:
        with log._db_lock:
            if not hasattr(kept, "connection"):
                kept.connection = log._engine.connect()
            with kept.connection.begin():
                yield kept.connection

    log._connect = connect
    return instance


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def published_table(lake: Lake, name: str) -> pl.DataFrame:
    """A table of the current generation, as Parquet has it, in a fixed order."""
    files = readable(current_generation(lake).parquet(name))
    frame = pl.concat([pl.read_parquet(path) for path in files]) if files else pl.DataFrame()
    return frame.sort(frame.columns) if frame.height else frame


def read_job_runs(lake: Lake, cost_center: str) -> pl.DataFrame:
    """All job runs of a cost center, by day and id."""
    files = readable(lake.job_runs_file(cost_center, day) for day in lake.job_runs_days(cost_center))
    frames = [pl.read_parquet(path, hive_partitioning=False) for path in files]
    texts = pl.concat([frame.with_columns(pl.col(pl.Categorical).cast(pl.String)) for frame in frames])
    return texts.sort("job_run_date", "job_id")


def contents(lake: Lake, centers: Iterable[str]) -> dict[str, pl.DataFrame]:
    """All tables that a user can query, without what two equal runs may differ in."""
    tables = ("daily_costs", "usage_days", "pricing_periods", "daily_rates")
    frames = {name: published_table(lake, name) for name in tables}
    frames |= {f"job_runs {name}": read_job_runs(lake, name) for name in centers}
    return {name: frame.drop(DRAWN, strict=False).sort(pl.all()) for name, frame in frames.items()}


def assert_equal_contents(left: Mapping[str, pl.DataFrame], right: Mapping[str, pl.DataFrame]) -> None:
    """Compare two lakes table by table, exactly."""
    assert left.keys() == right.keys()
    for name, frame in left.items():
        other = right[name]
        assert frame.schema == other.schema, name
        difference = frame.join(other, on=frame.columns, how="anti", nulls_equal=True)
        assert frame.equals(other), f"{name}: {frame.height} and {other.height} rows, {difference}"


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """What the failed steps of a run say."""
    events = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    return [f"{event.step_key}: {said(event)}" for event in events]


def said(event: dg.DagsterEvent) -> str:
    """The sentence of a failed step, or what Dagster shows where the step ended in a bug."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.to_string() if error is not None else ""


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks that a run evaluated, by name."""
    return {each.check_name: each for each in result.get_asset_check_evaluations()}


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata values of an asset's materialization."""
    # A step may tell of other assets, too.
    key = dg.AssetKey(asset)
    materialization = next(event for event in result.asset_materializations_for_node(asset) if event.asset_key == key)
    return {name: value.value for name, value in materialization.metadata.items()}


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A time in UTC."""
    return datetime(year, month, day, hour, tzinfo=UTC)
