"""The messages that the table of troubleshooting quotes are messages that the program writes."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import circleci_cost

_PACKAGE = Path(circleci_cost.__file__).parent
_GUIDE = _PACKAGE / "docs" / "limits.md"
_ROW = re.compile(r"^\| (.+?) \| .+ \|$")
# Rows that tell a situation quote no message, or a name of something that is no message.
_QUOTED = re.compile(r"`([^`]+)`")


def _quotes() -> list[str]:
    table = _GUIDE.read_text("utf-8").partition("| what you see | what to do |")[2].partition("\n\n")[0]
    rows = [found.group(1) for line in table.splitlines() if (found := _ROW.match(line))]
    return [quote for row in rows for quote in _QUOTED.findall(row)]


@cache
def _messages() -> list[str]:
    """Every text of the package; what is filled in is an ellipsis, as it is in the guide."""
    texts = []
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def test_the_troubleshooting_quotes_messages() -> None:
    assert len(_quotes()) >= 6


@pytest.mark.parametrize("quote", _quotes())
def test_a_quoted_message_is_one_that_the_program_writes(quote: str) -> None:
    pattern = ".*".join(re.escape(piece) for piece in quote.split("…"))
    assert any(re.search(pattern, message, re.DOTALL) for message in _messages())
