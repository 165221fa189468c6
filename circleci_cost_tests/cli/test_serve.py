"""`serve` as a process of its own: it starts, says where it is, and ends at once, whatever it is doing."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from circleci_cost_tests.cli.processes import running
from circleci_cost_tests.explorer.raw_requests import connected, get
from circleci_cost_tests.explorer.routes import READING
from circleci_cost_tests.explorer.small_folder import configure, small_folder

# A second on a machine that is not busy; the time limits of what could keep it waiting are longer than this.
AT_ONCE = 20
TOKEN = "CCIPAT_canary_token_0d83f7"
CANARIES = {
    "CIRCLECI_TOKEN": TOKEN,
    "SMTP_PASSWORD": "canary-of-the-mail-server-7781",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/canarycanary",
    "WEBHOOK_SECRET": "canary-of-the-webhook-4411",
}
CHANNELS = """
[[notifications.channels]]
name = "chat"
type = "slack"
url_env = "SLACK_WEBHOOK_URL"
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    today = date.today()  # noqa: DTZ011 - the process has the machine's clock
    rows = [{"date": today - timedelta(days=back), "compute": 100} for back in range(1, 60)]
    small_folder(folder, rows)
    return folder


def serve(folder: Path, *options: str, stdout: int = subprocess.PIPE) -> AbstractContextManager[subprocess.Popen[str]]:
    """Start the command in a folder; whatever is left of it is killed."""
    named = {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "default", **CANARIES}
    environment = {name: value for name, value in os.environ.items() if name != "CIRCLECI_COST_CONFIG"} | named
    command = [sys.executable, "-m", "circleci_cost.cli", "serve", "--port", "0", *options]
    return running(command, folder, environment, stdout)


def origin_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    origin = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", origin), origin
    return origin


def ended(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, float, str]:
    """Send a signal; return the exit code, how long the end took, and what was said."""
    began = time.monotonic()
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    return process.returncode, time.monotonic() - began, err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_with_connections_open_and_without_a_warning(
    published: Path, how: signal.Signals
) -> None:
    with serve(published) as process:
        origin = origin_of(process)
        with httpx.Client(base_url=origin, timeout=30) as client, connected(origin):
            assert client.get("/").status_code == 200
            code, seconds, err = ended(process, how)
    assert (code, err) == (0, "Serving the cost explorer; Ctrl-C ends it.\nStopped.\n")
    assert seconds < AT_ONCE


def test_a_signal_ends_it_while_pages_are_made(published: Path) -> None:
    with serve(published) as process:
        origin = origin_of(process)
        stopped = threading.Event()

        def keep_asking() -> None:
            while not stopped.is_set():
                try:
                    httpx.get(f"{origin}/?by=job&by=branch", timeout=5)
                except httpx.HTTPError:
                    return

        askers = [threading.Thread(target=keep_asking) for _ in range(6)]
        for asker in askers:
            asker.start()
        time.sleep(1)
        code, seconds, err = ended(process, signal.SIGTERM)
        stopped.set()
        for asker in askers:
            asker.join()
    # A connection that was accepted in that very moment ends with the process, of which Python warns.
    said = [line for line in err.splitlines() if "ResourceWarning" not in line]
    assert (code, said) == (0, ["Serving the cost explorer; Ctrl-C ends it.", "Stopped."]), seconds
    assert seconds < AT_ONCE


def test_it_serves_on_where_nobody_reads_its_output(published: Path) -> None:
    read, write = os.pipe()
    with serve(published, stdout=write) as process:
        os.close(write)
        with os.fdopen(read) as output:
            origin = output.readline().strip()
        assert httpx.get(f"{origin}/", timeout=30).status_code == 200
        code, _, err = ended(process, signal.SIGTERM)
    assert (code, "Traceback" in err) == (0, False)


def test_a_configuration_that_is_edited_counts_from_the_next_page_on_and_a_mistake_is_told_on_it(
    published: Path,
) -> None:
    file = published / "circleci_cost.toml"
    former = file.read_text()
    try:
        with serve(published) as process, httpx.Client(base_url=origin_of(process), timeout=30) as client:
            assert "Our view" not in client.get("/").text
            file.write_text(former + '[[explorer.views]]\nname = "Our view"\nurl = "/?by=job"\n')
            assert "Our view" in client.get("/").text
            file.write_text(former + f'[explorer]\nquery_seconds = "{TOKEN}"\n')
            page = client.get("/")
            assert page.status_code == 200
            assert "The former configuration is used: " in page.text and "explorer.query_seconds" in page.text
            assert TOKEN not in page.text
            assert "Our view" in page.text
            file.write_text(former.replace("history_start", 'data_dir = "elsewhere"\nhistory_start'))
            assert "Start `circleci-cost serve` again." in client.get("/").text
            file.unlink()
            assert "The former configuration is used: " in client.get("/").text
            file.write_text(former)
            page = client.get("/")
            assert "The former configuration" not in page.text and "Our view" not in page.text
            code, _, err = ended(process, signal.SIGTERM)
    finally:
        file.write_text(former)
    assert (code, err) == (0, "Serving the cost explorer; Ctrl-C ends it.\nStopped.\n")


def test_without_data_it_says_what_to_do_until_there_are_some(tmp_path: Path) -> None:
    configure(tmp_path)
    with serve(tmp_path) as process, httpx.Client(base_url=origin_of(process), timeout=30) as client:
        page = client.get("/")
        assert page.status_code == 503
        assert "Nothing is published in" in page.text
        small_folder(tmp_path, [{"date": date(2026, 3, 10), "compute": 100}])
        assert client.get("/").status_code == 200
        code, _, err = ended(process, signal.SIGINT)
    assert (code, "Traceback" in err) == (0, False)


def test_no_secret_of_its_environment_is_on_a_page_in_an_error_or_in_the_log(published: Path) -> None:
    file = published / "circleci_cost.toml"
    former = file.read_text()
    file.write_text(former + CHANNELS)
    try:
        with serve(published) as process, httpx.Client(base_url=origin_of(process), timeout=30) as client:
            told = [client.get(path) for path in READING]
            told += [client.get(f"{path}?no-such=1") for path in READING]
            told += [client.get("/", params={"where": f"project={TOKEN}"}), client.get("/nowhere")]
            _, _, err = ended(process, signal.SIGTERM)
    finally:
        file.write_text(former)
    said = err + "".join(answer.text + str(answer.headers) for answer in told[:-2]) + told[-1].text
    assert [name for name, value in CANARIES.items() if value in said] == []
    assert len([answer for answer in told if answer.status_code == 200]) > 10


def test_a_request_line_of_nonsense_leaves_no_line_in_the_log(published: Path) -> None:
    with serve(published) as process:
        origin = origin_of(process)
        for request in (
            b"\x16\x03\x01\x02\x00\x01",
            get("/", "Host: evil.example"),
            b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n",
        ):
            with connected(origin) as connection:
                connection.sendall(request + b"\r\n\r\n")
                connection.recv(100)
        _, _, err = ended(process, signal.SIGTERM)
    assert err == "Serving the cost explorer; Ctrl-C ends it.\nStopped.\n"
