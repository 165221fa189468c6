"""Optional files that are broken: usage is imported, priced and published, and every command says what is missing."""

import json

from circleci_cost_tests.cli.harness import NORTHWIND, SAMPLE, Caller, Output

FILES = {
    "teams.csv": ('[[virtual_tags]]\nname = "team"\n[[virtual_tags.mappings]]\nfile = "teams.csv"\n', "projct,value\n"),
    "rules.toml": (
        '[[virtual_tags]]\nname = "division"\n[[virtual_tags.mappings]]\nfile = "rules.toml"\n',
        "[[rules]\n",
    ),
    "OWNERS": (
        '[[virtual_tags]]\nname = "keeper"\n[[virtual_tags.rules]]\nvalue = "seats"\nwhere = { charge_type = "user" }\n'
        '[[virtual_tags.codeowners]]\nfile = "OWNERS"\nproject = "{project}"\n',
        None,
    ),
    "usage.csv": (
        '[[virtual_tags]]\nname = "paid"\n[[virtual_tags.rules]]\nvalue = "seats"\nwhere = { charge_type = "user" }\n'
        '[[virtual_tags.splits]]\nvalue = "seats"\nmethod = "telemetry"\nfile = "usage.csv"\n',
        "date,key,amount\n2024-11-10,a,-1\n",
    ),
    "budgets.csv": (
        '[[budgets]]\nname = "all"\namount = 500\n[[budget_files]]\nfile = "budgets.csv"\n',
        "name,amount\nweb,much\n",
    ),
    "decisions.csv": ('[anomalies]\ndecisions = "decisions.csv"\n', "incident,decision\nx,perhaps\n"),
    "rates.csv": (
        '[[infrastructure]]\nname = "eu"\nfiles = "eu.csv"\nformat = "simple"\ncurrency = "EUR"\nrates = "rates.csv"\n',
        "date,currency,usd_per_unit\n2024-11-10,EUR,one\n",
    ),
}
# Those whose reader says it: infrastructure has words of its own.
SAID = [name for name in FILES if name != "rates.csv"]


def test_no_broken_optional_file_stops_an_import_and_each_is_said_everywhere_until_it_is_mended(call: Caller) -> None:
    """One story, because an import costs seconds."""
    call.configure(NORTHWIND.read_text() + "".join(section for section, _ in FILES.values()))
    for name, (_, content) in FILES.items():
        if content is not None:
            (call.folder / name).write_text(content)
    (call.folder / "eu.csv").write_text("date,amount,label\n2024-11-10,1,web\n")
    output = call("import", SAMPLE, "--cost-center", "northwind")

    assert output.code == 5
    _each_is_said(call, output)
    _a_mended_one_is_applied_and_nothing_is_partial_any_more(call)


def _each_is_said(broken: Caller, output: Output) -> None:
    assert "841 jobs · 685 runs · 327,555 credits · $196.533000" in output.out
    lines = [line for line in output.err.splitlines() if line.startswith("Partial: ")]
    assert [next(name for name in FILES if name in line) for line in lines] == SAID
    assert all(str(broken.folder) in line and "Until then" in line for line in lines)

    whole = broken("report", "--json")
    assert (whole.code, whole.err) == (0, "")
    assert json.loads(whole.out)["total"]["cost"] == "196.533000"
    by_team = broken("report", "--by", "team", "--json")
    assert by_team.code == 5
    assert [(row["team"], row["cost"]) for row in json.loads(by_team.out)["rows"]] == [("unallocated", "196.533000")]
    assert f"Partial: virtual tag team: {broken.folder / 'teams.csv'}, line 1: 'projct' is no column" in by_team.err

    for arguments in (["coverage"], ["explain", "--tag", "team"]):
        answer = broken("allocation", *arguments)
        assert answer.code == 5
        assert "teams.csv, line 1" in answer.err
    explained = json.loads(broken("allocation", "explain", "--tag", "team", "--json").out)
    assert [(row["value"], row["rule"]) for row in explained["rows"]] == [("unallocated", "teams.csv cannot be used")]

    budgets = broken("budgets", "--period", "all")
    assert budgets.code == 5
    assert "budgets.csv, line 2, column amount: 'much' is no amount" in budgets.err

    for command in (["allocation", "diff"], ["allocation", "apply"]):
        refused = broken(*command)
        assert (refused.code, refused.out) == (3, "")
        assert refused.err.startswith(f"Error: {broken.folder / 'teams.csv'}, line 1: ")

    checked = broken("check", "--offline", "--json")
    assert checked.code == 3
    errors = [each["sentence"] for each in json.loads(checked.out)["findings"] if each["state"] == "error"]
    assert [next(name for name in FILES if name in sentence) for sentence in errors] == list(FILES)


def _a_mended_one_is_applied_and_nothing_is_partial_any_more(broken: Caller) -> None:
    project = json.loads(broken("report", "--by", "project", "--json").out)["rows"][0]["project"]
    section = FILES["OWNERS"][0].replace("{project}", project)
    broken.configure(NORTHWIND.read_text() + section)
    (broken.folder / "OWNERS").write_text("* @north # everything\n")
    assert broken("allocation", "apply").code == 0
    output = broken("report", "--by", "keeper", "--json")
    assert output.code == 0
    assert {row["keeper"] for row in json.loads(output.out)["rows"]} == {"@north", "unallocated"}


def test_a_mistake_of_the_configuration_itself_still_stops_everything(call: Caller) -> None:
    call.configure(NORTHWIND.read_text() + FILES["OWNERS"][0] + 'dialect = "svn"\n')
    output = call("import", SAMPLE, "--cost-center", "northwind")
    assert (output.code, output.out) == (3, "")
    assert "dialect" in output.err
