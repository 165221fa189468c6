"""Dagster's own queue under the repository's `dagster.yaml`: who waits for whom is seen before anything is started."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from circleci_cost.assets import FOLLOWING
from circleci_cost.defs.declared import PUBLISHING_POOL
from circleci_cost.defs.own_runs import LAUNCHED_BY, is_own
from circleci_cost.defs.partitions import COST_CENTER_TAG, range_tags
from circleci_cost.defs.run_queue import queued_cost_center
from circleci_cost_tests.pipeline.harness import Site, hooli, initech, running
from circleci_cost_tests.pipeline.launching import NotingLauncher
from circleci_cost_tests.pipeline.scenarios import YESTERDAY

ROOT = Path(__file__).parents[2]
_LAUNCHER = "\nrun_launcher:\n  module: circleci_cost_tests.pipeline.launching\n  class: NotingLauncher\n"


@dataclass
class Queue:
    """An instance of the repository's settings, what was submitted to it by name, and its daemon's part for runs."""

    site: Site
    instance: dg.DagsterInstance
    names: dict[str, str] = field(default_factory=dict)

    def submit(self, name: str, job: str, tags: dict[str, str]) -> dg.DagsterRun:
        """Submit a run as Dagster's daemon and UI do."""
        definition = self.site.definitions.resolve_job_def(job)
        keys = definition.asset_layer.selected_asset_keys
        run = self.instance.create_run_for_job(
            definition,
            tags={**definition.tags, **tags},
            asset_selection=keys,
            remote_job_origin=_served(job),
            job_code_origin=_code(job),
        )
        self.names[run.run_id] = name
        workspace: Any = None
        return self.instance.run_coordinator.submit_run(dg.SubmitRunContext(run, workspace))

    def launched(self) -> list[str]:
        """The names of the runs that one look at the queue lets out of it."""
        launcher = self.instance.run_launcher
        assert isinstance(launcher, NotingLauncher)
        before = len(launcher.launched)
        with QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon:
            workspace: Any = _Workspace(self.instance)
            looked: Any = daemon.run_iteration(workspace)
            assert [error for error in looked if error] == []
        return [self.names[run_id] for run_id in launcher.launched[before:]]

    def end(self, name: str) -> None:
        """Record that a run has ended."""
        (run_id,) = (each for each, given in self.names.items() if given == name)
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        self.instance.report_run_failed(run)

    def pending(self) -> list[Any]:
        """The steps that wait for a place in the pool: what run granularity never has."""
        return list(self.instance.event_log_storage.get_concurrency_info(PUBLISHING_POOL).pending_steps)


@dataclass
class _Workspace:
    """As much of Dagster's workspace as its queue asks for."""

    instance: dg.DagsterInstance

    def create_request_context(self) -> None:
        """The launcher here asks no code server."""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text() + _LAUNCHER)
    with running(tmp_path, initech() | hooli()) as site, dg.DagsterInstance.from_config(str(home)) as instance:
        # Dagster gives a pool its limit at the first look at a run that uses it, and heeds it from the next look on.
        instance.event_log_storage.initialize_concurrency_limit_to_default(PUBLISHING_POOL)
        yield Queue(site, instance)


def test_cost_centers_run_beside_each_other_their_own_runs_and_publications_in_turn(queue: Queue) -> None:
    for name, job, tags in (
        ("initech 1", "ingest", range_tags("initech", YESTERDAY, YESTERDAY)),
        # A backfill names only its partitions.
        ("initech 2", "ingest", {"dagster/partition": f"initech|{YESTERDAY}"}),
        ("hooli", "ingest", range_tags("hooli", YESTERDAY, YESTERDAY)),
        ("publication 1", "allocate", {}),
        ("publication 2", "allocate", {}),
    ):
        assert queue.submit(name, job, tags).status is dg.DagsterRunStatus.QUEUED
    assert queue.launched() == ["initech 1", "hooli", "publication 1"]
    assert queue.launched() == []
    queue.end("hooli")
    assert queue.launched() == []
    queue.end("initech 1")
    queue.end("publication 1")
    assert queue.launched() == ["initech 2", "publication 2"]
    assert queue.pending() == []


def test_a_message_waits_for_no_publication(queue: Queue) -> None:
    queue.submit("publication", "allocate", {})
    queue.submit("message", "notify", {})
    assert queue.launched() == ["publication", "message"]


def test_every_asset_of_all_cost_centers_is_in_the_pool_of_publications(site: Site) -> None:
    made = [asset for asset in site.definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]
    pools = {key.to_user_string(): asset.op.pool for asset in made for key in asset.keys}
    assert {name for name, pool in pools.items() if pool == PUBLISHING_POOL} == {*FOLLOWING} - {"notifications"}
    assert {pool for pool in pools.values() if pool} == {PUBLISHING_POOL}


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"dagster/partition": "acme|2026-11-21"}, "acme"),
        (
            {
                "dagster/asset_partition_range_start": "acme|2026-11-01",
                "dagster/asset_partition_range_end": "acme|2026-11-21",
            },
            "acme",
        ),
        # All days of two cost centers, one after the other: no cost center's turn.
        (
            {
                "dagster/asset_partition_range_start": "acme|2026-11-01",
                "dagster/asset_partition_range_end": "globex|2026-11-21",
            },
            None,
        ),
        ({"dagster/partition": "2026-11-21"}, None),
        ({COST_CENTER_TAG: "globex", "dagster/partition": "acme|2026-11-21"}, None),
        ({}, None),
    ],
)
def test_the_partitions_of_a_run_name_its_cost_center(tags: dict[str, str], name: str | None) -> None:
    assert queued_cost_center(tags) == name


def test_a_run_launched_over_a_code_server_on_another_host_is_ours_by_its_code(site: Site) -> None:
    """Such a run has no tag of ours where the UI materialized assets, and its location is an address."""
    job = site.definitions.resolve_job_def("refresh")
    for module, own in (("circleci_cost.definitions", True), ("other.definitions", False)):
        run = site.instance.create_run_for_job(
            job, remote_job_origin=_served("refresh"), job_code_origin=_code("refresh", module)
        )
        assert is_own(run._replace(tags=dict.fromkeys(run.tags.keys() - {LAUNCHED_BY}, ""))) is own


def _served(job: str) -> Any:
    """The origin of a job of a code server on another host."""
    server = GrpcServerCodeLocationOrigin(host="user-code", port=3030, location_name="circleci_cost")
    return RemoteJobOrigin(RemoteRepositoryOrigin(server, "__repository__"), job)


def _code(job: str, module: str = "circleci_cost.definitions") -> Any:
    """The origin of a job in the code server."""
    repository = ReconstructableRepository(ModuleCodePointer(module, "defs", None))
    return repository.get_reconstructable_job(job).get_python_origin()
