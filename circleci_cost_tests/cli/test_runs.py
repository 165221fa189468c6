"""`sync`, `backfill` and `reprice` against a simulator on a socket, in real Dagster runs; interrupts included."""

import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from circleci_cost.circleci import newest_day
from circleci_cost.simulator import ACME_ID, ACME_LABS_ID, Fault, Simulator, SimulatorServer, demo_scenario
from circleci_cost.simulator.restatement import last_available_day
from circleci_cost_tests.cli.harness import Caller
from circleci_cost_tests.simulator_faults.connection_actions import Hang

TOKEN = "CCIPAT_canary_token_c41d"
TODAY = datetime.now(UTC).date()
NEWEST = newest_day(datetime.now(UTC))
START = NEWEST - timedelta(days=8)
# While CircleCI refreshes its data, the newest day is there and has no usage yet.
LAST_USED = last_available_day(datetime.now(UTC))


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    simulator = Simulator(demo_scenario(TODAY).with_jobs_per_day(30), tokens=[TOKEN], posts_per_hour=100)
    with SimulatorServer(simulator) as server:
        yield server


def configuration(server: SimulatorServer, *prices: tuple[str, date, date | None]) -> str:
    periods = "".join(
        f"[[cost_centers.pricing]]\nprice_per_credit = {price}\neffective_from = {first}\n"
        + (f"effective_until = {last}\n" if last else "")
        for price, first, last in prices
    )
    return (
        f'history_start = {START}\n[[cost_centers]]\nname = "acme"\norganization_id = "{ACME_ID}"\n'
        f'shared_organization_ids = ["{ACME_LABS_ID}"]\n{periods}[api]\nbase_url = "{server.base_url}"\n'
    )


def statuses(folder: Path) -> list[str]:
    with sqlite3.connect(folder / ".dagster_home" / "history" / "runs.db") as runs:
        return [status for (status,) in runs.execute("select status from runs order by id")]


def posts(server: SimulatorServer) -> int:
    return sum(record.route == "create" for record in server.simulator.log)


def total(call: Caller) -> dict[str, object]:
    total_row: dict[str, object] = json.loads(call("report", "--json").out)["total"]
    return total_row


def test_a_missing_token_is_told_before_anything_is_started(call: Caller, server: SimulatorServer) -> None:
    call.configure(configuration(server, ("0.0006", START, None)))
    for command in ("sync", "backfill"):
        output = call(command)
        assert (output.code, output.out) == (4, "")
        assert "the environment variable CIRCLECI_TOKEN is not set" in output.err
    assert not (call.folder / ".dagster_home").exists()


def test_f098_from_the_first_sync_to_an_edited_price(call: Caller, server: SimulatorServer) -> None:
    """One story, because each run costs seconds: sync, backfill, nothing to do, a gap, a new price."""
    call.configure(configuration(server, ("0.0006", START, None)))
    (call.folder / ".env").write_text(f"CIRCLECI_TOKEN={TOKEN}\n")
    os.environ.pop("CIRCLECI_TOKEN", None)
    try:
        _story(call, server)
    finally:
        os.environ.pop("CIRCLECI_TOKEN", None)


