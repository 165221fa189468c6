"""`anomalies`: incidents as a table, one of them with its reasons, JSON, and honest words where there are none."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import Caller, configuration
from circleci_cost_tests.cli.incident_usage import LAST, SHIFT, publish_incidents, usage


def publish_incidents_of(call: Caller, project: str = "web") -> None:
    """Publish usage of a project that changes, and of one that does not."""
    call.configure(configuration())
    publish_incidents(call.folder, usage(project))


@pytest.fixture
def published(call: Caller) -> Caller:
    publish_incidents_of(call)
    return call


def incidents(call: Caller, *arguments: str) -> list[dict[str, Any]]:
    answered: list[dict[str, Any]] = json.loads(call("anomalies", "--json", *arguments).out)["incidents"]
    return answered


def test_an_incident_is_a_row_with_what_where_and_how_much(published: Caller) -> None:
    output = published("anomalies")
    assert output.code == 0
    assert "level shift up" in output.out
    assert "acme / web" in output.out
    assert f"{SHIFT} to {LAST}" in output.out
    assert "open" in output.out
    assert output.out.endswith(f"Data through {LAST}.\n")


def test_json_has_exact_decimals_as_strings(published: Caller) -> None:
    answer = json.loads(published("anomalies", "--json").out)
    assert (answer["data_through"], answer["currency"]) == (f"{LAST}", "USD")
    (listed,) = answer["incidents"]
    assert (listed["kind"], listed["direction"], listed["status"]) == ("level_shift", "up", "open")
    assert (listed["first_day"], listed["last_day"]) == (f"{SHIFT}", f"{LAST}")
    spent = sum(
        (Decimal(row["compute"]) for row in usage("web") if row["project"] == "web" and row["date"] >= SHIFT),
        start=Decimal(0),
    )
    assert Decimal(listed["actual_usd"]) == spent * Decimal("0.0006")
    assert Decimal(listed["impact_usd"]) == pytest.approx(Decimal("192"), abs=2)


def test_one_incident_tells_its_reasons(published: Caller) -> None:
    (listed,) = incidents(published)
    output = published("anomalies", "--incident", listed["incident_id"])
    assert output.code == 0
    assert "more than the $48" in output.out
    assert "runs +$" in output.out
    reasons = json.loads(published("anomalies", "--incident", listed["incident_id"], "--json").out)
    assert reasons["effects"][0]["driver"] == "runs"
    assert Decimal(reasons["effects"][0]["effect_usd"]) > 150
    assert reasons["why"].startswith("+$19")


def test_an_incident_that_there_is_not_is_a_usage_error_with_the_nearest(published: Caller) -> None:
    (listed,) = incidents(published)
    output = published("anomalies", "--incident", f"{listed['incident_id'][:-1]}x")
    assert output.code == 2
    assert output.err.startswith(f"Error: There is no incident '{listed['incident_id'][:-1]}x'; did you mean")
    assert listed["incident_id"] in output.err


def test_since_leaves_out_what_was_over_and_says_how_many(published: Caller) -> None:
    output = published("anomalies", "--since", f"{LAST + timedelta(days=1)}")
    assert "No incidents." in output.out
    assert "1 older or settled one is left out; --all shows it." in output.out
    assert len(incidents(published, "--since", f"{LAST}")) == 1


def test_a_quiet_history_has_no_incidents(call: Caller) -> None:
    publish_incidents_of(call, project="docs")
    assert [each for each in incidents(call, "--all") if each["project"] == "web"] == []


def test_a_generation_of_an_earlier_version_says_what_to_run(published: Caller) -> None:
    lake = open_lake(published.folder / "data")
    manifest = current_generation(lake).manifest
    rows = {name: count for name, count in manifest.rows.items() if name != "anomaly_incidents"}
    point_to(lake, manifest.model_copy(update={"rows": rows}))
    output = published("anomalies")
    assert output.code == 1
    assert output.err.startswith("Error: No anomalies are published yet; run `circleci-cost allocation apply`")


@pytest.mark.parametrize("width", ["80", "100", "160"])
def test_the_table_fits_the_terminal(published: Caller, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    from rich.console import Console

    from circleci_cost.cli.anomalies import incident_table
    from circleci_cost.warehouse.incidents.incidents import read_incidents

    with current_generation(open_lake(published.folder / "data")).connect() as connection:
        rows = read_incidents(connection).to_dicts()
    console = Console(width=int(width), record=True, file=io.StringIO())
    console.print(incident_table(rows, int(width)))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= int(width)
    assert any("web" in line for line in lines)


def test_names_from_outside_change_no_terminal(call: Caller) -> None:
    publish_incidents_of(call, project="we\x1b[31mb\u202e")
    output = call("anomalies")
    assert "\x1b[31m" not in output.out
    assert "\u202e" not in output.out
    assert "we\ufffd[31mb\ufffd" in output.out
