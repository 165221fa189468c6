"""A regular expression that DuckDB cannot read is refused where it is written, without being repeated."""

from pathlib import Path

import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.planning import prepare
from circleci_cost_tests.config.test_settings import VALID, refusal, write

REASON = "the regular expression for job cannot be read (missing ))"
SECTIONS = {
    "virtual_tags[0].rules[0].where": '[[virtual_tags]]\nname = "team"\n[[virtual_tags.rules]]\nvalue = "web"\n',
    "budgets[0].where": '[[budgets]]\nname = "web"\namount = 1\n',
    "notifications.owners[0].where": (
        '[[notifications.channels]]\nname = "chat"\ntype = "slack"\nurl_env = "SLACK_URL"\n'
        '[[notifications.owners]]\nname = "web"\nchannels = ["chat"]\n'
    ),
}


@pytest.mark.parametrize("key", SECTIONS)
@pytest.mark.parametrize("operator", ['{ regex = ["^a", "(b"] }', '{ not = { regex = "(b" } }'])
def test_an_unreadable_expression_is_refused_with_file_line_and_key(tmp_path: Path, key: str, operator: str) -> None:
    content = f"{VALID}\n{SECTIONS[key]}where = {{ job = {operator} }}\n"
    line = content.count("\n")
    assert refusal(tmp_path, content) == f"FILE, line {line}: {key}: {REASON}."


def test_other_mistakes_are_reported_beside_it(tmp_path: Path) -> None:
    sentences = refusal(
        tmp_path, f'{VALID}\n[[budgets]]\nname = "a"\namount = -1\nwhere = {{ job = {{ regex = "(" }} }}\n'
    )
    assert [sentence.partition("budgets[0]")[2] for sentence in sentences.splitlines()] == [
        f".where: {REASON}.",
        ".amount = -1: input should be greater than 0.",
    ]


def test_an_unreadable_expression_is_refused_in_a_file_of_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[[rules]]\nvalue = "a"\nwhere = { job = { regex = "a(" } }\n')
    mapping = '[[virtual_tags]]\nname = "team"\n[[virtual_tags.mappings]]\nfile = "rules.toml"\n'
    settings = read_settings(write(tmp_path, f"{VALID}\n{mapping}"))
    with pytest.raises(ConfigurationError) as caught:
        prepare(settings.virtual_tags, settings.resolve)
    assert str(caught.value) == f"{tmp_path}/rules.toml, line 3: rules[0].where: {REASON}."


def test_an_expression_that_only_python_cannot_read_is_accepted(tmp_path: Path) -> None:
    section = '[[budgets]]\nname = "a"\namount = 1\nwhere = { job = { regex = "\\\\pL+\\\\z" } }\n'
    (budget,) = read_settings(write(tmp_path, f"{VALID}\n{section}")).budgets
    assert str(budget.where) == "job matches \\pL+\\z"
