"""A suggestion is made for a name that resembles a known one, and for no other."""

import pytest
from click.testing import CliRunner

from circleci_cost.cli.main import COMMANDS, cli
from circleci_cost.model.usage.dimensions import DIMENSIONS
from circleci_cost.text.suggestions import did_you_mean, similar, suggestion_or_all, with_suggestion


@pytest.mark.parametrize("word", ["banana", "xyz", "q", "", "money", "customer", "color", "rows", "12345678"])
def test_a_word_that_resembles_nothing_gets_no_suggestion(word: str) -> None:
    assert similar(word, DIMENSIONS) == []
    assert similar(word, COMMANDS) == []
    assert did_you_mean(word, DIMENSIONS, 3) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("projcet", "project"),
        ("Project", "project"),
        ("branches", "branch"),
        ("resource-clas", "resource_class"),
        ("organisation", "organization"),
        ("org", "organization"),
        ("exec", "executor"),
    ],
)
def test_a_mistyped_or_shortened_name_is_recognized(word: str, meant: str) -> None:
    assert did_you_mean(word, DIMENSIONS) == f"did you mean {meant!r}?"


def test_a_text_that_only_begins_with_a_known_name_is_not_repeated_as_almost_one() -> None:
    assert similar("email-7f3a9c1e5b8d2f60", ["email"]) == []


def test_an_unknown_command_gets_a_suggestion_only_where_one_is_near() -> None:
    near = CliRunner().invoke(cli, ["reprot"])
    far = CliRunner().invoke(cli, ["banana"])
    assert "did you mean 'report'?" in near.output
    assert "did you mean" not in far.output


def test_where_no_name_is_similar_all_are_named_once() -> None:
    assert suggestion_or_all("tema", ["team", "owner", "team"]) == "did you mean 'team'?"
    assert suggestion_or_all("banana", ["team", "owner", "team"]) == "there are: team, owner."
    assert suggestion_or_all("banana", []) == "there are: none."


def test_a_sentence_gets_a_suggestion_only_where_a_name_is_similar() -> None:
    assert with_suggestion("no usage has it", "tema", ["team"]) == "no usage has it; did you mean 'team'?"
    assert with_suggestion("no usage has it", "banana", ["team"]) == "no usage has it"
