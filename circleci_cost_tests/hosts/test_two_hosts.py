"""Two hosts, one of which is killed and the other one cut off in the middle: the sums are those of one host.

With CIRCLECI_COST_LONG=1, twenty cost centers and a year of days. Without PostgreSQL or Redis nothing of it runs, which
the end of the session says loudly.
"""

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from circleci_cost.clock import SystemClock
from circleci_cost.config.settings import read_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.dead_runs import DeadRun, end_dead_runs
from circleci_cost.defs.partitions import range_tags
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.simulator import Fault, Scenario, Simulator
from circleci_cost_tests.hosts.cluster import CODE, Cluster, cluster
from circleci_cost_tests.hosts.network import Host
from circleci_cost_tests.hosts.services import PASSWORD, missing
from circleci_cost_tests.pipeline.harness import (
    PRICED,
    Center,
    assert_equal_contents,
    contents,
    ephemeral_instance,
    hooli,
    initech,
    materialize,
)
from circleci_cost_tests.pipeline.scenarios import OTHER, PAYING, scenario
from circleci_cost_tests.s3_server import S3Server
from circleci_cost_tests.simulator_faults.connection_actions import Hang

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
TODAY = datetime.now(UTC).date()
# CircleCI restates younger days: what an export says about them depends on its hour.
LAST = TODAY - timedelta(days=5)
# The API reaches 366 days back.
FIRST = LAST - timedelta(days=360 if LONG else 1)
# Cost centers beside the two whose hosts come to harm; they are to be done after it.
MORE = [f"center-{number:02}" for number in range(18 if LONG else 0)]

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=f"NO SEVERAL HOSTS: {missing()} not installed"),
    pytest.mark.timeout(7200 if LONG else 600),
    # Dagster's launcher registers its task anew for each run.
    pytest.mark.filterwarnings("ignore:Task name 'execute_job' is already registered"),
]


