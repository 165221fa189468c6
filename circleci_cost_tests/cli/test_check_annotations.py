"""`check` reads the explorer's file of annotations, and names the line of a mistake."""

import json

from circleci_cost_tests.cli.harness import NORTHWIND, Caller


def explorer_findings(call: Caller) -> list[tuple[str, str]]:
    found = json.loads(call("check", "--offline", "--json").out)["findings"]
    return [(each["state"], each["sentence"]) for each in found if each["subject"] == "explorer"]


def test_annotations_are_counted_or_the_line_of_their_mistake_is_named(call: Caller) -> None:
    call.configure(NORTHWIND.read_text())
    assert explorer_findings(call) == []
    call.configure(f'{NORTHWIND.read_text()}\n[explorer]\nannotations = "releases.csv"\n')
    releases = call.folder / "releases.csv"
    releases.write_text("date,text\n2026-10-12,Release 4.0\n2026-10-13,hotfix\n")
    assert explorer_findings(call) == [("ok", "releases.csv: 2 annotations")]
    releases.write_text("date,text\n2026-10-12,Release 4.0\nnow,hotfix\n")
    assert explorer_findings(call) == [
        (
            "error",
            f"{releases}, line 3: date = now: write a day as YYYY-MM-DD, such as 2026-01-31. Pages go on without "
            "annotations.",
        )
    ]
