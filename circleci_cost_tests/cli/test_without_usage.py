"""An organization that has never run a job: commands succeed and say so."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from circleci_cost.circleci import newest_day
from circleci_cost.simulator import Job, Organization, Project, Scenario, Simulator, SimulatorServer, Workflow
from circleci_cost_tests.cli.harness import Caller

TOKEN = "CCIPAT_canary_token_0d83"
ID = "44444444-4444-4444-8444-444444444444"
NEWEST = newest_day(datetime.now(UTC))
FIRST = NEWEST - timedelta(days=3)
LATER = date(2999, 1, 1)
CENTER = """
[[cost_centers]]
name = "{name}"
organization_id = "{id}"
[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2020-01-01
"""


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    workflows = (Workflow("build", (Job("test", 60),)),)
    project = Project("aaaaaaaa-0000-4000-8000-000000000004", "web", LATER, workflows)
    organization = Organization(ID, "quiet", "gh/quiet", LATER, (project,), 20.0)
    with SimulatorServer(Simulator(Scenario((organization,)), tokens=[TOKEN], posts_per_hour=100)) as server:
        yield server


def test_everything_works_without_any_usage_and_a_cost_center_that_was_never_fetched_is_told(
    call: Caller, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    text = (
        f'history_start = {FIRST}\n[api]\nbase_url = "{server.base_url}"\n[[budgets]]\nname = "all"\namount = 100\n'
        + CENTER.format(name="quiet", id=ID)
    )
    call.configure(text)
    leftover = call.folder / "data" / "exports" / "quiet" / ".tmp-import-0123456789ab"
    leftover.mkdir(parents=True)
    os.utime(leftover, (0, 0))
    output = call("sync")
    assert (output.code, output.out) == (
        0,
        f"quiet, {FIRST} to {NEWEST}: no usage; CircleCI has none, or has not brought it yet\n",
    )
    assert "Housekeeping removed leftovers of killed processes (1).\n" in output.err
    assert call("backfill").out == "Nothing to fetch: every day that CircleCI can serve is there.\n"
    output = call("report", "--json", "--where", "cost_center=quiet")
    answer = json.loads(output.out)
    assert (output.code, answer["total"]) == (0, {"cost": "0.000000", "credits": "0", "runs": 0, "run_seconds": 0})
    assert answer["data_through"] in {str(NEWEST), str(NEWEST - timedelta(days=1))}
    for command in (
        ("budgets",),
        ("anomalies",),
        ("correlate",),
        ("check", "--offline"),
        ("export", "csv", "--out", "o"),
    ):
        assert (command, call(*command).code) == (command, 0)

    call.configure(text + CENTER.format(name="new", id="55555555-5555-4555-8555-555555555555"))
    assert call("allocation", "apply").code == 0
    assert json.loads(call("report", "--json").out)["data_through"] is None
    assert "no day is complete for every cost center yet" in " ".join(call("check", "--offline").out.split())
    assert "no data yet of new" in call("budgets").out
    output = call("explain")
    assert (output.code, output.err) == (
        1,
        "Error: No day is complete for every cost center yet; name the first and the last day.\n",
    )
