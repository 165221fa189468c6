"""`report` by user on the command line: names, a file that cannot be used, and what stays where it is."""

import json

import pytest

from circleci_cost_tests.cli.harness import Caller
from circleci_cost_tests.warehouse.reporting.run_folder import ANN, publish_runs

NAMES = '[actors]\ntrigger_user_names = "users.csv"\n'


@pytest.fixture
def published(call: Caller) -> Caller:
    publish_runs(call.folder)
    configuration = call.folder / "circleci_cost.toml"
    configuration.write_text(configuration.read_text() + NAMES)
    return call


def test_a_report_shows_names_that_are_stored_nowhere_and_goes_on_without_them(published: Caller) -> None:
    names = published.folder / "users.csv"
    names.write_text(f"id,name\n{ANN},Ann Unmistakable\n")
    output = published("report", "--by", "trigger_user", "--json", "--where", f"trigger_user={ANN}")
    (row,) = json.loads(output.out)["rows"]
    assert (row["trigger_user"], row["runs"]) == ("Ann Unmistakable", 6)
    table = published("report", "--by", "trigger_user,job")
    assert "by trigger user, job" in table.out
    assert "Ann Unmistakable" in table.out
    kept = [path for path in (published.folder / "data").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"Unmistakable" in path.read_bytes()]
    assert "users.csv: 1 user" in published("check", "--offline").out

    names.write_text("id,name\nann,Ann\n")
    output = published("report", "--by", "trigger_user", "--csv")
    assert (output.code, ANN in output.out) == (5, True)
    assert f"Partial: actors: {names}, line 2: id = ann: write the user's id" in output.err
    assert "Users go by their ids." in output.err
    # Who asks for no users does not depend on their names.
    assert not [by for by in ("pipeline", "job") if "actors" in published("report", "--by", by).err]
    check = published("check", "--offline")
    assert check.code == 3
    assert "Users go by their ids." in " ".join(check.out.split())
