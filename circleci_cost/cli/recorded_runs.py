"""A process that reads Dagster's record: the last runs, and the checks whose latest result is not a pass.

Started by the explorer, which does without Dagster, through `dagster_process`: one line of JSON on stdin says where the
configuration is, one on stdout is the answer. It holds our own texts, names and times only.
"""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from circleci_cost.cli.instance import instance_errors
from circleci_cost.cli.streams import write_exactly
from circleci_cost.config.dagster_home import VARIABLE, dagster_home
from circleci_cost.config.settings import Settings, demo_settings, read_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.own_runs import is_own
from circleci_cost.defs.partitions import tagged_days, usage_partitions
from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.turns import turn

_SHOWN_RUNS = 20
# An instance may be shared with other code; its runs are passed over.
_READ_RUNS = 200


def main() -> None:
    """Answer the request on stdin."""
    request = json.loads(sys.stdin.readline())
    try:
        answer = _record(_settings(request))
    except CircleciCostError as error:
        answer = {"problem": str(error)}
    except dg.DagsterError as error:
        # The message may quote dagster.yaml, which may hold a password.
        answer = {"problem": f"Dagster refuses it ({type(error).__name__}); look at the dagster.yaml in it."}
    write_exactly(f"{json.dumps(answer)}\n")


def _settings(request: dict[str, Any]) -> Settings:
    if request["config"]:
        return read_settings(Path(request["config"]))
    return demo_settings(Path(request["demo_data"]))


def _record(settings: Settings) -> dict[str, object]:
    os.environ[VARIABLE] = str(dagster_home(settings))
    with instance_errors(), _instance() as instance:
        return {"runs": list(_runs(settings, instance)), "checks": list(_checks(settings, instance))}


def _instance() -> dg.DagsterInstance:
    # Two that find it empty would both make its tables.
    with turn(Path(os.environ[VARIABLE]) / ".opening"):
        return dg.DagsterInstance.get()


def _runs(settings: Settings, instance: dg.DagsterInstance) -> Iterator[dict[str, str | None]]:
    """The last runs, the newest first."""
    partitions = usage_partitions(settings)
    own = [record for record in instance.get_run_records(limit=_READ_RUNS) if is_own(record.dagster_run)]
    for record in own[:_SHOWN_RUNS]:
        run = record.dagster_run
        days = tagged_days(run.tags, partitions)
        yield {
            "run_id": run.run_id,
            "job": run.job_name,
            "cost_center": days.cost_center if days else None,
            "first": days.first.isoformat() if days else None,
            "last": days.last.isoformat() if days else None,
            "status": run.status.value,
            "started": _moment(record.start_time),
            "ended": _moment(record.end_time),
        }


def _checks(settings: Settings, instance: dg.DagsterInstance) -> Iterator[dict[str, str | None]]:
    """The checks whose latest result, in any run, is a warning or a failure."""
    keys = build_definitions(settings).resolve_asset_graph().asset_check_keys
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(sorted(keys, key=str))
    for key, record in latest.items():
        event = record.event.dagster_event if record.event else None
        if event is None or record.status.value != "FAILED":
            continue
        evaluation = event.asset_check_evaluation_data
        yield {
            "asset": key.asset_key.to_user_string(),
            "check": key.name,
            "severity": evaluation.severity.value,
            "sentence": evaluation.description,
            "at": _moment(record.create_timestamp),
        }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
