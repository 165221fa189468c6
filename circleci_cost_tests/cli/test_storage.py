"""A data directory or a DAGSTER_HOME that is read-only, missing, full or damaged: a sentence with its path."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from circleci_cost.circleci import newest_day
from circleci_cost_tests.cli.harness import Output, configuration
from circleci_cost_tests.faults.limits import obey_permissions

ROOT = Path(__file__).parents[2]
NEWEST = newest_day(datetime.now(UTC))
# Nothing is asked of CircleCI before storage refuses; if it were, the discard port would refuse it.
UNREACHABLE = '[api]\nbase_url = "http://127.0.0.1:9/api/v2"\n'


def called(folder: Path, *arguments: str, prepare: Callable[[], object] = obey_permissions, home: str = "") -> Output:
    """Call the command line in a process of its own, which `prepare` limits."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CIRCLECI")}
    process = subprocess.run(
        [sys.executable, "-m", "circleci_cost.cli", *arguments],
        cwd=folder,
        env=others | {"PYTHONPATH": str(ROOT), "DAGSTER_HOME": home, "CIRCLECI_TOKEN": "CCIPAT_canary_token_c41d"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=prepare,
    )
    return Output(process.returncode, process.stdout, process.stderr)


def configured(folder: Path) -> Path:
    """A folder with a configuration of one cost center."""
    (folder / "circleci_cost.toml").write_text(configuration(NEWEST) + UNREACHABLE)
    return folder


@pytest.fixture
def read_only(tmp_path: Path, northwind: Path) -> Path:
    """Northwind's folder with a data directory that nobody may write into."""
    shutil.copytree(northwind, tmp_path / "site", ignore=shutil.ignore_patterns(".dagster_home"))
    for path in [tmp_path / "site" / "data", *(tmp_path / "site" / "data").rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return tmp_path / "site"


def test_f093_a_read_only_data_directory_can_be_read_and_not_written(read_only: Path) -> None:
    data = read_only / "data"
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    assert called(read_only, "report", "--json").code == 0
    output = called(read_only, "allocation", "apply")
    assert output.code == 1
    assert "Permission denied; what was there before is untouched. Give this user write access" in output.err
    assert str(data) in output.err
    assert "Traceback" not in output.err
    output = called(read_only, "check", "--offline")
    assert f"Cannot write {data / 'state' / 'check'}: Permission denied" in output.out
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_f093_a_data_directory_that_is_missing_and_cannot_be_made(tmp_path: Path) -> None:
    folder = configured(tmp_path)
    path = folder / "circleci_cost.toml"
    path.write_text('data_dir = "mounted/data"\n' + path.read_text())
    mount = folder / "mounted"
    mount.mkdir(mode=0o555)
    output = called(folder, "sync")
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith(
        f"Error: Cannot write {mount / 'data'}/format.json: Permission denied; what was there "
    )
    mount.rmdir()
    mount.write_text("a file where a directory belongs")
    output = called(folder, "sync")
    assert output.code == 1
    assert output.err.startswith(f"Error: Cannot use {mount / 'data'}/format.json: ")
    assert output.err.count("\n") == 1


def test_f093_a_read_only_home_of_dagster(tmp_path: Path) -> None:
    folder = configured(tmp_path)
    home = folder / "home"
    home.mkdir(mode=0o555)
    output = called(folder, "sync", home=str(home))
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith(f"Error: Cannot write {home / 'dagster.yaml'}: Permission denied; ")
    assert output.err.count("\n") == 1


def test_f041_a_full_disk_below_the_home_of_dagster(tmp_path: Path) -> None:
    folder = configured(tmp_path)

    def nearly_full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000))

    output = called(folder, "sync", prepare=nearly_full, home=str(folder / "home"))
    assert (output.code, output.out) == (1, "")
    assert f"Error: Cannot use DAGSTER_HOME {folder / 'home'}: it cannot be read or written; " in output.err
    assert "Traceback" not in output.err


def test_a_damaged_home_of_dagster_may_be_moved_away(tmp_path: Path) -> None:
    folder = configured(tmp_path)
    damaged = folder / "home" / "history" / "runs.db"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no database" * 1000)
    output = called(folder, "sync", home=str(folder / "home"))
    assert (output.code, output.out) == (1, "")
    assert f"Error: Cannot use DAGSTER_HOME {folder / 'home'}: it is damaged; " in output.err
    assert "it records runs, and holds no usage and no costs" in output.err
    assert "Traceback" not in output.err
    assert damaged.read_bytes() == b"no database" * 1000


def test_output_on_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "circleci_cost.cli", "--help"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 1
    assert process.stderr.startswith("Error: Cannot use the output or a file: No space left on device; ")
    assert process.stderr.count("\n") == 1
