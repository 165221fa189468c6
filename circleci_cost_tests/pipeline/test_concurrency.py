"""Runs and readers beside each other: the same totals as undisturbed, and never two generations mixed."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.clock import SystemClock
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.turns import turn
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.pipeline.harness import (
    Site,
    assert_equal_contents,
    contents,
    hooli,
    initech,
    running,
)
from circleci_cost_tests.pipeline.processes import Task, ended, start, work
from circleci_cost_tests.pipeline.scenarios import NOW, YESTERDAY
from circleci_cost_tests.warehouse_tables import open_tables, publish_tables

FIRST = date(2024, 3, 5)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pl.DataFrame]]:
    """What one run by itself comes to."""
    with running(tmp_path_factory.mktemp("undisturbed")) as site:
        site.refresh("initech", FIRST, YESTERDAY)
        yield contents(site.lake, initech())


def _tasks(site: Site, *firsts: date) -> list[Task]:
    return [Task(site.configuration, NOW, "initech", first, YESTERDAY) for first in firsts]


def test_f089_two_runs_of_the_same_partitions(site: Site, undisturbed: dict[str, pl.DataFrame]) -> None:
    processes = [start(work, task) for task in _tasks(site, FIRST, FIRST)]
    assert [ended(process) for process in processes] == [0, 0]
    assert_equal_contents(contents(site.lake, initech()), undisturbed)


def test_f090_a_backfill_beside_the_schedules_run(site: Site, undisturbed: dict[str, pl.DataFrame]) -> None:
    look_back = YESTERDAY - timedelta(days=3)
    processes = [start(work, task) for task in _tasks(site, FIRST, look_back)]
    assert [ended(process) for process in processes] == [0, 0]
    assert_equal_contents(contents(site.lake, initech()), undisturbed)


def read_again_and_again(root: Path, seen: Any, stop: Any) -> None:
    """Read whatever generation is current; put (its name, whether all of its sums agree) into `seen`."""
    while not stop.is_set():
        generation = current_generation(Lake(root))
        with generation.connect() as connection:
            rows = connection.sql(
                "SELECT (SELECT sum(credits) FROM daily_costs), (SELECT sum(credits) FROM usage_days), "
                "(SELECT sum(cost_usd) FROM daily_costs), (SELECT min(price_per_credit) FROM daily_costs), "
                "(SELECT min(price_per_credit) FROM pricing_periods)"
            ).fetchall()
        files = pl.read_parquet(generation.parquet("daily_costs"))
        ((credits, counted, cost, price, period),) = rows
        manifest = generation.manifest
        whole = (
            (credits, cost)
            == (manifest.credits, manifest.cost_usd)
            == (files["credits"].sum(), files["cost_usd"].sum())
            and credits == counted
            and price == period
        )
        seen.put((manifest.generation, whole))


def test_f091_a_reader_never_sees_two_generations_mixed(site: Site) -> None:
    """Each generation has another price; the reader compares all tables and files of what it has opened."""
    site.refresh("initech", YESTERDAY - timedelta(days=3), YESTERDAY)
    context = get_context("forkserver")
    seen, stop = context.Queue(), context.Event()
    reader = start(read_again_and_again, site.lake.root, seen, stop)
    days = site.lake.job_runs_days("initech")
    clock = SystemClock()
    names: set[str] = set()
    generations: set[str] = set()
    deadline = time.monotonic() + 60
    with open_tables(site.lake) as connection:
        while time.monotonic() < deadline and not (len(names) >= 6 and len(generations) >= 4):
            price = f"0.000{1 + len(names) % 8}"
            period = PricePeriod("initech", date(2022, 1, 1), None, Decimal(price))
            write_prices(connection, [period], site.history_start, YESTERDAY)
            write_daily_costs(
                connection, site.lake, "initech", days, clock.now(), history_start=days[0], restatement_days=4
            )
            restatements = read_restatements(site.lake, ["initech"])
            names.add(publish_tables(connection, site.lake, restatements, clock.now()).manifest.generation)
            while not seen.empty():
                generation, whole = seen.get()
                assert whole, f"{generation} is not whole"
                generations.add(generation)
    stop.set()
    while reader.is_alive() or not seen.empty():
        if not seen.empty():
            assert seen.get()[1]
    assert ended(reader) == 0
    assert len(generations) >= 4


def test_a_cost_center_waits_for_its_own_readers_and_for_no_others(site: Site) -> None:
    site.centers = initech() | hooli()
    first = YESTERDAY - timedelta(days=1)

    def task(name: str) -> Task:
        return Task(site.configuration, NOW, name, first, YESTERDAY)

    with turn(site.lake.reading_lock("hooli")):
        waiting = start(work, task("hooli"))
        assert ended(start(work, task("initech"))) == 0
        assert site.lake.job_runs_days("initech") == [first, YESTERDAY]
        waiting.join(3)
        assert waiting.exitcode is None
        assert site.lake.job_runs_days("hooli") == []
    assert ended(waiting) == 0
    assert site.lake.job_runs_days("hooli") == [first, YESTERDAY]
