"""What users do with a deployment: look, backfill months, change a price, let the schedule run, lose a worker.

What is looked at is served by the code location alone. A deployment is started with CIRCLECI_COST_LONG=1 only: it takes
a minute of a processor before anything is done with it. It serves all other tests; each uses a cost center or days of
its own. 13 months are backfilled, the oldest of them beyond the API's reach.
"""

import math
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.circleci import newest_day
from circleci_cost.clock import SystemClock
from circleci_cost.defs.partitions import partition_key, range_tags
from circleci_cost.simulator import Fault, Simulator, SimulatorServer
from circleci_cost_tests.e2e.deployment import Deployment, deployed, served
from circleci_cost_tests.pipeline.harness import Price, hooli, initech, published_table, toml
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import PAYING, scenario
from circleci_cost_tests.simulator_faults import connection_actions as broken

pytestmark = pytest.mark.timeout(900)

TODAY = datetime.now(UTC).date()
LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
# 13 months are 13 windows of at most 31 days.
HISTORY = [TODAY - timedelta(days=n) for n in range(396, 0, -1)]
# The API reaches 366 days back, and a day less if midnight comes in between.
REACHABLE = HISTORY[-365:]
# CircleCI restates younger days: what an export says about them depends on its hour.
SETTLED = TODAY - timedelta(days=4)
_REMARK = re.compile(r"(\d+) days are priced at a former rate \(hooli: (\d{4}-\d\d-\d\d)\b.*\): backfill daily_costs")


@dataclass
class Site:
    """A deployment, the simulator that it asks, and its configuration file."""

    deployment: Deployment
    simulator: Simulator
    base_url: str

    def configure(self, *hooli_prices: Price, daily_at: str = "10:30") -> None:
        """Write the configuration anew and load it."""
        centers = initech() | hooli(*hooli_prices)
        text = toml(self.base_url, centers, HISTORY[0], more=f'daily_at = "{daily_at}"')
        (self.deployment.folder / "circleci_cost.toml").write_text(text)
        self.deployment.reload()

    def costs(self, cost_center: str) -> pl.DataFrame:
        """The published costs of a cost center's settled days."""
        if not (self.deployment.lake.published / "current.json").exists():
            return pl.DataFrame(schema={"cost_center": pl.String, "date": pl.Date})
        table = published_table(self.deployment.lake, "daily_costs")
        return table.filter(pl.col("cost_center") == cost_center, pl.col("date") <= SETTLED)

    def expected(self, *prices: Price) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """What the settled days of hooli cost."""
        return expected_costs(self.simulator.scenario, hooli(*prices), REACHABLE[0], SETTLED, datetime.now(UTC))

    def ended(self, backfill: str, runs: int) -> bool:
        """Whether so many runs of a backfill have ended; Dagster itself looks every 30 s only."""
        backfill_runs = self.deployment.runs({"dagster/backfill": backfill})
        assert not [run for run in backfill_runs if run["status"] == "FAILURE"], self.deployment.log[-5000:]
        return [run["status"] for run in backfill_runs] == ["SUCCESS"] * runs


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("deployment")
    simulator = Simulator(scenario(30.0), clock=SystemClock(), parts=1, posts_per_hour=1000, gets_per_minute=1000)
    with SimulatorServer(simulator) as server:
        configuration = folder / "circleci_cost.toml"
        configuration.write_text(toml(server.base_url, initech() | hooli(), HISTORY[0]))
        with deployed(folder, configuration) as deployment:
            yield Site(deployment, simulator, server.base_url)


def test_the_graph_shows_the_assets_and_their_dependencies(tmp_path: Path) -> None:
    """Of the repository's own `dagster.yaml` and `workspace.yaml`."""
    configuration = tmp_path / "circleci_cost.toml"
    configuration.write_text(toml("https://circleci.example/api/v2", initech() | hooli(), HISTORY[0]))
    nodes = served(
        tmp_path,
        configuration,
        "{ assetNodes { assetKey { path } groupName isPartitioned dependencyKeys { path } } }",
    )
    actual = {
        node["assetKey"]["path"][0]: (
            node["groupName"],
            node["isPartitioned"],
            {key["path"][0] for key in node["dependencyKeys"]},
        )
        for node in nodes
    }
    assert actual == {
        "usage_exports": ("ingest", True, set()),
        "job_runs": ("ingest", True, {"usage_exports"}),
        "pricing_periods": ("costs", False, set()),
        "daily_costs": ("costs", True, {"job_runs", "pricing_periods"}),
        "allocated_costs": ("allocation", False, {"daily_costs"}),
        "cost_forecast": ("budgets", False, {"allocated_costs", "daily_costs"}),
        "budget_status": ("budgets", False, {"allocated_costs", "cost_forecast", "daily_costs"}),
        "credit_ledger": ("credits", False, {"cost_forecast", "daily_costs"}),
        "reconciliation": ("credits", False, {"credit_ledger", "daily_costs"}),
        "infrastructure_costs": ("infrastructure", False, set()),
        "cost_anomalies": ("analysis", False, {"allocated_costs", "daily_costs"}),
        "anomaly_drivers": ("analysis", False, {"cost_anomalies", "daily_costs", "infrastructure_costs"}),
        "cost_correlations": ("analysis", False, {"daily_costs", "infrastructure_costs"}),
        "class_advice": ("efficiency", False, {"daily_costs", "job_runs"}),
        "waste": ("efficiency", False, {"daily_costs"}),
        "published": (
            "publishing",
            False,
            {
                "daily_costs",
                "pricing_periods",
                "allocated_costs",
                "cost_forecast",
                "budget_status",
                "credit_ledger",
                "reconciliation",
                "cost_anomalies",
                "anomaly_drivers",
                "infrastructure_costs",
                "cost_correlations",
                "class_advice",
                "waste",
            },
        ),
        "cost_center_days": ("publishing", True, {"published"}),
        "focus_export": ("publishing", False, {"published"}),
        "notifications": ("publishing", False, {"published"}),
    }