def organization_id(name: str) -> str:
    """The organization of one of the further cost centers."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def organizations() -> Scenario:
    """The organizations of the usual scenario, and one for each further cost center."""
    of = scenario()
    (small,) = (each for each in of.organizations if each.id == OTHER)
    more = (replace(small, id=organization_id(name), name=name, slug=f"gh/{name}") for name in MORE)
    return replace(of, organizations=(*of.organizations, *more))


@dataclass
class Harm:
    """A run on each of two hosts, in the middle of a poll until `release`."""

    hosts: Cluster
    centers: Mapping[str, Center]
    killed: str
    cut: str
    polls: Mapping[str, Hang]

    def do(self) -> tuple[Host, Host]:
        """Kill one of the hosts and cut the other one off; return them."""
        dying, lonely = self.hosts.host_of(self.killed), self.hosts.host_of(self.cut)
        assert dying.name != lonely.name
        lonely.cut()
        dying.die()
        return dying, lonely

    def release(self) -> None:
        """Let CircleCI answer the polls."""
        for hang in self.polls.values():
            hang.release()

    def refresh(self, *cost_centers: str) -> list[str]:
        """Start runs of cost centers; their ids."""
        return [self.hosts.launch_days("refresh", PRICED, name, FIRST, LAST) for name in cost_centers]

    def assert_as_on_one_host(self, folder: Path) -> None:
        """Publish, and compare every table with that of one host alone."""
        self.hosts.succeed(self.hosts.launch("allocate", ["published"]))
        actual = contents(open_lake(self.hosts.settings.data_dir), self.centers)
        expected = contents(on_one_host(self.hosts, folder, self.centers), self.centers)
        assert actual["daily_costs"].height > 0
        assert actual["daily_costs"]["cost_center"].n_unique() == len(self.centers)
        assert_equal_contents(actual, expected)


@contextmanager
def harm(folder: Path, data_dir: str, store: S3Server | None = None) -> Iterator[Harm]:
    """Two hosts, of which each executes a run that CircleCI lets wait."""
    source = organizations()
    simulator = Simulator(source, clock=SystemClock(), parts=1, posts_per_hour=10_000, gets_per_minute=10_000)
    centers = initech() | hooli() | {name: Center(organization_id(name)) for name in MORE}
    with cluster(folder, simulator, centers, FIRST, data_dir, "a", "b", store=store) as hosts:
        for host in hosts.network.hosts:
            hosts.start_worker(host)
        held = {organization: Hang(600) for organization in (PAYING, OTHER)}
        # Each poll until then: one that is given up is repeated, and the other worker may take longer to start.
        polls = [Fault("poll", hang, None, path_contains=organization) for organization, hang in held.items()]
        for fault in polls:
            simulator.faults.add(fault)
        killed, cut = (hosts.launch_days("refresh", PRICED, name, FIRST, LAST) for name in (*initech(), *hooli()))
        hosts.until(lambda: all(fault.injected for fault in polls))
        yield Harm(hosts, centers, killed, cut, held)


def test_one_host_is_killed_and_the_other_cut_off_and_the_sums_are_those_of_one_host(tmp_path: Path) -> None:
    with harm(tmp_path, str(tmp_path / "data")) as harmed:
        hosts = harmed.hosts
        dying, lonely = harmed.do()
        # A killed process is dead once the system has taken it apart.
        dead = hosts.until(lambda: end_dead_runs_of(hosts))
        assert [each.run.run_id for each in dead] == [harmed.killed]
        harmed.release()
        time.sleep(1)
        assert hosts.status(harmed.cut) is dg.DagsterRunStatus.STARTED
        lonely.join()
        hosts.start_worker(dying)
        hosts.succeed(harmed.cut, *harmed.refresh("initech", *MORE))
        harmed.assert_as_on_one_host(tmp_path / "one")


def test_hosts_of_an_object_store_that_are_away_for_longer_than_their_leases_write_nothing_more(
    tmp_path: Path, s3: S3Server
) -> None:
    with harm(tmp_path, f"s3://{s3.new_bucket()}/costs", s3) as harmed:
        hosts = harmed.hosts
        dying, lonely = harmed.do()
        # Nobody can tell a host that is cut off from one that is dead, once its leases have run out.
        ended = {harmed.killed, harmed.cut}
        dead: list[DeadRun] = []
        while len(dead) < len(ended):
            dead += hosts.until(lambda: end_dead_runs_of(hosts))
        assert {each.run.run_id for each in dead} == ended
        harmed.release()
        lonely.join()
        hosts.start_worker(dying)
        # The process of the ended run goes on meanwhile, and finds its turn taken.
        hosts.succeed(*harmed.refresh("initech", "hooli", *MORE))
        assert {hosts.status(run_id) for run_id in ended} == {dg.DagsterRunStatus.FAILURE}
        harmed.assert_as_on_one_host(tmp_path / "one")


@pytest.mark.skipif(not LONG, reason="a step of a run takes seconds to start; CIRCLECI_COST_LONG=1")
@pytest.mark.filterwarnings("ignore:Task name 'execute_plan' is already registered")
def test_steps_go_to_a_worker_where_the_configuration_says_so(tmp_path: Path) -> None:
    """The run itself is a process beside the code server, here this one: Celery lets no task wait for another one."""
    simulator = Simulator(scenario(), clock=SystemClock(), parts=1, posts_per_hour=10_000, gets_per_minute=10_000)
    data_dir, sections = str(tmp_path / "data"), '[dagster]\nexecutor = "celery"\n'
    with cluster(tmp_path, simulator, hooli(), LAST, data_dir, "a", sections=sections) as hosts:
        hosts.start_worker(hosts.network.hosts[0])
        result = dg.execute_job(
            CODE.get_reconstructable_job("reprice"),
            hosts.instance,
            asset_selection=[dg.AssetKey("pricing_periods")],
        )
        messages = [entry.message for entry in hosts.instance.all_logs(result.run_id)]
        assert result.success, messages
        assert any("Executing steps pricing_periods in celery worker" in message for message in messages)
        assert not [message for message in messages if PASSWORD in message]


def end_dead_runs_of(hosts: Cluster) -> list[DeadRun]:
    """End dead runs, as the sensor does."""
    return end_dead_runs(hosts.instance, hosts.settings, open_lake(hosts.settings.data_dir), SystemClock())


def on_one_host(hosts: Cluster, folder: Path, centers: Iterable[str]) -> Lake:
    """The data directory of this process alone, of the same exports."""
    folder.mkdir()
    text = (hosts.folder / "circleci_cost.toml").read_text()
    configuration = folder / "circleci_cost.toml"
    configuration.write_text(text.replace(str(hosts.settings.data_dir), str(folder / "data")))
    settings = read_settings(configuration)
    definitions = build_definitions(settings)
    with ephemeral_instance() as instance:
        for name in centers:
            materialize(definitions, instance, PRICED, range_tags(name, FIRST, LAST))
        materialize(definitions, instance, ["published"], {})
    return open_lake(settings.data_dir)
