"""Each numbered fault that the project has to survive has a test that bears its number."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
FAULTS = set(range(1, 121))
# They are about the web pages of the cost explorer, and come with it: cross-site scripting, binding, headers, limits.
OPEN = {111, 115, 116, 117}
_NUMBERS = re.compile(r"_f(\d{3})(?:_to_f(\d{3}))?(?=_)")


def numbers() -> Iterator[int]:
    """The numbers in the names of test functions; `f080_to_f086` are seven."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for first, last in _NUMBERS.findall(node.name):
                    yield from range(int(first), int(last or first) + 1)


def test_every_numbered_fault_has_a_test_but_those_of_the_explorer() -> None:
    tested = set(numbers())
    assert tested <= FAULTS
    assert FAULTS - tested == OPEN