@pytest.mark.skipif(not LONG, reason="two CPU minutes, whose parts pipeline and cli test; CIRCLECI_COST_LONG=1")
def test_months_are_backfilled_a_price_change_repaired_and_the_schedule_ticks(site: Site) -> None:
    deployment, keys = site.deployment, [partition_key("hooli", day) for day in HISTORY]
    runs = math.ceil(len(HISTORY) / 31)
    ingest = deployment.backfill(["usage_exports", "job_runs"], keys)
    deployment.until(lambda: site.ended(ingest, runs), 240)
    # One run is at most one export job, and nothing was asked for twice. The days beyond the API's reach are said.
    exports = len(site.simulator.log.of("create"))
    assert (runs, exports) == (13, 12)
    assert set(REACHABLE) <= set(deployment.lake.job_runs_days("hooli")) <= set(HISTORY[-366:])

    first_costs = deployment.launch("reprice", range_tags("hooli", REACHABLE[0], REACHABLE[-1]))
    deployment.until(lambda: deployment.status(first_costs) == "SUCCESS")
    assert found_costs(site.costs("hooli").to_dicts()) == site.expected(Price("0.0006", "2022-01-01"))

    # f098: an edited price is taken up by the sensor, its days are named, one run repairs them.
    changed = REACHABLE[20]
    prices = (Price("0.0006", "2022-01-01", f"{changed - timedelta(days=1)}"), Price("0.00055", f"{changed}"))
    tick = datetime.now(UTC) + timedelta(seconds=80)
    site.configure(*prices, daily_at=f"{tick:%H:%M}")
    remark = deployment.until(lambda: _REMARK.match(deployment.remark("daily_costs", "prices_up_to_date")))
    days = site.costs("hooli").filter(pl.col("date") >= changed)["date"]
    # Four days are too young to be compared here; on a busy machine the schedule has priced its four days by now.
    assert abs(int(remark[1]) - days.n_unique()) <= 4
    assert date.fromisoformat(remark[2]) == days.min()
    repair = deployment.backfill(["daily_costs"], [partition_key("hooli", day) for day in REACHABLE if day >= changed])
    # One run per cost center, however many days.
    deployment.until(lambda: site.ended(repair, 1))
    # The sensor publishes what a backfill has changed.
    expected = site.expected(*prices)
    deployment.until(lambda: found_costs(site.costs("hooli").to_dicts()) == expected)

    # The schedule's own runs: one per cost center, over the last four days.
    tags = {"dagster/schedule_name": "daily_refresh"}
    deployment.until(lambda: [run["status"] for run in deployment.runs(tags)] == ["SUCCESS"] * 2)
    newest = newest_day(datetime.now(UTC))
    first = newest - timedelta(days=3)
    ranges = [range_tags(name, first, newest) for name in ("hooli", "initech")]
    actual = [{key: run["tags"][key] for key in ranges[0]} for run in deployment.runs(tags)]
    assert sorted(actual, key=str) == sorted(ranges, key=str)
    # What follows is made by the sensor, once for both.
    wanted = [first + timedelta(days=n) for n in range(4)]

    def published() -> list[date]:
        days = published_table(deployment.lake, "usage_days").filter(pl.col("cost_center") == "initech")
        return list(days["date"])

    deployment.until(lambda: published() == wanted)
    # Neither the prices nor the schedule made anything but the last days be asked for again.
    assert [job.request.first_day for job in site.simulator.jobs][exports:] == [first, first]


@pytest.mark.skipif(not LONG, reason="it waits a minute for the code server to notice; CIRCLECI_COST_LONG=1")
def test_a_killed_worker_is_noticed_by_its_code_server_and_its_run_repeated(site: Site) -> None:
    deployment, simulator = site.deployment, site.simulator
    simulator.faults.add(Fault("poll", broken.Hang(), None, path_contains=PAYING))
    first, last = TODAY - timedelta(days=12), TODAY - timedelta(days=10)
    run = deployment.launch("refresh", range_tags("initech", first, last))
    hung = deployment.until(lambda: [job for job in simulator.jobs if job.request.first_day == first])
    worker = deployment.until(lambda: _worker(deployment, run))
    os.kill(worker, signal.SIGKILL)
    simulator.faults.clear()
    again = {"dagster/parent_run_id": run}
    deployment.until(lambda: [each["status"] for each in deployment.runs(again)] == ["SUCCESS"])
    assert deployment.status(run) == "FAILURE"
    # The repeated run took the export job of the killed one up again.
    assert [job.id for job in simulator.jobs if job.request.first_day == first] == [hung[0].id]
    table = published_table(deployment.lake, "daily_costs")
    actual = table.filter(pl.col("cost_center") == "initech", pl.col("date").is_between(first, last))
    assert found_costs(actual.to_dicts()) == expected_costs(
        simulator.scenario, initech(), first, last, datetime.now(UTC)
    )


def _worker(deployment: Deployment, run: str) -> int | None:
    """The process that executes a run, from its log."""
    for message in deployment.messages(run):
        match = re.search(r"Executing steps in process \(pid: (\d+)\)", message)
        if match:
            return int(match[1])
    return None
