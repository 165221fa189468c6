"""A deployment on several hosts, from the files of the profile `celery`, with its `data_dir` wherever a test has it.

No daemon: a test hands runs to the launcher, as the daemon's queue does (`pipeline.test_run_queue` has the queue).
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository

from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.partitions import range_tags
from circleci_cost.simulator import Simulator, SimulatorServer
from circleci_cost_tests.hosts.network import Host, Network, network
from circleci_cost_tests.hosts.services import PASSWORD, postgres, redis
from circleci_cost_tests.pipeline.harness import TOKEN, TOKEN_VARIABLE, Center, environment, toml
from circleci_cost_tests.s3_server import S3Server

# On a machine that is busy, a worker takes half a minute to start.
PATIENCE_SECONDS = 6000.0 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 300.0
PROFILE = Path(__file__).parents[2] / "circleci_cost" / "deploy" / "celery"
T = TypeVar("T")
CODE = ReconstructableRepository(ModuleCodePointer("circleci_cost.definitions", "defs", None))


@dataclass
class Cluster:
    """Hosts with a worker each, the records of their runs, and the simulator that they ask."""

    folder: Path
    network: Network
    simulator: Simulator
    ports: Sequence[int]
    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    environment: Mapping[str, str]

    def start_worker(self, host: Host) -> None:
        """Start a worker on a host, by the command of the profile, and let it reach the services of this process."""
        log = self.folder / f"{host.name}.log"
        for port in self.ports:
            self.network.relay_loopback(port, log, host)
        _, *options = yaml.safe_load((PROFILE / "worker.yaml").read_text())["services"]["worker"]["command"]
        options = [option.replace("worker@%h", f"{host.name}@%h") for option in options]
        host.start([sys.executable, "-P", "-m", "celery", *options], log, self.environment)

    def launch(self, job: str, assets: Sequence[str], tags: Mapping[str, str] | None = None) -> str:
        """Hand a run of some assets of a job to the workers; its id."""
        run = self.instance.create_run_for_job(
            self.definitions.resolve_job_def(job),
            tags=dict(tags or {}),
            asset_selection=frozenset(map(dg.AssetKey, assets)),
            job_code_origin=CODE.get_reconstructable_job(job).get_python_origin(),
        )
        workspace: Any = None
        self.instance.launch_run(run.run_id, workspace)
        return run.run_id

    def launch_days(self, job: str, assets: Sequence[str], cost_center: str, first: date, last: date) -> str:
        """Hand a run over days of a cost center to the workers; its id."""
        return self.launch(job, assets, range_tags(cost_center, first, last))

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        """The status that the records have of a run."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def host_of(self, run_id: str) -> Host:
        """The host that executes a run."""
        for entry in self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
            if match := re.search(r"Executing steps in process \(pid: (\d+)\)", entry.message):
                (host,) = (host for host in self.network.hosts if host.executes(int(match[1])))
                return host
        raise AssertionError(f"nothing executes {run_id}")

    def until(self, condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
        """Wait until something is true and return it."""
        deadline = time.monotonic() + seconds
        while not (outcome := condition()):
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.1)
        return outcome

    def succeed(self, *run_ids: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until runs have succeeded."""
        self.until(lambda: all(self._succeeded(run_id) for run_id in run_ids), seconds)

    def _succeeded(self, run_id: str) -> bool:
        status = self.status(run_id)
        assert status is not dg.DagsterRunStatus.FAILURE, self._failure(run_id)
        return status is dg.DagsterRunStatus.SUCCESS

    def _failure(self, run_id: str) -> str:
        entries = self.instance.all_logs(run_id)
        events = [entry.get_dagster_event() for entry in entries if entry.is_dagster_event]
        errors = [event.job_failure_data.error for event in events if event.is_job_failure]
        said = [entry.message for entry in entries] + [error.to_string() for error in errors if error]
        return "\n".join(said) + self._logs()

    def _logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self.folder.glob("*.log"))


@contextmanager
def cluster(
    folder: Path,
    simulator: Simulator,
    centers: Mapping[str, Center],
    history_start: date,
    data_dir: str,
    *names: str,
    sections: str = "",
    store: S3Server | None = None,
) -> Iterator[Cluster]:
    """Make the named hosts; `data_dir` is a folder that all of them reach, or an address in `store`."""
    with ExitStack() as stack:
        server = stack.enter_context(SimulatorServer(simulator))
        hosts = stack.enter_context(network(*names))
        ports = [int(server.origin.rpartition(":")[2]), *([store.port] if store else [])]
        for port in ports:
            hosts.relay_loopback(port, folder / "here.log")
        records = stack.enter_context(postgres(hosts.address))
        queue = stack.enter_context(redis(folder, hosts.address))
        text = toml(server.base_url, centers, history_start).replace('data_dir = "data"', f'data_dir = "{data_dir}"')
        configuration, home = folder / "circleci_cost.toml", folder / "home"
        configuration.write_text(text + sections)
        home.mkdir()
        (home / "dagster.yaml").write_text(_settings(records))
        broker = f"redis://:{PASSWORD}@{hosts.address}:{queue}"
        variables = {
            "CELERY_BROKER_URL": f"{broker}/0",
            "CELERY_RESULT_BACKEND": f"{broker}/1",
            "CIRCLECI_COST_CONFIG": str(configuration),
            "CIRCLECI_COST_POSTGRES_HOST": hosts.address,
            "DAGSTER_HOME": str(home),
            "POSTGRES_PASSWORD": PASSWORD,
            TOKEN_VARIABLE: TOKEN,
            **(store.environment if store else {}),
        }
        stack.enter_context(environment(variables))
        settings = read_settings(configuration)
        instance = stack.enter_context(dg.DagsterInstance.get())
        definitions = build_definitions(settings)
        yield Cluster(folder, hosts, simulator, ports, settings, definitions, instance, variables)


def _settings(port: int) -> str:
    """The profile's settings, for a database on a port of its own."""
    text = (PROFILE / "dagster.yaml").read_text()
    assert "port: 5432" in text
    return text.replace("port: 5432", f"port: {port}")
