"""Budgets from CSV files: what a file says, and each mistake as one sentence with file, line and column."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from circleci_cost.config.budget_definitions import all_budgets, content_hash
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.periods import PERIODS

CONFIGURATION = """\
history_start = 2026-01-01
[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
[[virtual_tags]]
name = "team"
[[virtual_tags.rules]]
value = "web"
[[virtual_tags]]
name = "site"
[[virtual_tags.rules]]
value = "berlin"
[[budgets]]
name = "engineering"
amount = 1800
[[budget_files]]
file = "budgets.csv"
"""


def settings_with(folder: Path, *files: str | bytes, more: str = "") -> Settings:
    text = CONFIGURATION
    for number, content in enumerate(files):
        name = "budgets.csv" if number == 0 else f"budgets{number}.csv"
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        text += "" if number == 0 else f'[[budget_files]]\nfile = "{name}"\n'
    (folder / "circleci_cost.toml").write_text(text + more)
    return read_settings(folder / "circleci_cost.toml")


def refusal(folder: Path, *files: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        all_budgets(settings_with(folder, *files))
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def test_a_file_gives_the_same_budgets_as_the_configuration(tmp_path: Path) -> None:
    budgets = all_budgets(
        settings_with(
            tmp_path,
            "name,amount,period,unit,owner,parent,seats,from,until,team,project\n"
            "web,150.50,,,web@example.com,engineering,false,2026-01-01,2026-06-30,web,\n"
            "\n"
            "web,175,,,web@example.com,engineering,false,2026-07-01,,web,\n"
            '"docs, weekly",3000,week,credits,,,TRUE,,,,docs\n',
        )
    )
    assert budgets == (
        Budget(name="engineering", amount=Decimal(1800)),
        Budget.model_validate(
            {
                "name": "web",
                "owner": "web@example.com",
                "parent": "engineering",
                "seats": False,
                "where": {"team": "web"},
                "amounts": [
                    {"amount": Decimal("150.50"), "from": date(2026, 1, 1), "until": date(2026, 6, 30)},
                    {"amount": Decimal(175), "from": date(2026, 7, 1)},
                ],
            }
        ),
        Budget.model_validate(
            {
                "name": "docs, weekly",
                "period": "week",
                "unit": "credits",
                "where": {"project": "docs"},
                "amounts": [{"amount": Decimal(3000)}],
            }
        ),
    )


def test_the_byte_order_mark_of_excel_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfname,amount\r\nm\xc3\xbcnchen,5\r\n"
    assert [budget.name for budget in all_budgets(settings_with(tmp_path, content))] == ["engineering", "münchen"]


def test_a_parent_may_be_in_another_file(tmp_path: Path) -> None:
    budgets = all_budgets(settings_with(tmp_path, "name,amount,parent\nweb,5,all\n", "name,amount\nall,9\n"))
    assert [(budget.name, budget.parent) for budget in budgets] == [
        ("engineering", None),
        ("web", "all"),
        ("all", None),
    ]


PERIOD_NAMES = [repr(name) for name in PERIODS]
MISTAKES = [
    ("", "line 1: there is no header; begin with the columns name,amount."),
    ("name,amuont\n", "line 1: there is no column 'amuont'; did you mean 'amount'?"),
    ("name;amount\nweb;5\n", "line 1: there is no column 'name;amount'; separate columns with commas."),
    ("name,amount,name\n", "line 1: the column 'name' is there twice; leave one out."),
    ("name,period\n", "line 1: the column 'amount' is missing; add it."),
    (
        "name,amount\nweb,5\napi,1,000\n",
        "line 3: there are 3 cells, the header has 2; write one for each column, and put cells that hold a comma in "
        "quotes.",
    ),
    ('name,amount\nweb,"5\n', "line 2: this is no CSV (unexpected end of data); correct it."),
    ("name,amount\n,5\n", "line 2, column name: the budget has no name; write one."),
    (
        "name,amount\nweb,5\napi,$7\n",
        "line 3, column amount: '$7' is no amount; write digits and a point, such as 1500.00.",
    ),
    ("name,amount\nweb,\n", "line 2, column amount: '' is no amount; write digits and a point, such as 1500.00."),
    ("name,amount\nweb,NaN\n", "line 2, column amount: 'NaN' is no amount; write digits and a point, such as 1500.00."),
    ("name,amount\nweb,0\n", "line 2, column amount: '0': input should be greater than 0."),
    (
        "name,amount\nweb,1.1234567\n",
        "line 2, column amount: '1.1234567': decimal input should have no more than 6 decimal places.",
    ),
    (
        "name,amount,from\nweb,5,01/02/2026\n",
        "line 2, column from: '01/02/2026' is no day; write YYYY-MM-DD, such as 2026-01-31.",
    ),
    (
        "name,amount,until\nweb,5,2026-02-29\n",
        "line 2, column until: '2026-02-29' is no day; write YYYY-MM-DD, such as 2026-01-31.",
    ),
    (
        "name,amount,from,until\nweb,5,2026-02-02,2026-02-01\n",
        "line 2: until 2026-02-01 lies before from 2026-02-02; exchange them.",
    ),
    ("name,amount,seats\nweb,5,maybe\n", "line 2, column seats: 'maybe' is neither true nor false; write one of them."),
    (
        "name,amount,period\nweb,5,fortnight\n",
        f"line 2, column period: 'fortnight': input should be {', '.join(PERIOD_NAMES[:-1])} or {PERIOD_NAMES[-1]}.",
    ),
    (
        "name,amount,owner\nweb,5,a\nweb,6,b\n",
        "line 3, column owner: 'b' differs from 'a' in line 2, and both are the budget 'web'; rows of one budget "
        "differ in amount, from and until only.",
    ),
    (
        "name,amount,from,until\nweb,5,,2026-06-30\nweb,6,2026-06-30,\n",
        "lines 2 and 3: the amounts 5 and 6 overlap on 2026-06-30; end the earlier one with until, the day before the "
        "later one begins.",
    ),
    (
        "name,amount\nengineering,5\n",
        "line 2, column name: the budget 'engineering' is defined in circleci_cost.toml already; give each its own "
        "name.",
    ),
    (
        "name,amount,parent\nweb,5,enginering\n",
        "line 2, column parent: 'enginering' is no budget; did you mean 'engineering'?",
    ),
    (
        "name,amount,parent,unit\nweb,5,engineering,credits\n",
        "line 2, column parent: 'web' is per month in credits, its parent 'engineering' per month in USD; make them "
        "the same.",
    ),
    (
        "name,amount,parent\na,5,b\nb,5,a\n",
        "line 2, column parent: budgets are each other's parents, a → b → a; take one parent out.",
    ),
    (
        "name,amount,team,site\nboth,5,web,berlin\n",
        "line 2: the budget 'both' asks for team and site, and one virtual tag is the most; make a tag of both.",
    ),
    (b"name,amount\nm\xfcnchen,5\n", None),
]


@pytest.mark.parametrize(("content", "sentence"), MISTAKES)
def test_each_mistake_is_one_sentence_with_file_line_and_column(
    tmp_path: Path, content: str | bytes, sentence: str | None
) -> None:
    expected = (
        f"budgets.csv, {sentence}" if sentence else "budgets.csv is not UTF-8 text (byte 13); save it as CSV UTF-8."
    )
    assert refusal(tmp_path, content) == expected


def test_a_name_of_two_files_names_both(tmp_path: Path) -> None:
    assert refusal(tmp_path, "name,amount\nweb,5\n", "name,amount\nweb,5\n") == (
        "budgets1.csv, line 2, column name: the budget 'web' is defined in budgets.csv, line 2 already; give each its "
        "own name."
    )


def test_an_owner_whom_nobody_knows_is_named_once_there_are_owners(tmp_path: Path) -> None:
    owners = """
[[notifications.channels]]
name = "mail"
type = "slack"
url_env = "SLACK_URL"
[[notifications.owners]]
name = "web team"
channels = ["mail"]
"""
    with pytest.raises(ConfigurationError) as caught:
        all_budgets(settings_with(tmp_path, "name,amount,owner\nweb,5,web teem\n", more=owners))
    assert str(caught.value) == (
        f"{tmp_path}/budgets.csv, line 2, column owner: 'web teem' is no [[notifications.owners]]; did you mean "
        "'web team'?"
    )


def test_a_quoted_line_break_does_not_shift_the_lines_that_follow(tmp_path: Path) -> None:
    assert refusal(tmp_path, 'name,amount,project\n"web",5,"a\nb"\nweb2,x,\n').startswith(
        "budgets.csv, line 4, column amount"
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        "budgets.csv cannot be read (No such file or directory); correct the file of [[budget_files]], or let this "
        "user read it."
    )


def test_the_hash_is_of_the_meaning_of_budgets_and_not_of_their_spelling() -> None:
    web = Budget.model_validate({"name": "web", "amount": Decimal("5"), "where": {"project": "web"}})
    api = Budget(name="api", amount=Decimal("7"))
    written = Budget.model_validate(
        {"name": "web", "amounts": [{"amount": Decimal("5.00")}], "where": {"project": ["web"]}}
    )
    assert content_hash([web, api]) == content_hash([api, written])
    for change in ({"amount": Decimal("5.01")}, {"seats": False}, {"owner": "x"}, {"where": written.where.__class__()}):
        assert content_hash([web.model_copy(update=change), api]) != content_hash([web, api])