def _story(call: Caller, server: SimulatorServer) -> None:
    output = call("sync")
    assert output.code == 0
    assert output.out.startswith(f"acme, {NEWEST - timedelta(days=3)} to {NEWEST}: ")
    assert "5 days of the history are not there yet" in output.err
    assert "run `circleci-cost backfill`" in output.err

    asked = posts(server)
    assert call("backfill").code == 0
    assert posts(server) == asked + 1
    assert call("backfill").out == "Nothing to fetch: every day that CircleCI can serve is there.\n"
    assert posts(server) == asked + 1
    # Of each command one run for all cost centers allocates and publishes; one checks where there were several.
    assert statuses(call.folder) == ["SUCCESS"] * 6
    before = total(call)
    credits = int(str(before["credits"]))
    assert before["cost"] == f"{credits * 6 / 10000:.6f}"
    assert call("reprice").out == "Nothing to compute: every day is priced as the configuration says.\n"

    change = TODAY - timedelta(days=3)
    call.configure(configuration(server, ("0.0006", START, change - timedelta(days=1)), ("0.0007", change, None)))
    checked = call("check", "--offline", "--json")
    assert json.loads(checked.out)["stale_prices"] == [
        {"cost_center": "acme", "from": f"{change}", "to": f"{LAST_USED}"}
    ]
    output = call("reprice")
    assert output.code == 0
    assert output.out.startswith(f"acme: computing {change} to {LAST_USED} again\n")
    assert posts(server) == asked + 1
    later = json.loads(call("report", "--from", str(change), "--json").out)["total"]
    earlier = json.loads(call("report", "--to", str(change - timedelta(days=1)), "--json").out)["total"]
    assert later["cost"] == f"{int(later['credits']) * 7 / 10000:.6f}"
    assert earlier["cost"] == f"{int(earlier['credits']) * 6 / 10000:.6f}"

    everything = b"".join(
        path.read_bytes() for path in call.folder.rglob("*") if path.is_file() and path.name != ".env"
    )
    assert TOKEN.encode() not in everything


