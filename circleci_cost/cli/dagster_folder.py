"""Prepares the folder of a configuration so that `dagster dev` and `dg dev` work in it without options.

They and the command line share one DAGSTER_HOME, whose `dagster.yaml` keeps telemetry off. A line of `.env` names it:
Dagster reads that file from the folder it is started in. Existing files are never replaced.
"""

import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circleci_cost.cli.environment_file import FILE as ENVIRONMENT
from circleci_cost.cli.environment_file import variable_of
from circleci_cost.cli.instance import prepare_dagster_home
from circleci_cost.cli.new_file import write_new
from circleci_cost.config import demo
from circleci_cost.config.dagster_home import FOLDER, VARIABLE
from circleci_cost.config.settings import Settings
from circleci_cost.lake.files import storage_errors
from circleci_cost.sections.toml_file import is_there

_MODULE = "circleci_cost.definitions"
_WORKSPACES = ("workspace.yaml", "workspace.yml")
_WORKSPACE = f"""\
# What `dagster dev`, dagster-webserver and dagster-daemon load when they are started in this folder.
load_from:
  - python_module:
      module_name: {_MODULE}
      location_name: circleci_cost
"""
# `dg` takes a folder for a project only where the folder holds a package of the project.
_PACKAGE = "circleci_cost_location"
_DG = f"""\
# What `dg` (dagster-dg-cli, to be installed apart) loads in this folder. It does not read .env itself: start it with
# DAGSTER_HOME set, or it keeps notes for Dagster's telemetry in ~/.dagster.
directory_type = "project"

[project]
root_module = "{_PACKAGE}"
defs_module = "{_PACKAGE}"
code_location_target_module = "{_PACKAGE}"
code_location_name = "circleci_cost"
"""
_PACKAGE_TEXT = f'''\
"""The code location of circleci_cost, for `dg`."""

from {_MODULE} import defs

__all__ = ["defs"]
'''
_PLAIN_VALUE = re.compile(r"[\w./+:@-]+", re.ASCII)
_PUBLIC = 0o666


@dataclass(frozen=True)
class Prepared:
    """The command that starts Dagster in the folder, and remarks for its user."""

    command: str
    remarks: tuple[str, ...]


def prepare_folder(settings: Settings) -> Prepared:
    """Add what is missing in the folder of a configuration. Raises `ConfigurationError`, `StorageError`."""
    assert settings.source_file is not None  # noqa: S101 - `init` has just written it
    folder = settings.source_file.parent
    remarks = [*_name_home(folder)]
    prepare_dagster_home(settings)
    project = _tables(folder / "pyproject.toml")
    command = "dagster dev"
    if not _loads(folder, project, written=_add_workspace(folder, project)):
        command = f"dagster dev -m {_MODULE}"
    _add_project(folder, project)
    if demo.was_run(folder / demo.DATA_DIRECTORY) and (folder / FOLDER / "history").is_dir():
        remarks.append(f"{FOLDER} holds the demo's runs, too; remove it before the first sync to begin without them.")
    return Prepared(command, tuple(remarks))


def _name_home(folder: Path) -> list[str]:
    """Name the instance's folder in `.env`, unless the user has named one."""
    file, home = folder / ENVIRONMENT, folder / FOLDER
    by_hand = f"Dagster needs `export {VARIABLE}={shlex.quote(str(home))}` before it is started."
    if os.environ.get(VARIABLE, "").strip() not in {"", str(home)}:
        return []
    if is_there(file) and not file.is_file():
        return [f"{file} is no regular file and was left as it is. {by_hand}"]
    if variable_of(file, VARIABLE):
        return []
    line = f"{VARIABLE}={_quoted(str(home))}\n"
    if not is_there(file):
        write_new(file, f"# Read by circleci-cost, and by `dagster dev` in this folder.\n{line}")
        return []
    try:
        before = file.read_bytes()
        with file.open("ab") as stream:
            stream.write(("" if before.endswith(b"\n") or not before else "\n").encode() + line.encode())
    except PermissionError:
        return [f"{file} may not be changed. {by_hand}"]
    return [f"Added {VARIABLE} to {file}, for `dagster dev`."]


def _add_workspace(folder: Path, project: Mapping[str, Any]) -> bool:
    tools = project.get("tool", {})
    if "dagster" in tools or "dg" in tools or any(is_there(folder / name) for name in _WORKSPACES):
        return False
    write_new(folder / _WORKSPACES[0], _WORKSPACE, mode=_PUBLIC)
    return True


def _loads(folder: Path, project: Mapping[str, Any], *, written: bool) -> bool:
    """Whether `dagster dev` finds this project in the folder, in the order in which it looks."""
    tools = project.get("tool", {})
    if written or "dagster" in tools:
        return written or tools["dagster"].get("module_name") == _MODULE
    workspace_files = [folder / name for name in _WORKSPACES if is_there(folder / name)]
    with storage_errors(folder):
        return "dg" not in tools and _MODULE in workspace_files[0].read_text(encoding="utf-8", errors="replace")


def _add_project(folder: Path, project: Mapping[str, Any]) -> None:
    package = folder / _PACKAGE / "__init__.py"
    if "dg" in project.get("tool", {}) or is_there(folder / "dg.toml") or is_there(package.parent):
        return
    write_new(package, _PACKAGE_TEXT, mode=_PUBLIC)
    write_new(folder / "dg.toml", _DG, mode=_PUBLIC)


def _tables(file: Path) -> Mapping[str, Any]:
    """The tables of the user's `pyproject.toml`; an unreadable one counts as empty: other tools will report it."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _quoted(value: str) -> str:
    """The value as `.env` files write it."""
    if _PLAIN_VALUE.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
