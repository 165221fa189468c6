"""Housekeeping of a Dagster instance: logs of old runs go, and every state that rests on these runs stays."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.housekeeping import tidy_daily
from circleci_cost.defs.jobs import build_jobs
from circleci_cost.defs.own_runs import COMMAND_LINE, LAUNCHED_BY
from circleci_cost.defs.run_logs import KEPT_DAYS
from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.run_locks import lock_run, locked_runs
from circleci_cost_tests.earlier_versions import unpack

PARTITIONS = dg.StaticPartitionsDefinition(["good", "bad", "none"])
OWN = {LAUNCHED_BY: COMMAND_LINE}
LATER = timedelta(days=KEPT_DAYS, hours=1)


@dg.asset(partitions_def=PARTITIONS, check_specs=[dg.AssetCheckSpec("whole", asset="source")])
def source(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
    if context.partition_key == "bad":
        raise dg.Failure("broken", allow_retries=False)
    return dg.MaterializeResult(
        data_version=dg.DataVersion("7"),
        metadata={"rows": 3},
        check_results=[dg.AssetCheckResult(check_name="whole", passed=False, description="half")],
    )


@dg.asset(
    deps=[dg.AssetDep(source, partition_mapping=dg.AllPartitionMapping())],
    automation_condition=dg.AutomationCondition.eager(),
)
def following() -> None:
    return None


@dg.op
def wait() -> None:
    return None


@dg.job
def unfinished() -> None:
    wait()


DEFINITIONS = dg.Definitions([source, following])


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home), overrides={"telemetry": {"enabled": False}}) as instance:
        yield instance


def run(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, key: str | None, tags: dict[str, str]) -> str:
    result = dg.materialize(
        [source, following],
        selection=[asset],
        instance=instance,
        partition_key=key,
        tags=tags,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return result.run_id


def state(instance: dg.DagsterInstance) -> dict[str, object]:
    """What the UI, the checks and the automation know."""
    key, check = dg.AssetKey("source"), dg.AssetCheckKey(dg.AssetKey("source"), "whole")
    statuses = instance.get_status_by_partition(key, PARTITIONS.get_partition_keys(), PARTITIONS) or {}
    events = instance.fetch_materializations(key, limit=10).records
    made = [event.asset_materialization for event in events if event.asset_materialization]
    assert len(made) == len(events)
    (latest,) = instance.event_log_storage.get_latest_asset_check_execution_by_key([check]).values()
    assert latest.evaluation is not None
    automation = dg.evaluate_automation_conditions(DEFINITIONS, instance, dg.AssetSelection.assets("following"))
    return {
        "statuses": {name: status.name if status else None for name, status in statuses.items()},
        "materializations": [
            (event.run_id, event.partition_key, one.metadata["rows"].value)
            for event, one in zip(events, made, strict=True)
        ],
        "versions": [(one.tags or {})["dagster/data_version"] for one in made],
        "check": (
            latest.run_id,
            latest.status.name,
            latest.evaluation.description,
        ),
        "runs": sorted((each.run_id, each.status.name) for each in instance.get_runs()),
        "asked_for": automation.total_requested,
    }


def log_file(instance: dg.DagsterInstance, run_id: str) -> Path:
    assert isinstance(instance.event_log_storage, SqliteEventLogStorage)
    return Path(instance.event_log_storage.path_for_shard(run_id))


def logs(instance: dg.DagsterInstance) -> set[str]:
    folder = log_file(instance, "index").parent
    return {path.stem for path in folder.glob("*.db")} - {"index"}


def test_logs_of_old_runs_go_and_every_state_stays(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    good, bad = run(instance, source, "good", OWN), run(instance, source, "bad", OWN)
    foreign, after = run(instance, source, "good", {}), run(instance, following, None, OWN)
    lake, clock = Lake(tmp_path / "data"), ManualClock(datetime.now(UTC))
    before = state(instance)
    assert before["statuses"] == {"good": "MATERIALIZED", "bad": "FAILED", "none": None}
    assert logs(instance) == {good, bad, foreign, after}
    assert tidy_daily(lake, instance, clock) is None
    assert logs(instance) == {good, bad, foreign, after}

    running = instance.create_run_for_job(unfinished, tags=OWN)
    instance.report_engine_event("begun", running)
    before = state(instance)
    clock.advance(LATER)
    assert tidy_daily(lake, instance, clock) == "Housekeeping removed logs of old runs (3)."
    # A run of somebody else's and one that has not ended keep theirs.
    assert logs(instance) == {foreign, running.run_id}
    assert not (Path(instance.storage_directory()) / good / "compute_logs").exists()
    with dg.DagsterInstance.from_ref(instance.get_ref()) as again:
        assert state(again) == before
        assert again.all_logs(good) == []
    # Once a day.
    assert tidy_daily(lake, instance, clock) is None


def test_the_schedule_tidies_before_it_asks_for_runs(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    lake = Lake(unpack("before_anomalies", tmp_path))
    leftover = lake.exports("northwind") / ".tmp-import-0123456789ab"
    leftover.mkdir()
    os.utime(leftover, (0, 0))
    schedule = build_definitions(load_settings(tmp_path / "circleci_cost.toml")).resolve_schedule_def("daily_refresh")
    moment = datetime.now(UTC)
    with dg.build_schedule_context(instance, moment) as context:
        asked = schedule.evaluate_tick(context).run_requests
    assert not leftover.exists()
    assert lake.tidied.read_text() == f"{moment.date()}"
    # By this tag its run is known to be this project's when its log is old.
    assert asked
    assert {job.tags[LAUNCHED_BY] for job in build_jobs([]).values()} == {"dagster"}


def test_a_young_run_keeps_its_log(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    young = run(instance, source, "good", OWN)
    # A file may be older than the end of its run, as after a restored backup.
    path = log_file(instance, young)
    os.utime(path, (0, 0))
    assert tidy_daily(Lake(tmp_path / "data"), instance, ManualClock(datetime.now(UTC))) is None
    assert logs(instance) == {young}


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"2026-1"])
def test_a_damaged_note_of_the_last_housekeeping_stops_nothing(
    instance: dg.DagsterInstance, tmp_path: Path, damage: bytes
) -> None:
    lake, clock = Lake(tmp_path / "data"), ManualClock(datetime.now(UTC))
    lake.state.mkdir(parents=True)
    lake.tidied.write_bytes(damage)
    assert tidy_daily(lake, instance, clock) is None
    assert lake.tidied.read_text() == f"{clock.now().date()}"


def test_what_stands_in_the_place_of_that_note_is_named_in_a_sentence(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "data")
    lake.tidied.mkdir(parents=True)
    with pytest.raises(StorageError, match="Move away the directory that stands where a file belongs"):
        tidy_daily(lake, instance, ManualClock(datetime.now(UTC)))


def test_what_is_no_file_is_no_lock_of_a_run(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "data")
    (lake.run_locks / "folder.lock").mkdir(parents=True)
    os.mkfifo(lake.run_locks / "pipe.lock")
    lock = lock_run(lake, "real")
    assert locked_runs(lake) == ["real"]
    lock.release()
