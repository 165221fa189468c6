"""`allocation apply` on the real sample: what `diff` predicts is what the next run shows; `check` reads the files."""

import json
from pathlib import Path

import pytest

from circleci_cost_tests.cli.harness import NORTHWIND, Caller, copied

TEAMS = """
[[virtual_tags]]
name = "team"
[[virtual_tags.rules]]
value = "seats"
where = { charge_type = "user" }
[[virtual_tags.mappings]]
file = "teams.csv"
[[virtual_tags.splits]]
value = "seats"
method = "proportional"
[[budgets]]
name = "north"
amount = 100
where = { team = "north" }
"""


@pytest.fixture
def imported(call: Caller, northwind: Path) -> Caller:
    copied(northwind, call.folder)
    return call


def _projects(call: Caller) -> list[str]:
    rows: list[dict[str, str]] = json.loads(call("report", "--by", "project", "--json").out)["rows"]
    return [row["project"] for row in rows]


def _teams(call: Caller) -> dict[str, str]:
    rows: list[dict[str, str]] = json.loads(call("report", "--by", "team", "--json").out)["rows"]
    return {row["team"]: row["cost"] for row in rows}


def test_what_diff_predicts_is_what_apply_shows(imported: Caller) -> None:
    first, second, *rest = _projects(imported)
    mapping = imported.folder / "teams.csv"
    mapping.write_text("project,value\n" + "".join(f"{name},north\n" for name in (first, second)))
    imported.configure(NORTHWIND.read_text() + TEAMS)
    for edited in (rest[:1], rest[:3]):
        mapping.write_text(mapping.read_text() + "".join(f"{name},south\n" for name in edited))
        predicted = json.loads(imported("allocation", "diff", "--json").out)["changes"]
        after = {row["value"]: row["after"] for row in predicted if row["after"] is not None}

        output = imported("allocation", "apply")

        assert (output.code, output.out) == (0, "Applied team, 2024-11-10 to 2024-11-14.\n"), output.err
        shown = _teams(imported)
        assert shown == {value: cost for value, cost in after.items() if value in shown}
        assert set(after) - set(shown) <= {value for value, cost in after.items() if float(cost) == 0}
        total = json.loads(imported("report", "--json").out)["total"]["cost"]
        assert json.loads(imported("report", "--by", "team", "--json").out)["total"]["cost"] == total == "196.533000"
    assert "Nothing would move" in imported("allocation", "diff").out
    assert imported("budgets", "--period", "all", "--fail-over", "over_budget").code == 5


def test_a_channel_that_is_down_is_said_and_no_failure(imported: Caller) -> None:
    channel = '[[notifications.channels]]\nname = "hook"\ntype = "webhook"\nurl = "http://127.0.0.1:9/"\n'
    imported.configure(NORTHWIND.read_text() + channel + '[[budgets]]\nname = "all"\namount = 0.01\n')
    output = imported("allocation", "apply")
    assert output.code == 0
    assert (
        output.err
        == "1 message waits for a channel that failed; `circleci-cost notify send` tries again and says why.\n"
    )
    sent = imported("notify", "send", "--retry")
    assert sent.code == 1
    assert "hook" in sent.out


def test_check_reads_the_files_of_the_sections_and_looks_for_variables(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    channel = '[[notifications.channels]]\nname = "chat"\ntype = "slack"\nurl_env = "SLACK_WEBHOOK_URL"\n'
    call.configure(NORTHWIND.read_text() + TEAMS + channel)
    output = call("check", "--offline")
    assert output.code == 3
    assert f"error   virtual tags: {call.folder / 'teams.csv'}" in output.out
    (call.folder / "teams.csv").write_text("project,value\nweb,north\n")
    output = call("check", "--offline")
    assert output.code == 0
    assert "ok      virtual tags: team: 1 rule, 1 mapping file, 1 split" in output.out
    assert "ok      budgets: 1 budget" in output.out
    assert (
        "warning notifications: the channel 'chat' needs the environment variable SLACK_WEBHOOK_URL, which is not set"
        in output.out
    )
