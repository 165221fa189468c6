"""What the guides for contributors name is there: files, folders, functions, tables; and walks can be followed.

Each step of a walk is used, by name, by one that the walk has named before; what uses what is told by `uses`.

A name in backticks is checked where it is a path from the root of the repository: `circleci_cost/days.py`, with
`::days_between` behind it for something in that file. `::other` alone is in the file that was named last.
"""

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from .uses import ROOT, uses

ARCHITECTURE = ROOT / "circleci_cost" / "docs" / "architecture.md"
GUIDES = (ARCHITECTURE, ROOT / ".github" / "CONTRIBUTING.md", ROOT / ".github" / "SECURITY.md")
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"((?:circleci_cost(?:_tests)?|\.ci|\.github)/[\w./-]*)?(?:::([\w.]+))?")
# Where Dagster and a shell begin: nothing of ours calls them.
_BEGINNINGS = {"circleci_cost/definitions.py", "circleci_cost/cli/main.py"}
_WALK = re.compile(r"^### Walk \d.*?(?=^##)", re.MULTILINE | re.DOTALL)
_MADE_IN_SQL = r"\bCREATE (?:OR REPLACE )?(?:TEMPORARY )?(?:TABLE|VIEW|MACRO) (?:IF NOT EXISTS )?{}\b"


class Named(NamedTuple):
    """A file or folder, and a name in it or none; `line` is that of the guide."""

    line: int
    path: str
    name: str


def named_in(text: str) -> Iterator[Named]:
    """What a guide names, in its order."""
    last = ""
    for number, line in enumerate(text.splitlines(), start=1):
        for quoted in _QUOTED.findall(line):
            found = _PATH.fullmatch(quoted)
            if found and (found[1] or found[2]):
                last = found[1] or last
                yield Named(number, last, found[2] or "")


@cache
def names_of_python(path: Path) -> frozenset[str]:
    """Functions, classes and what is assigned, by their qualified names, such as `build_cost_asset.daily_costs`."""

    def inside(node: ast.AST, prefix: str) -> Iterator[str]:
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield prefix + each.name
                yield from inside(each, f"{prefix}{each.name}.")
            elif isinstance(each, ast.Assign | ast.AnnAssign):
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                for target in targets:
                    yield from (prefix + name.id for name in ast.walk(target) if isinstance(name, ast.Name))
            else:
                yield from inside(each, prefix)

    return frozenset(inside(ast.parse(path.read_text("utf-8")), ""))


def why_absent(named: Named) -> str | None:
    """Why something that a guide names is not there; None where it is."""
    path = ROOT / named.path
    if not path.exists():
        return "there is no such file or folder"
    if path.is_dir() != named.path.endswith("/"):
        return "a folder is written with a slash behind it, a file without"
    if not named.name:
        return None
    if path.suffix == ".py":
        return None if named.name in names_of_python(path) else "the file defines no such name"
    if path.suffix == ".sql":
        made = re.search(_MADE_IN_SQL.format(re.escape(named.name)), path.read_text("utf-8"))
        return None if made else "the file makes no such table, view or macro"
    return "names are looked for in .py and .sql files"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_everything_that_a_guide_names_is_there(guide: Path) -> None:
    named = list(named_in(guide.read_text("utf-8")))
    assert len(named) > 20
    absent = {f"line {each.line}: {each.path}::{each.name}": why for each in named if (why := why_absent(each))}
    assert absent == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("`circleci_cost/days.py`, there `::days_between`", [None, None]),
        ("`circleci_cost/lake/layout.py::Lake.exports`", [None]),
        ("`circleci_cost/warehouse/core/tables.sql::daily_costs`", [None]),
        ("`circleci_cost/nowhere.py::days_between`", ["there is no such file or folder"]),
        ("`circleci_cost/days.py`, there `::days_betwen`", [None, "the file defines no such name"]),
        ("`circleci_cost/lake/layout.py::exports`", ["the file defines no such name"]),
        ("`circleci_cost/warehouse/core/tables.sql::costs`", ["the file makes no such table, view or macro"]),
        ("`circleci_cost/lake`", ["a folder is written with a slash behind it, a file without"]),
        ("`circleci-cost report --by team` and `Decimal`", []),
    ],
)
def test_what_is_not_there_would_be_found(text: str, why: list[str | None]) -> None:
    assert [why_absent(each) for each in named_in(text)] == why


