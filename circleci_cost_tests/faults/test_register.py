"""Each fault of the register has a test that bears its number; what the numbers mean is said in `register.md`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
REGISTER = Path(__file__).with_name("register.md")
_NUMBERS = re.compile(r"_f(\d{3})(?:_to_f(\d{3}))?(?=_)")
_FAULT = re.compile(r"^\| (\d+) \| (.{5,}) \|$", re.MULTILINE)


def numbers() -> Iterator[int]:
    """The numbers in the names of test functions; `f080_to_f086` are seven."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for first, last in _NUMBERS.findall(node.name):
                    yield from range(int(first), int(last or first) + 1)


def faults() -> dict[int, str]:
    """The faults of the register by their numbers."""
    return {int(number): fault for number, fault in _FAULT.findall(REGISTER.read_text("utf-8"))}


def test_the_register_says_of_each_number_once_what_it_is() -> None:
    listed = [int(number) for number, _ in _FAULT.findall(REGISTER.read_text("utf-8"))]
    assert listed == list(range(1, 121))
    assert len(set(faults().values())) == len(listed)


def test_every_numbered_fault_has_a_test() -> None:
    assert set(numbers()) == set(faults())
