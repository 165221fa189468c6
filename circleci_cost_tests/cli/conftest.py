"""Fixtures of the command line's tests: a caller in an empty folder, and northwind imported once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from circleci_cost.lake.turns import turn
from circleci_cost_tests.cli.forked_workers import ForkingPopen
from circleci_cost_tests.cli.harness import NORTHWIND, SAMPLE, Caller


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Caller:
    """Call the command line in an empty folder, with none of this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("CIRCLECI_COST_CONFIG", "CIRCLECI_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    # What the command line sets for its workers must not reach the next test.
    monkeypatch.setenv("DAGSTER_HOME", "")
    # The workers are processes of their own, in another folder.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(subprocess, "Popen", ForkingPopen)
    return Caller(tmp_path, capsys)


@pytest.fixture(scope="session")
def northwind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with northwind's configuration into which the sample was imported by the real command; read only."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _imported(tmp_path_factory.mktemp("northwind"))
    # All workers of one test session share it; whoever comes first makes it.
    folder = tmp_path_factory.getbasetemp().parent / "northwind"
    with turn(folder.with_suffix(".lock")):
        return folder if (folder / "said.txt").exists() else _imported(folder)


def _imported(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "circleci_cost.toml").write_bytes(NORTHWIND.read_bytes())
    environment = {
        name: value for name, value in os.environ.items() if name not in {"DAGSTER_HOME", "CIRCLECI_COST_CONFIG"}
    }
    process = subprocess.run(
        [sys.executable, "-m", "circleci_cost.cli", "import", str(SAMPLE), "--cost-center", "northwind"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    (folder / "said.txt").write_text(process.stdout)
    return folder
