"""A cost file that is refused is told where the user is: `sync`, `import`, `correlate`, `check`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from circleci_cost.lake.infrastructure import read_sources
from circleci_cost.lake.infrastructure_state import read_state, write_state
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.simulator import Job, Organization, Project, Scenario, Simulator, SimulatorServer, Workflow
from circleci_cost.warehouse.infrastructure.infrastructure_costs import next_state, write_infrastructure
from circleci_cost_tests.cli.harness import NORTHWIND, SAMPLE, Caller, copied
from circleci_cost_tests.model.infrastructure.builders import below, daily, focus_csv, source

SOURCE = """
[[infrastructure]]
name = "aws"
files = "*.csv"
"""
TOKEN = "CCIPAT_canary_token_4a17"
ORGANIZATION = "44444444-4444-4444-8444-444444444444"


def reason(folder: Path) -> str:
    return (
        f"{folder}/a.csv, line 2, column EffectiveCost: 'one' is no amount; write digits and a point, such as 1234.56, "
        "without separators or a currency. Nothing of this file was used."
    )


def words(text: str) -> str:
    return " ".join(text.split())


def remember(folder: Path) -> Lake:
    """Read the source as a run does, and keep what it noticed."""
    lake = open_lake(folder / "data")
    read = read_sources([source()], {}, below(folder), lake.spill)
    with duckdb.connect() as connection:
        summary = write_infrastructure(connection, read, datetime.now(UTC))
    write_state(lake, next_state(read_state(lake), read, summary))
    return lake


def test_a_refused_file_is_told_by_the_commands_that_do_not_read_it_anew(call: Caller, northwind: Path) -> None:
    copied(northwind, call.folder)
    call.configure(NORTHWIND.read_text() + SOURCE)
    (call.folder / "a.csv").write_text(daily({"05": "one"}))
    refused = f"Infrastructure costs of aws were not read: {reason(call.folder)} What was read before stays.\n"

    remember(call.folder)

    output = call("import", SAMPLE, "--cost-center", "northwind")
    assert (output.code, output.err, output.out.splitlines()[0]) == (5, refused, "Already imported: nothing changed.")

    output = call("correlate")
    assert (output.code, output.out) == (5, "")
    assert output.err == f"There is nothing to compare with before the infrastructure costs can be read.\n{refused}"
    output = call("correlate", "--json")
    answer = json.loads(output.out)
    assert (output.code, answer["pairs"]) == (5, [])
    assert answer["infrastructure_refused"] == [{"source": "aws", "reason": reason(call.folder)}]

    output = call("check", "--offline", "--json")
    findings = {each["sentence"]: each["state"] for each in json.loads(output.out)["findings"]}
    assert findings[f"aws: {reason(call.folder)}"] == "error"
    assert output.code == 1

    # Of a source that was taken out nothing is said.
    call.configure(NORTHWIND.read_text())
    assert call("correlate").code == 0


def test_what_the_last_reading_noticed_is_told_with_numbers(call: Caller, northwind: Path) -> None:
    copied(northwind, call.folder)
    call.configure(NORTHWIND.read_text() + SOURCE)
    (call.folder / "a.csv").write_text(
        focus_csv({"EffectiveCost": "0", "BilledCost": "7"}, {"ChargeCategory": "Tax", "BilledCost": "1.5"})
    )
    lake = remember(call.folder)
    remark = (
        "EffectiveCost is 0 in all rows, BilledCost is not in 1 of them; if the provider does not fill EffectiveCost, "
        'write cost = "billed" in the [[infrastructure]] section'
    )
    output = call("correlate")
    assert (output.code, output.err.splitlines()[-1]) == (0, f"Infrastructure costs of aws: {remark}.")
    out = words(call("check", "--offline").out)
    assert f"aws: {remark}" in out
    assert "aws: 1 file; left out as no cost of a day: Tax 1 row $1.50" in out
    # A memory that is damaged is found out again by the next reading, and stops nothing.
    lake.infrastructure_state.write_text("{")
    assert call("correlate").code == 0


def test_sync_tells_a_refused_file_and_what_it_fetched(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    first = datetime.now(UTC).date() - timedelta(days=2)
    project = Project("aaaaaaaa-0000-4000-8000-000000000004", "web", first, (Workflow("build", (Job("test", 60),)),))
    organization = Organization(ORGANIZATION, "quiet", "gh/quiet", first, (project,), 20.0)
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    (call.folder / "a.csv").write_text(daily({"05": "one"}))
    with SimulatorServer(Simulator(Scenario((organization,)), tokens=[TOKEN], posts_per_hour=100)) as server:
        call.configure(
            f'history_start = {first}\n[api]\nbase_url = "{server.base_url}"\n[[cost_centers]]\nname = "quiet"\n'
            f'organization_id = "{ORGANIZATION}"\n[[cost_centers.pricing]]\nprice_per_credit = 0.0006\n'
            f"effective_from = 2020-01-01\n{SOURCE}"
        )
        output = call("sync")
    assert output.code == 5
    assert output.out.startswith("quiet, ")
    assert f"Infrastructure costs of aws were not read: {reason(call.folder)} What was read before stays." in output.err
