"""Tables fit the terminal, and their names stay readable."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.tables import Column, broken, fitted

_COLUMNS = [Column("budget", name=True), Column("amount", right=True), Column("used", right=True, lesser=1)]


def _drawn(rows: list[list[str]], width: int) -> list[str]:
    output = io.StringIO()
    console = PlainConsole(file=output, width=width, force_terminal=False)
    console.print(fitted(_COLUMNS, [[Text(cell) for cell in row] for row in rows], width))
    return output.getvalue().splitlines()


def test_a_name_breaks_at_spaces_and_not_within_a_word() -> None:
    drawn = _drawn([["acme credits without seats", "$1,800,000.00", "84 %"]], 35)
    assert [line.split("  ")[0].strip() for line in drawn[2:]] == ["acme credits", "without", "seats"]


def test_a_lesser_column_goes_before_a_word_is_broken() -> None:
    drawn = _drawn([["engineering-platform", "$1,800.00", "84 %"]], 32)
    assert "used" not in drawn[0]
    assert "engineering-platform" in drawn[2]
    assert "$1,800.00" in drawn[2]


def test_a_word_wider_than_its_column_breaks_behind_its_separators() -> None:
    drawn = broken(Text("payments-api/build-and-test/integration"), 14)
    assert [line.plain for line in drawn] == ["payments-api/", "build-and-", "test/", "integration"]


@given(st.lists(st.text("ab é界🚀/-_", min_size=1, max_size=60), min_size=1, max_size=4), st.integers(40, 100))
def test_no_line_is_wider_than_the_terminal_and_no_character_is_lost(names: list[str], width: int) -> None:
    drawn = _drawn([[name, "$1,234,567.89", "84 %"] for name in names], width)
    assert all(cell_len(line) <= width for line in drawn)
    whole = "".join(names)
    for character in set(whole) - {" "}:
        assert "".join(drawn[2:]).count(character) == whole.count(character)
    assert sum("$1,234,567.89" in line for line in drawn) == len(names)


def test_a_paragraph_breaks_between_words_and_keeps_an_address_whole() -> None:
    output = io.StringIO()
    url = "https://app.circleci.com/pipelines/github/acme/payments-api/48123/workflows/0b7c8f2e-1111/jobs/1"
    PlainConsole(file=output, width=40, force_terminal=True, color_system=None).paragraph(
        f"One of the runs that cost most is {url} and it took long."
    )
    assert output.getvalue().splitlines() == ["One of the runs that cost most is", url, "and it took long."]
