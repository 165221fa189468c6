"""A deployment as users have it: webserver, daemon and code server as processes, driven over GraphQL, or one of them.

Only what makes waiting shorter differs from the repository's `dagster.yaml` and `workspace.yaml`.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from circleci_cost.lake.layout import Lake
from circleci_cost_tests.pipeline.harness import TOKEN, TOKEN_VARIABLE

ROOT = Path(__file__).parents[2]
LOCATION = "circleci_cost"
REPOSITORY = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
# File: what is there, what takes less time.
_SHORTER = {
    "dagster.yaml": ("poll_interval_seconds: 30", "poll_interval_seconds: 2"),
    "workspace.yaml": ("module_name: circleci_cost.definitions", "module_name: circleci_cost_tests.e2e.location"),
}
T = TypeVar("T")


@dataclass
class Deployment:
    """The processes and what they answer."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    url: str

    @property
    def lake(self) -> Lake:
        """The data directory."""
        return Lake(self.folder / "data")

    @property
    def log(self) -> str:
        """What the processes have written so far."""
        return (self.folder / "dagster.log").read_text()

    def ask(self, query: str, **variables: Any) -> Any:
        """The one field that a GraphQL document asks for."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60)
        content = answer.json()
        assert "errors" not in content, content["errors"]
        (value,) = content["data"].values()
        assert value is None or not isinstance(value, dict) or "message" not in value, value
        return value

    def reload(self) -> None:
        """Load the configuration again, as the button in the UI does."""
        answer = self.ask(
            "mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename "
            "... on WorkspaceLocationEntry { locationOrLoadError { __typename ... on PythonError { message } } } } }",
            name=LOCATION,
        )
        assert answer["locationOrLoadError"]["__typename"] == "RepositoryLocation", answer

    def backfill(self, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Launch an asset backfill and return its id."""
        parameters = {"assetSelection": [{"path": [name]} for name in assets], "partitionNames": list(partitions)}
        launched = self.ask(
            "mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename "
            "... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } "
            "... on PartitionKeysNotFoundError { message } ... on UnauthorizedError { message } } }",
            p=parameters,
        )
        return str(launched["backfillId"])

    def runs(self, tags: Mapping[str, str]) -> list[dict[str, Any]]:
        """The runs that have these tags, the oldest first, their own tags as a dictionary."""
        answer = self.ask(
            "query($f: RunsFilter!) { runsOrError(filter: $f, limit: 500) { __typename ... on Runs { results { "
            "runId status jobName startTime endTime parentRunId tags { key value } } } } }",
            f={"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        )
        runs = [run | {"tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in answer["results"]]
        return sorted(runs, key=lambda run: run["startTime"] or 0.0)

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        """Launch a run of a job and return its id."""
        launched = self.ask(
            "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename "
            "... on LaunchRunSuccess { run { runId } } ... on PythonError { message } "
            "... on RunConfigValidationInvalid { errors { reason } } } }",
            p={
                "selector": REPOSITORY | {"jobName": job},
                "runConfigData": {},
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )
        return str(launched["run"]["runId"])

    def messages(self, run: str) -> list[str]:
        """All messages in a run's log."""
        answer = self.ask(
            "query($id: ID!) { logsForRun(runId: $id) { __typename ... on EventConnection { events { "
            "... on MessageEvent { message } } } } }",
            id=run,
        )
        return [event["message"] for event in answer["events"] if event]

    def status(self, run: str) -> str:
        """STARTED, SUCCESS, FAILURE …"""
        answer = self.ask("query($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status } } }", id=run)
        return str(answer["status"])

    def remark(self, asset: str, check: str) -> str:
        """What the latest evaluation of an asset check says; empty where it passed or never ran."""
        answer = self.ask(
            "query($asset: AssetKeyInput!, $check: String!) { assetCheckExecutions(assetKey: $asset, "
            "checkName: $check, limit: 1) { status evaluation { success description } } }",
            asset={"path": [asset]},
            check=check,
        )
        evaluation = answer[0]["evaluation"] if answer else None
        return str(evaluation["description"] or "") if evaluation else ""

    def until(self, condition: Callable[[], T | None], seconds: float = 300) -> T:
        """Wait until something is true and return it."""
        deadline = time.monotonic() + seconds
        while not (outcome := condition()):
            assert self.process.poll() is None, self.log[-3000:]
            assert time.monotonic() < deadline, f"not within {seconds} s; the log ends with\n{self.log[-3000:]}"
            time.sleep(0.5)
        return outcome


def served(folder: Path, configuration: Path, query: str) -> Any:
    """What a code server of the repository's files answers to a GraphQL query that asks for one field."""
    home = folder / "home"
    home.mkdir()
    for name in _SHORTER:
        shutil.copy(ROOT / name, home)
    command = [str(Path(sys.executable).with_name("dagster-graphql")), "-w", str(home / "workspace.yaml"), "-t", query]
    answer = subprocess.run(
        command,
        cwd=folder,
        env=_environment(home, configuration),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    answers = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    assert answers, answer.stdout + answer.stderr
    (value,) = json.loads(answers[-1])["data"].values()
    assert value, answer.stderr
    return value


def _environment(home: Path, configuration: Path) -> dict[str, str]:
    return os.environ | {
        "DAGSTER_HOME": str(home),
        "CIRCLECI_COST_CONFIG": str(configuration),
        TOKEN_VARIABLE: TOKEN,
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def deployed(folder: Path, configuration: Path) -> Iterator[Deployment]:
    """Run `dagster dev` over a configuration file; DAGSTER_HOME is `folder`/home."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    for name, (here, shorter) in _SHORTER.items():
        settings = (ROOT / name).read_text()
        assert here in settings
        (home / name).write_text(settings.replace(here, shorter))
    port = _free_port()
    environment = _environment(home, configuration)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(home / "workspace.yaml"), "-h", "127.0.0.1"]
    with (folder / "dagster.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-p", str(port)], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deployment = Deployment(folder, process, f"http://127.0.0.1:{port}")
            deployment.until(lambda: _answers(deployment.url), 90)
            yield deployment
        finally:
            _stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/server_info", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Interrupt as Ctrl-C does; whatever is left of the process group is killed."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