def test_a_token_that_is_refused_ends_with_exit_code_4(
    call: Caller, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", "CCIPAT_of_somebody_else")
    call.configure(configuration(server, ("0.0006", START, None)))
    output = call("sync")
    assert (output.code, output.out) == (4, "")
    assert "CircleCI does not accept the token in the environment variable CIRCLECI_TOKEN (401)" in output.err
    assert len(output.err.splitlines()) == 1
    assert statuses(call.folder) == ["FAILURE"]


def test_an_interrupt_ends_the_run_and_the_next_sync_takes_it_up(
    call: Caller, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    call.configure(configuration(server, ("0.0006", START, None)))
    hang = Hang()
    poll = Fault("poll", hang, times=None)
    server.simulator.faults.add(poll)
    try:
        terminal = _sync_in_a_terminal(call.folder)
        screen = _read_until(terminal, lambda seen: poll.injected > 0 and "fetching" in seen)
        terminal.process.send_signal(signal.SIGINT)
        screen += _read_until(terminal, lambda seen: "Interrupted; nothing is lost" in seen)
        assert terminal.process.wait(30) == 130
        os.close(terminal.descriptor)
    finally:
        hang.release()
        server.simulator.faults.clear()
    assert "acme" in screen
    assert "Traceback" not in screen
    assert statuses(call.folder) == ["CANCELED"]
    asked = posts(server)
    output = call("sync")
    assert output.code == 0
    assert posts(server) == asked
    assert statuses(call.folder) == ["CANCELED", "SUCCESS", "SUCCESS"]


def test_of_more_cost_centers_than_workers_a_refused_one_fails_alone(
    call: Caller, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    others = {"unknown": "99999999-9999-4999-8999-999999999999", "labs": ACME_LABS_ID}
    sections = [f'[[cost_centers]]\nname = "{name}"\norganization_id = "{of}"\n' for name, of in others.items()]
    alone = configuration(server, ("0.0006", START, None)).replace(f'"{ACME_LABS_ID}"', "")
    call.configure(alone + "".join(sections))
    asked = posts(server)
    output = call("sync")
    assert output.code == 3
    assert "Usage export of unknown" in output.err
    # Prepared ahead, taken up by the runs: one request for each cost center, and one more of the refused one's run.
    assert posts(server) == asked + 4
    assert statuses(call.folder).count("FAILURE") == 1
    # The other two, the checks of all and the publication.
    assert statuses(call.folder).count("SUCCESS") == 4
    assert total(call)["credits"] != "0"


def test_without_a_terminal_each_fetch_and_wait_is_a_line_and_on_one_no_reason_is_cut(
    call: Caller, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two exports at a quota of one an hour: the second one waits, in a pipe and on a terminal of 80 columns."""
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    name = "a-cost-center-whose-name-is-rather-long-for-a-terminal"
    text = configuration(server, ("0.0006", START, None)).replace(f"history_start = {START}", "history_start = FIRST")
    first = TODAY - timedelta(days=40)
    call.configure(text.replace("FIRST", str(first)).replace('"acme"', f'"{name}"') + "posts_per_hour = 1\n")
    quota_note = ("circleci-cost", "CircleCI allows 1 export request an hour per organization")
    process = subprocess.Popen(
        [sys.executable, "-m", "circleci_cost.cli", "backfill"],
        cwd=call.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line.rstrip("\n"))
        if quota_note[1] in line:
            process.send_signal(signal.SIGTERM)
            break
    rest = [line for line in process.communicate(timeout=60)[1].splitlines() if line]
    assert process.returncode == 130
    one, two = f"{first} – {first + timedelta(days=30)}", f"{first + timedelta(days=31)} – {NEWEST}"
    takes = "so this takes more than an hour"
    assert lines[0] == f"Fetching 2 exports of at most 31 days; CircleCI allows 1 an hour and organization, {takes}."
    assert [re.sub(r"job [0-9a-f-]+|with .*", "…", line) for line in lines[1:3]] == [
        f"{name}, export 1 of 2, {one}: requested, export ….",
        f"{name}, export 1 of 2, {one}: 3 parts …",
    ]
    assert re.fullmatch(
        rf"{name}, export 2 of 2, {two}: waiting, {quota_note[1]}; again at \d\d:\d\d:\d\d UTC, in (60|59) min\.",
        lines[-1],
    )
    assert rest == [
        "Stopping: what runs is being ended; Ctrl-C again kills.",
        f"Left to do for {name}: 1 of 2 exports not finished ({two}), costs not computed ({first} – {NEWEST}).",
        "The costs of what has landed need no further fetch: `circleci-cost reprice`.",
        "Error: Interrupted; nothing is lost, the same command takes up where this one ended.",
    ]
    output = call("report")
    assert output.code == 1
    assert "usage is there without costs: run `circleci-cost reprice`, which fetches nothing." in output.err

    terminal = _sync_in_a_terminal(call.folder, "backfill", columns=80)
    screen = _read_until(
        terminal, lambda seen: "organization" in " ".join(seen.split()).partition("CircleCI allows")[2]
    )
    terminal.process.send_signal(signal.SIGINT)
    screen += _read_until(terminal, lambda seen: "Interrupted; nothing is lost" in seen)
    assert terminal.process.wait(30) == 130
    os.close(terminal.descriptor)
    assert f"waiting, about 60 min: {quota_note[1]}" in " ".join(screen.split()).replace("about 59 min", "about 60 min")
    assert max(map(len, re.split(r"[\r\n]+", screen.partition("Fetching")[2].partition("Left to do")[0]))) <= 80


def test_credits_without_a_price_end_reprice_and_sync_with_5_and_their_days(
    call: Caller, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", TOKEN)
    priced = LAST_USED - timedelta(days=1)
    call.configure(configuration(server, ("0.0006", START, priced)))
    output = call("sync")
    days = f"acme: {LAST_USED}"
    sentence = f"Partial: credits have no price and are in no dollar amount, {days}; add a price period for these days"
    assert (output.code, sentence in output.err) == (5, True)
    for arguments in (["reprice"], ["reprice", "--from", str(LAST_USED)]):
        output = call(*arguments)
        assert (output.code, sentence in output.err) == (5, True), arguments
    assert call("reprice", "--from", str(priced), "--to", str(priced)).code == 0


@dataclass(frozen=True)
class _Terminal:
    process: subprocess.Popen[bytes]
    descriptor: int


def _sync_in_a_terminal(folder: Path, command: str = "sync", columns: int = 120) -> _Terminal:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "circleci_cost.cli", command],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)},
        start_new_session=True,
    )
    os.close(theirs)
    return _Terminal(process, ours)


def _read_until(terminal: _Terminal, done: Callable[[str], bool], seconds: float = 60) -> str:
    """What the terminal shows, without its control sequences, until it is enough."""
    seen = ""
    until = time.monotonic() + seconds
    while not done(seen):
        assert time.monotonic() < until, f"it did not come to that: {seen}"
        if not select.select([terminal.descriptor], [], [], 0.1)[0]:
            continue
        try:
            text = os.read(terminal.descriptor, 65536).decode(errors="replace")
        except OSError:
            # The process has ended and all it wrote was read.
            assert done(seen), seen
            break
        seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return seen
