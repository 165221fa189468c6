"""Two hosts, one of which is killed and the other one cut off in the middle: the sums are those of one host.

With CIRCLECI_COST_LONG=1, twenty cost centers and a year of days. Without PostgreSQL or Redis nothing of it runs, which
the end of the session says loudly.
"""

import os
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
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
from circleci_cost_tests.simulator_faults.connection_actions import Hang

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
TODAY = datetime.now(UTC).date()
# CircleCI restates younger days: what an export says about them depends on its hour.
LAST = TODAY - timedelta(days=5)
# The API reaches 366 days back.
FIRST = LAST - timedelta(days=360 if LONG else 1)
# Cost centers beside the two whose hosts come to harm; they wait in the queue meanwhile.
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


def test_one_host_is_killed_and_the_other_cut_off_and_the_sums_are_those_of_one_host(tmp_path: Path) -> None:
    source = organizations()
    simulator = Simulator(source, clock=SystemClock(), parts=1, posts_per_hour=10_000, gets_per_minute=10_000)
    centers = initech() | hooli() | {name: Center(organization_id(name)) for name in MORE}
    with cluster(tmp_path, simulator, centers, FIRST, str(tmp_path / "data"), "a", "b") as hosts:
        for host in hosts.network.hosts:
            hosts.start_worker(host)
        held = {organization: Hang(600) for organization in (PAYING, OTHER)}
        # Each poll until then: one that is given up is repeated, and the other worker may take longer to start.
        polls = [Fault("poll", hang, None, path_contains=organization) for organization, hang in held.items()]
        for fault in polls:
            simulator.faults.add(fault)
        killed, cut, *others = (hosts.launch_days("refresh", PRICED, name, FIRST, LAST) for name in centers)
        hosts.until(lambda: all(fault.injected for fault in polls))
        dying, lonely = hosts.host_of(killed), hosts.host_of(cut)
        assert dying.name != lonely.name

        lonely.cut()
        dying.die()
        # A killed process is dead once the system has taken it apart.
        dead = hosts.until(lambda: end_dead_runs_of(hosts))
        assert [each.run.run_id for each in dead] == [killed]
        for hang in held.values():
            hang.release()
        time.sleep(1)
        assert hosts.status(cut) is dg.DagsterRunStatus.STARTED
        lonely.join()
        hosts.start_worker(dying)
        again = hosts.launch_days("refresh", PRICED, "initech", FIRST, LAST)
        hosts.succeed(cut, again, *others)
        hosts.succeed(hosts.launch("allocate", ["published"]))
        lake = open_lake(hosts.settings.data_dir)
        actual = contents(lake, centers)
        expected = contents(on_one_host(hosts, tmp_path / "one", centers), centers)
    assert actual["daily_costs"].height > 0
    assert actual["daily_costs"]["cost_center"].n_unique() == len(centers)
    assert_equal_contents(actual, expected)


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
