"""Devices, pipes and folders where a user names a file: a sentence at once, no wait and no memory filled."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.circleci import land_files
from circleci_cost.cli.import_check import read_files
from circleci_cost.clock import SystemClock
from circleci_cost.config.settings import load_settings, read_settings
from circleci_cost.errors import ConfigurationError, UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.lake.remote_files import find_files
from circleci_cost.model.budgets.files import read_budgets
from circleci_cost.named_files.csv_tables import bytes_or_missing, read_bytes
from circleci_cost.named_files.regular_files import require_regular_file
from circleci_cost_tests.cli.harness import ORGANIZATION, Caller, configuration

ZERO = Path("/dev/zero")
TO_A_FILE = "write what comes out of it to a file, and name that file."
DAY = date(2026, 10, 1)


@pytest.fixture(autouse=True)
def no_wait() -> Iterator[None]:
    """Opening a pipe that nobody writes into waits for ever: let the test fail instead."""

    def over(*_: object) -> None:
        raise TimeoutError("a pipe was opened")

    former = signal.signal(signal.SIGALRM, over)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that nobody writes into."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_only_regular_files_pass_and_what_is_missing_is_the_readers_business(tmp_path: Path, pipe: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("")
    link.symlink_to(file)
    for path in (file, link, tmp_path / "missing", file / "below", Path("/proc/self/status")):
        require_regular_file(path, UsageError)
    (tmp_path / "to a pipe").symlink_to(pipe)
    for path in (pipe, tmp_path / "to a pipe"):
        with pytest.raises(UsageError) as caught:
            require_regular_file(path, UsageError, "Nothing was imported.")
        assert str(caught.value) == f"{path} is a pipe, not a regular file; {TO_A_FILE} Nothing was imported."


def test_devices_sockets_folders_and_impossible_paths_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    monkeypatch.chdir(tmp_path)  # A socket's path may not be long.
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for path, words in {
            ZERO: "/dev/zero is a device, not a regular file; write what is wanted of it to a file",
            Path("socket"): "socket is a socket, not a regular file; name a file.",
            tmp_path: f"{tmp_path} is a folder, not a regular file; name a file in it.",
            Path("a\0b"): "'a\\x00b' is no path: it holds a NUL character; correct it.",
            Path("x" * 300): "cannot be read (File name too long); correct the path.",
            tmp_path / "circle": "cannot be read (Too many levels of symbolic links); correct the path.",
        }.items():
            with pytest.raises(ConfigurationError) as caught:
                require_regular_file(path, ConfigurationError)
            assert words in str(caught.value)


READERS: dict[str, Callable[[Path], Any]] = {
    "configuration": read_settings,
    "configuration by its variable": lambda path: load_settings(environment={"CIRCLECI_COST_CONFIG": str(path)}),
    "mapping, owners, telemetry, rates, decisions": read_bytes,
    "budgets": lambda path: read_budgets(path, []),
    "infrastructure": lambda path: find_files(str(path), Path),
}


@pytest.mark.parametrize("reader", READERS)
def test_no_file_of_the_configuration_may_be_a_pipe_or_a_device(reader: str, pipe: Path) -> None:
    for path, kind in ((pipe, "pipe"), (ZERO, "device")):
        with pytest.raises(ConfigurationError, match=rf"^{path} is a {kind}, not a regular file; write what "):
            READERS[reader](path)


def test_a_pipe_is_as_good_as_missing_for_telling_whether_a_file_has_changed(tmp_path: Path, pipe: Path) -> None:
    assert bytes_or_missing(pipe) == bytes_or_missing(ZERO) == bytes_or_missing(tmp_path / "none") == b"missing"


def test_files_to_import_are_no_pipes(tmp_path: Path, pipe: Path) -> None:
    """As `<(zcat …)` of a shell is one."""
    lake = open_lake(tmp_path / "lake")
    for path in (pipe, ZERO):
        with pytest.raises(UsageError, match=r" is a (pipe|device), .*, and name that file\. Nothing was imported\.$"):
            land_files(lake, "acme", [path], DAY, DAY, organization_id="o", clock=SystemClock())
    assert list(lake.exports("acme").glob("*")) == []


def test_the_command_line_refuses_pipes_and_devices(call: Caller, pipe: Path) -> None:
    output = call("--config", pipe, "report")
    assert (output.code, output.out, output.err) == (
        3,
        "",
        f"Error: {pipe} is a pipe, not a regular file; {TO_A_FILE}\n",
    )
    call.configure(configuration())
    for path in (pipe, ZERO):
        output = call("import", path, "--cost-center", "acme")
        assert (output.code, output.out) == (2, "")
        assert output.err.startswith(f"Error: {path} is a ")
        assert output.err.endswith("Nothing was imported.\n")
    output = call("init", "--path", pipe, "--non-interactive", "--organization-id", ORGANIZATION, "--force")
    assert (output.code, output.err) == (
        2,
        f"Error: {pipe} is a pipe, not a regular file; {TO_A_FILE} Nothing was written.\n",
    )
    assert pipe.is_fifo()


def test_an_environment_file_that_is_a_pipe_is_left_out_and_told(call: Caller) -> None:
    call.configure(configuration())
    os.mkfifo(call.folder / ".env")
    output = call("report", "--json")
    assert output.err.startswith(f"Warning: {call.folder / '.env'} is a pipe, not a regular file; ")
    assert "Its variables are not set." in output.err.splitlines()[0]
    (call.folder / ".env").unlink()
    # A virtual environment of Python may have that name.
    (call.folder / ".env").mkdir()
    assert "Warning" not in call("report", "--json").err


def test_files_to_import_are_checked_before_they_are_opened(tmp_path: Path, pipe: Path) -> None:
    center = read_settings(_configured(tmp_path)).cost_centers[0]
    with pytest.raises(UsageError, match=r"is a pipe, not a regular file"):
        read_files([pipe], center)


def _configured(folder: Path) -> Path:
    path = folder / "circleci_cost.toml"
    path.write_text(configuration())
    return path
