"""Ctrl-C and a service manager's stop, in the moments in which Python and libraries do not pass an exception on."""

import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import pytest

from circleci_cost_tests.cli.processes import running
from circleci_cost_tests.explorer.small_folder import small_folder

INTERRUPTED = 130
SAID = "Error: Interrupted; nothing is lost, the same command takes up where this one ended."
# What has just been imported when the signal comes; each of them is imported in the middle of other imports.
IMPORTS = ["pydantic_core._pydantic_core", "circleci_cost.sections.section", "uvicorn.config", "duckdb", "polars"]
# A command of its own, which says when it asks DuckDB for what takes hours.
QUERY = """
import sys, types
import click, duckdb
from circleci_cost.cli import main

@click.command()
def ask():
    print("asking", flush=True)
    duckdb.sql(sys.argv[1]).fetchall()

module = types.ModuleType("circleci_cost.cli.ask")
module.ask = ask
sys.modules[module.__name__] = module
main.COMMANDS["ask"] = main.Entry("ask", "ask", "")
main.main(["ask"])
"""
# Whether DuckDB answers a signal depends on how it divides the work, and on the moment.
QUERIES = [
    "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b",
    "SELECT max(hash(range)) FROM range(1000000000000)",
]
# Threads are started and ended all the time; a signal comes in some millisecond, hundreds of times.
THREADS = """
import faulthandler, os, random, signal, threading, time
from concurrent.futures import ThreadPoolExecutor
from circleci_cost.cli.interrupts import raise_on_signals

raise_on_signals(lambda: print('stuck', flush=True))
faulthandler.dump_traceback_later(120, exit=True)
random.seed(5)
working = threading.Event()
idle = threading.Event()

def interrupt():
    while True:
        working.wait()
        time.sleep(random.uniform(0, 0.003))
        idle.clear()
        os.kill(os.getpid(), signal.SIGTERM)
        idle.wait()

threading.Thread(target=interrupt, daemon=True).start()
for _ in range(600):
    try:
        working.set()
        while True:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(abs, range(5)))
    except KeyboardInterrupt:
        working.clear()
        idle.set()
print("passed on each time", flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    today = date.today()  # noqa: DTZ011 - the process has the machine's clock
    small_folder(folder, [{"date": today - timedelta(days=back), "compute": 100} for back in range(1, 9)])
    return folder


def start(*arguments: str, folder: Path | None = None) -> AbstractContextManager[subprocess.Popen[str]]:
    """Start Python; whatever is left of it is killed."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "CIRCLECI_TOKEN": "canary"}
    return running([sys.executable, *arguments], folder, environment)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", IMPORTS)
def test_a_signal_while_libraries_are_imported_ends_the_command(
    published: Path, module: str, how: signal.Signals
) -> None:
    # Python reports each module when it has been imported.
    arguments = ["-X", "importtime", "-m", "circleci_cost.cli", "serve", "--port", "0"]
    with start(*arguments, folder=published) as process:
        assert process.stderr is not None
        imported = any(line.rstrip("\n").endswith(f" {module}") for line in process.stderr)
        process.send_signal(how)
        said = [line.rstrip("\n") for line in process.stderr if line.strip() and not line.startswith("import time:")]
        assert imported
        assert process.wait() in {0, INTERRUPTED}
    assert said in ([SAID], ["Serving the cost explorer; Ctrl-C ends it.", "Stopped."], ["Stopped."])


def test_a_signal_just_before_a_command_ends_by_itself_does_not_kill_it(tmp_path: Path) -> None:
    """While it waited for the end of an import, the command ended: the alarm for it came to nobody."""
    with start("-X", "importtime", "-m", "circleci_cost.cli", "serve", folder=tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip("\n").endswith(" circleci_cost.cli.serve"):
                break
            if line.rstrip("\n").endswith(" uvicorn.config"):
                process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(60) in {3, INTERRUPTED}
    assert "Traceback" not in rest


def test_an_interrupted_command_ends_also_where_nobody_reads_what_it_says() -> None:
    with start("-c", QUERY, QUERIES[1]) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "asking\n"
        process.stderr.close()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED
        process.stderr = None


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("query", QUERIES, ids=["joins", "scans"])
def test_a_signal_ends_a_query(query: str, how: signal.Signals) -> None:
    with start("-c", QUERY, query) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        # In the query by now; a signal before it would be no other.
        time.sleep(1)
        process.send_signal(how)
        _, err = process.communicate()
    assert (process.returncode, err.strip()) == (INTERRUPTED, SAID)


def test_a_signal_leaves_no_lock_taken_and_is_never_lost() -> None:
    with start("-c", THREADS) as process:
        out, _ = process.communicate()
    assert (process.returncode, out) == (0, "passed on each time\n")


def test_a_signal_that_is_ignored_stays_so() -> None:
    code = (
        "import signal; from circleci_cost.cli.interrupts import raise_on_signals; "
        "signal.signal(signal.SIGINT, signal.SIG_IGN); raise_on_signals(print); signal.raise_signal(signal.SIGINT); "
        "print('goes on', flush=True); signal.raise_signal(signal.SIGTERM)"
    )
    with start("-c", code) as process:
        out, err = process.communicate()
    assert out == "goes on\n"
    assert err.endswith("KeyboardInterrupt\n")
