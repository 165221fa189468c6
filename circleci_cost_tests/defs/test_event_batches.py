"""What a batched event log records is what Dagster's own would."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from sqlalchemy import event
from sqlalchemy.engine import Engine

from circleci_cost.defs.event_batches import BatchedEventLog, gathering_events, open_batched_instance

DAYS = [f"2026-01-{day:02}" for day in range(1, 31)]
PARTITIONS = dg.MultiPartitionsDefinition(
    {
        "cost_center": dg.StaticPartitionsDefinition(["acme", "globex"]),
        "date": dg.DailyPartitionsDefinition(start_date=DAYS[0], end_date="2026-01-31"),
    }
)
LOGGED = dg.AssetKey("logged")


@dg.asset(partitions_def=PARTITIONS)
def exports(context: dg.AssetExecutionContext) -> None:
    """An asset of many partitions in one run."""
    for day in context.partition_keys:
        context.add_asset_metadata({"of": str(day)}, partition_key=day)


@dg.asset(deps=[exports], check_specs=[dg.AssetCheckSpec("fine", asset="costs")])
def costs(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """An asset with a check, that logs events of another one in one batch."""
    with gathering_events(context.instance):
        for day in DAYS:
            context.log_event(dg.AssetMaterialization(LOGGED, partition=day, metadata={"of": day}))
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="fine")])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "25")
    (tmp_path / "dagster.yaml").write_text(yaml.dump({"telemetry": {"enabled": False}}))
    return tmp_path


def run(instance: dg.DagsterInstance) -> str:
    first, last = f"acme|{DAYS[0]}", f"acme|{DAYS[-1]}"
    job = dg.Definitions(assets=[exports, costs], jobs=[dg.define_asset_job("all", selection="*")])
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    result = job.resolve_job_def("all").execute_in_process(instance=instance, tags=tags)
    assert result.success
    return result.run_id


def recorded(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """What can be asked of the run's events and of the assets, but times, ids and numbers of rows."""
    events = [
        (entry.dagster_event.event_type_value, str(entry.dagster_event.asset_key), entry.dagster_event.partition)
        for entry in instance.all_logs(run_id)
        if entry.dagster_event
    ]
    assets = {}
    for name in ("exports", "costs", "logged"):
        key = dg.AssetKey(name)
        records = instance.fetch_materializations(key, limit=100).records
        latest = instance.get_latest_materialization_event(key)
        assert latest is not None
        assert latest.asset_materialization is not None
        assets[name] = (
            sorted(instance.get_materialized_partitions(key)),
            [(record.partition_key, _said(record.asset_materialization)) for record in records],
            latest.asset_materialization.partition,
            [record.asset_entry.last_run_id == run_id for record in instance.get_asset_records([key])],
            sorted(map(_indexed, instance.event_log_storage.get_event_tags_for_asset(key))),
        )
    check = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("costs"), "fine"), limit=5
    )
    return {"events": sorted(events, key=str), "assets": assets, "checks": [record.status for record in check]}


def _indexed(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((name, "" if "version" in name else value) for name, value in tags.items())


def _said(materialization: dg.AssetMaterialization | None) -> tuple[Any, ...]:
    """Data versions, among the tags, are made from the run's id."""
    assert materialization is not None
    return materialization.asset_key, materialization.metadata, sorted(materialization.tags or {})


def test_a_batched_log_records_what_dagsters_own_does(home: Path, tmp_path: Path) -> None:
    commits: list[object] = []
    count = commits.append
    (tmp_path / "own").mkdir()
    event.listen(Engine, "commit", count)
    try:
        with open_batched_instance() as instance:
            assert isinstance(instance.event_log_storage, BatchedEventLog)
            run_id = run(instance)
            batched = recorded(instance, run_id)
        of_batches, commits[:] = len(commits), []
        with dg.DagsterInstance.local_temp(str(tmp_path / "own")) as instance:
            own = recorded(instance, run(instance))
    finally:
        event.remove(Engine, "commit", count)
    assert batched == own
    assert [len(batched["assets"][name][0]) for name in ("exports", "logged")] == [len(DAYS), len(DAYS)]
    assert batched["checks"] == [AssetCheckExecutionRecordStatus.SUCCEEDED]
    # Three times thirty events, each in two files.
    assert of_batches < len(commits) - 120
    # Processes that know nothing of batches, such as the webserver, read the same.
    with dg.DagsterInstance.get() as instance:
        assert recorded(instance, run_id) == batched


def test_what_was_gathered_before_an_error_is_stored(home: Path) -> None:
    with open_batched_instance() as instance:
        log = instance.event_log_storage
        assert isinstance(log, BatchedEventLog)
        with pytest.raises(RuntimeError, match="in the middle"), gathering_events(instance):
            instance.report_runless_asset_event(dg.AssetMaterialization(LOGGED, partition=DAYS[0]))
            raise RuntimeError("in the middle")
        assert instance.get_materialized_partitions(LOGGED) == {DAYS[0]}


def test_a_record_that_is_not_in_sqlite_is_opened_as_it_is(home: Path) -> None:
    (home / "dagster.yaml").write_text(
        yaml.dump(
            {
                "event_log_storage": {
                    "module": "dagster._core.storage.event_log",
                    "class": "ConsolidatedSqliteEventLogStorage",
                    "config": {"base_dir": str(home / "events")},
                }
            }
        )
    )
    with open_batched_instance() as instance, gathering_events(instance):
        assert not isinstance(instance.event_log_storage, BatchedEventLog)
        instance.report_runless_asset_event(dg.AssetMaterialization(LOGGED, partition=DAYS[0]))
        assert instance.get_materialized_partitions(LOGGED) == {DAYS[0]}
