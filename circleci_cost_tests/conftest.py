"""What the whole session of tests has in common: compiled bytecode is kept, and its end says what could not run."""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from circleci_cost_tests.explorer.missing_browser import summary

if TYPE_CHECKING:
    from circleci_cost_tests.s3_server import S3Server

# Else each worker compiles all tests anew, and each of the hundred processes that they start the whole package.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Whoever starts the tests in the background may have them ignore Ctrl-C, and so would the commands that they interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What Dagster and Polars make of modules and records stays: searching it for garbage takes a tenth of a run's time.
gc.set_threshold(20_000, 20, 50)

# On a machine that is busy, an example of a property may take a second: that is no failure.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


# Of these a file takes minutes of the session: a worker that began one last would be alone at the end.
_BEGUN_FIRST = {"e2e", "faults", "pipeline"}
# Whoever needs the demo first makes it, in half a minute for which all that need it would wait together.
_MAKES_THE_DEMO = "test_looks.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the demo and with the packages of the longest files; within a package the order stays."""
    items.sort(key=lambda item: (item.path.name != _MAKES_THE_DEMO, item.path.parent.name not in _BEGUN_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a failure that quotes half a surrogate pair reach xdist's controller: it would end the whole session."""
    report = yield
    return _encodable(report)


def _encodable(value: Any) -> Any:
    """Return a report's data with each text as UTF-8 can hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(inner) for key, inner in value.items()}
    return type(value)(map(_encodable, value)) if isinstance(value, list | tuple) else value


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say last and loudly that browser tests did not run; here, because xdist's controller reads no other conftest."""
    yield
    if line := summary(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def running_s3() -> "Iterator[S3Server]":
    """One S3 server of a whole session, started by the first test that asks for it."""
    from circleci_cost_tests.s3_server import s3_server  # importing it takes half a second

    with s3_server() as server:
        yield server


@pytest.fixture
def s3(running_s3: "S3Server", monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Server]":
    """The S3 server without faults, found by the environment as any SDK finds it."""
    running_s3.calm()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in running_s3.environment.items():
        monkeypatch.setenv(name, value)
    yield running_s3
    running_s3.calm()
