"""What is installed and what is loaded: pinned by hash, and no loader that a file could make execute anything."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "circleci_cost"
LOCKS = {
    "production": ROOT / "requirements.lock",
    "development": ROOT / ".ci" / "requirements-dev.lock",
    "image": ROOT / ".ci" / "requirements-image.lock",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_SHA256 = re.compile(r"--hash=sha256:[0-9a-f]{64}")
# They execute or import what a file names. `eval`, `exec` and `compile` of code are built in and asked for below.
_UNSAFE_MODULES = {
    "_pickle", "cloudpickle", "code", "codeop", "dill", "imp", "joblib", "jsonpickle", "marshal", "pickle",
    "pickletools", "runpy", "shelve", "torch", "xml", "yaml",
}  # fmt: skip
# What reads YAML as nodes with their places, and builds no value from them.
_NODES_OF_YAML = {
    "yaml": {"SafeLoader", "YAMLError", "compose"},
    "yaml.nodes": {"MappingNode", "Node", "ScalarNode", "SequenceNode"},
}
_UNSAFE_BUILTINS = {"__import__", "compile", "eval", "exec", "execfile"}
_UNSAFE_METHODS = {"deserialize", "from_pickle", "load_module", "read_pickle", "to_pickle", "unpickle", "unsafe_load"}


def requirements(lock: Path) -> Iterator[str]:
    """The requirements of a lock file with their hashes, one a line, comments and continuations taken away."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    return (line for line in text.replace("\\\n", " ").splitlines() if line.strip())


def pinned(lock: Path) -> dict[str, list[Requirement]]:
    """The requirements by name: more than one where a marker tells them apart."""
    found: dict[str, list[Requirement]] = {}
    for line in requirements(lock):
        requirement = Requirement(line.partition("--hash")[0])
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_f120_every_dependency_is_pinned_to_one_version_by_sha256_and_comes_from_the_users_own_index(
    lock: Path,
) -> None:
    lines = list(requirements(lock))
    assert len(lines) > 50
    for line in lines:
        requirement, *hashes = re.split(r"\s+(?=--hash)", line.strip())
        assert re.fullmatch(r"[\w.\[\],-]+==[\w.!+-]+(\s*;.*)?", requirement), requirement
        assert hashes, requirement
        assert all(_SHA256.fullmatch(each) for each in hashes), requirement
    # Neither an index, a host nor a path: what the hashes name may come from anywhere.
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|^-e|file:", lock.read_text(), re.M)


def test_f120_the_pins_fit_the_ranges_that_the_project_asks_for() -> None:
    extras = PROJECT["optional-dependencies"]
    asked = {
        "production": PROJECT["dependencies"],
        "development": [*PROJECT["dependencies"], *extras["dev"]],
        "image": [*PROJECT["dependencies"], *extras["celery"], *extras["k8s"], *extras["postgres"]],
    }
    for name, ranges in asked.items():
        pins = pinned(LOCKS[name])
        for wanted in map(Requirement, ranges):
            versions = [next(iter(pin.specifier)).version for pin in pins[canonicalize_name(wanted.name)]]
            assert versions, wanted
            assert all(wanted.specifier.contains(version) for version in versions), (wanted, versions)


def test_f120_what_is_tested_is_what_is_installed_in_production() -> None:
    production, development, image = (pinned(lock) for lock in LOCKS.values())
    for other in (development, image):
        assert {name: list(map(str, pins)) for name, pins in production.items()} == {
            name: list(map(str, other[name])) for name in production
        }
    assert set(development) - set(production) >= {"pytest", "ruff", "mypy", "hypothesis"}


def test_f120_every_way_to_install_that_we_tell_checks_the_hashes() -> None:
    guides = [*(PACKAGE / "docs").glob("*.md"), *(ROOT / ".github").glob("*.md")]
    told = [ROOT / "README.md", *guides, *(path for path in (ROOT / ".ci").iterdir() if path.suffix == "")]
    installs = [
        command
        for path in told
        for command in re.split(r"\n|&&|;", path.read_text())
        if re.search(r"\bpip\"? install\b", command) and "`pip install" not in command
    ]
    assert len(installs) >= 4
    for command in installs:
        own = "--no-deps" in command and "-e ." in command
        assert own or ("--require-hashes" in command and ".lock" in command), command


def loaded(source: str) -> set[str]:
    """The names of what a module's code imports and calls that loads unsafely."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} & _UNSAFE_MODULES
        elif isinstance(node, ast.ImportFrom) and node.module in _NODES_OF_YAML:
            found |= {"yaml"} if {alias.name for alias in node.names} - _NODES_OF_YAML[node.module] else set()
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {str(node.module).partition(".")[0]} & _UNSAFE_MODULES
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & _UNSAFE_BUILTINS
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found |= {node.func.attr} & _UNSAFE_METHODS
        elif isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "shell"}:
            found |= (
                {str(node.arg)} if not (isinstance(node.value, ast.Constant) and node.value.value is False) else set()
            )
    return found


def test_f113_no_module_loads_what_could_execute_something() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 150
    # SQLite's own: the bytes become a database, nothing of them is executed.
    expected = {str(PACKAGE / "lake/stores/databases.py"): {"deserialize"}}
    assert {str(path): found for path in modules if (found := loaded(path.read_text()))} == expected


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", {"pickle"}),
        ("from yaml import safe_load", {"yaml"}),
        ("from yaml import SafeLoader, YAMLError, compose", set()),
        ("from yaml import SafeLoader, compose, load", {"yaml"}),
        ("import xml.etree.ElementTree as ET", {"xml"}),
        ("eval(text)", {"eval"}),
        ("frame = pl.LazyFrame.deserialize(file)", {"deserialize"}),
        ("np.load(file, allow_pickle=True)", {"allow_pickle"}),
        ("subprocess.run(text, shell=True)", {"shell"}),
        ("np.load(file, allow_pickle=False); re.compile(text)", set()),
    ],
)
def test_f113_an_unsafe_loader_would_be_found(source: str, found: set[str]) -> None:
    assert loaded(source) == found


def test_f113_no_sql_loads_an_extension_or_fetches_anything() -> None:
    """DuckDB executes what an extension holds; it loads none that it was not built with."""
    files = [*PACKAGE.rglob("*.sql"), *PACKAGE.rglob("*.py")]
    pattern = re.compile(r"^\s*(INSTALL|LOAD)\s|['\"](INSTALL|LOAD) |allow_unsigned|https?_?fs|read_csv_auto", re.M)
    assert [str(path) for path in files if pattern.search(path.read_text())] == []