def walks() -> list[str]:
    """The walks of the guide to the architecture, each with its heading."""
    return _WALK.findall(ARCHITECTURE.read_text("utf-8"))


def test_there_are_four_walks() -> None:
    assert [walk.partition("\n")[0].partition(":")[0] for walk in walks()] == [f"### Walk {n}" for n in range(1, 5)]


def unreached(walk: str) -> list[str]:
    """The steps of a walk that nothing which it has named before uses."""
    steps = [step for step in named_in(walk) if not step.path.endswith("/")]
    used: set[tuple[str, str]] = set()
    found = []
    for step in steps:
        if used and step.path not in _BEGINNINGS and not reached(step, used):
            found.append(f"{step.path}::{step.name}")
        used |= uses(step.path, step.name)
    return found


def reached(step: Named, used: Collection[tuple[str, str]]) -> bool:
    """Whether the step is among what is `used`: under its name, from its file or from a package that it is in."""
    path = Path(step.path)
    outer, _, name = step.name.rpartition(".")
    if path.suffix == ".sql":
        return any((each, "") in used for each in (step.name, f"{path.parent.name}/{path.stem}"))
    if outer and outer[0].islower():
        # A function in a function is reached by the outer one.
        name = outer
    called = name or path.stem
    return any((called, origin) in used for origin in ("", step.path, *map(str, path.parents)))


@pytest.mark.parametrize("walk", walks(), ids=lambda walk: walk.partition("\n")[0].removeprefix("### "))
def test_each_step_of_a_walk_is_used_by_one_that_the_walk_has_named_before(walk: str) -> None:
    """Else a reader would have to open something that the walk does not name, to see how one gets there."""
    assert len(list(named_in(walk))) > 30
    assert unreached(walk) == []


@pytest.mark.parametrize(
    ("walk", "missing"),
    [
        ("`circleci_cost/circleci/fetch.py::UsageExports.fetch`, `::UsageExports._fetch`, `::UsageExports._load`", []),
        (
            "`circleci_cost/circleci/fetch.py::UsageExports.fetch`, `::UsageExports._load`",
            ["circleci_cost/circleci/fetch.py::UsageExports._load"],
        ),
        # The same bare name, of another file.
        (
            "`circleci_cost/warehouse/reporting/report.py::answer`, `circleci_cost/cli/report.py::report`",
            ["circleci_cost/cli/report.py::report"],
        ),
        (
            "`circleci_cost/warehouse/costs/daily_costs.py::write_daily_costs`, "
            "`circleci_cost/warehouse/costs/rename.sql`",
            [],
        ),
        (
            "`circleci_cost/warehouse/costs/daily_costs.py::write_daily_costs`, "
            "`circleci_cost/warehouse/costs/usage_days.sql`",
            ["circleci_cost/warehouse/costs/usage_days.sql::"],
        ),
    ],
)
def test_a_step_that_is_left_out_would_be_found(walk: str, missing: list[str]) -> None:
    assert unreached(walk) == missing


def test_every_package_has_its_line() -> None:
    """A package is one that holds modules of its own; `model` and `warehouse` hold packages alone."""
    package = ROOT / "circleci_cost"
    there = {f"{path.parent.relative_to(ROOT)}/" for path in package.rglob("*.py")} - {"circleci_cost/"}
    lines = ARCHITECTURE.read_text("utf-8").splitlines()
    told = {found[1] for line in lines if (found := re.match(r"\| `(circleci_cost/[\w/]+/)` \| .+ \|$", line))}
    assert told == there
