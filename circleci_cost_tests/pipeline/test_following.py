"""What follows daily costs in the pipeline: allocation, forecasts and budgets, and what an edited rule does."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import dagster as dg
import polars as pl
import pytest

from circleci_cost import assets
from circleci_cost_tests.pipeline.harness import PRICED, Site, checks, metadata, running
from circleci_cost_tests.pipeline.scenarios import YESTERDAY

FIRST = YESTERDAY - timedelta(days=20)
TEAMS = """
[[virtual_tags]]
name = "team"
min_coverage = 0.5
[[virtual_tags.rules]]
value = "web"
where = { project = "web" }
[[virtual_tags.rules]]
value = "backend"
where = { project = "api", organization = "initech" }
[[virtual_tags.rules]]
value = "platform"
where = { organization = "initech-labs" }
[[virtual_tags.splits]]
value = "platform"
method = "telemetry"
by = "minutes"
"""
BUDGETS = """
[[budgets]]
name = "all"
amount = 100000
[[budgets]]
name = "web"
parent = "all"
amount = 0.01
where = { team = "web" }
[[budgets]]
name = "weekly"
period = "week"
unit = "credits"
seats = false
amount = 1
"""


def _sums(frame: pl.DataFrame) -> dict[date, tuple[Decimal, Decimal, int, int]]:
    sums = frame.group_by("date").agg(pl.sum("cost_usd"), pl.sum("credits"), pl.sum("jobs"), pl.sum("runs"))
    return {row[0]: row[1:] for row in sums.rows()}


class Allocated(NamedTuple):
    """A site whose costs are allocated, its run, and what that published: the tests below allocate anew."""

    site: Site
    result: dg.ExecuteInProcessResult
    tables: dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Allocated]:
    with running(tmp_path_factory.mktemp("allocated")) as site:
        site.sections = TEAMS + BUDGETS
        result = site.run("refresh", "initech", FIRST, YESTERDAY)
        names = ("allocated_costs", "daily_costs", "budget_status")
        yield Allocated(site, result, {name: site.table(name) for name in names})


@pytest.fixture
def allocated_site(refreshed: Allocated) -> Site:
    refreshed.site.sections = TEAMS
    return refreshed.site


def test_teams_add_up_and_budgets_know_what_was_spent(refreshed: Allocated) -> None:
    _, result, tables = refreshed
    allocated, costs = tables["allocated_costs"], tables["daily_costs"]
    assert _sums(allocated) == _sums(costs)
    assert set(allocated["value"]) == {"web", "backend", "platform"}
    # Money of the shared platform went to the others, and its runs stayed.
    platform = allocated.filter(value="platform")
    assert platform["cost_usd"].sum() == 0
    assert platform["runs"].sum() == costs.filter(organization="initech-labs")["runs"].sum() > 0

    status = {row["budget"]: row for row in tables["budget_status"].filter(period="2024-03").to_dicts()}
    in_march = costs.filter(pl.col("date") >= date(2024, 3, 1))
    assert status["all"]["actual"] == in_march["cost_usd"].sum()
    assert (status["all"]["status"], status["web"]["status"]) == ("on_track", "over_budget")
    web = allocated.filter(pl.col("date") >= date(2024, 3, 1), value="web")
    assert status["web"]["actual"] == web["cost_usd"].sum()
    week = tables["budget_status"].filter(budget="weekly", period="2024-W11").row(0, named=True)
    monday = costs.filter(pl.col("date") >= date(2024, 3, 11))
    assert week["actual"] == (monday["credits"] - monday["user_credits"]).sum()

    shown = metadata(result, "budget_status")
    assert (shown["on_track"], shown["over_budget"]) == (1, 2)
    assert "| · web | over budget | $0.01 |" in shown["budgets"]
    assert metadata(result, "allocated_costs")["coverage_team"] == 1.0
    # Three weeks hold no whole month to test a forecast on.
    forecast = metadata(result, "cost_forecast")
    assert forecast["method_USD"] == "mean"
    assert forecast["backtest_USD"].splitlines()[0] == "| method | 80 % range held | 95 % range held | tests |"
    results = checks(result)
    assert {name: results[name].passed for name in ("nothing_lost", "allocation_coverage", "budgets_kept")} == {
        "nothing_lost": True,
        "allocation_coverage": True,
        "budgets_kept": False,
    }
    assert results["budgets_kept"].description == "web (over budget); weekly (over budget)"


def test_an_edited_rule_is_applied_without_fetching_or_pricing(allocated_site: Site) -> None:
    site = allocated_site
    before, requests = site.table("usage_days"), len(site.simulator.log)
    site.sections = TEAMS.replace('value = "web"', 'value = "frontend"')

    site.run_whole("allocate")

    assert "frontend" in set(site.table("allocated_costs")["value"])
    assert site.table("usage_days").equals(before)
    assert len(site.simulator.log) == requests


def test_a_mapping_file_that_cannot_be_read_withholds_its_values_until_it_is_mended(allocated_site: Site) -> None:
    site = allocated_site
    before = _sums(site.table("daily_costs"))
    mapping = site.folder / "teams.csv"
    mapping.write_text("projct,value\nweb,frontend\n")
    site.sections = TEAMS + '[[virtual_tags.mappings]]\nfile = "teams.csv"\n'

    unusable = checks(site.run_whole("allocate"))["tag_files_readable"]

    assert not unusable.passed
    assert unusable.description is not None
    assert f"{mapping}, line 1" in unusable.description
    assert "did you mean 'project'?" in unusable.description
    assert _sums(site.table("allocated_costs")) == before
    # The next run takes the mended file.
    mapping.write_text("project,value\nweb,frontend\n")
    assert checks(site.run_whole("allocate", only=["allocated_costs"]))["tag_files_readable"].passed


def test_a_publication_after_another_runs_costs_holds_their_teams_too(site: Site) -> None:
    """Runs of several cost centers take turns: daily costs may change between an allocation and its publication."""
    site.sections = TEAMS + BUDGETS
    made = (*PRICED, "allocated_costs", "cost_forecast", "budget_status")
    site.run("refresh", "initech", FIRST, YESTERDAY - timedelta(days=1), only=made)
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["usage_exports", "job_runs", "daily_costs"])

    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["published"])

    allocated, costs = site.table("allocated_costs"), site.table("daily_costs")
    assert costs["date"].max() == YESTERDAY
    assert _sums(allocated) == _sums(costs)
    in_march = costs.filter(pl.col("date") >= date(2024, 3, 1))
    status = site.table("budget_status").filter(budget="all", period="2024-03").row(0, named=True)
    assert (status["actual"], status["data_through"]) == (in_march["cost_usd"].sum(), YESTERDAY)


# What is made again after daily costs; files of infrastructure do not follow them.
FOLLOWING = set(assets.FOLLOWING) - {"infrastructure_costs"}


def test_the_sensor_makes_what_follows_edited_rules_and_budgets_and_a_backfill_of_daily_costs_once(site: Site) -> None:
    """Each asset is requested once, in one run, and what was made asks for nothing more."""
    site.sections = TEAMS + BUDGETS
    site.run("refresh", "initech", FIRST, YESTERDAY)
    *_, cursor = site.requested()
    names, requested, cursor = site.requested(cursor)
    assert (names, requested) == (set(), 0)

    site.sections = TEAMS.replace('value = "web"', 'value = "frontend"') + BUDGETS
    names, requested, cursor = site.requested(cursor)
    allocated = FOLLOWING - {"cost_correlations", "class_advice", "waste"}
    assert (names, requested) == (allocated, len(allocated))
    site.run_whole("allocate")
    names, requested, cursor = site.requested(cursor)
    assert (names, requested) == (set(), 0)

    site.sections = site.sections.replace("amount = 100000", "amount = 90000")
    names, requested, cursor = site.requested(cursor)
    ahead = {"cost_forecast", "budget_status", "credit_ledger", "reconciliation", "published"}
    ahead |= {"focus_export", "notifications"}
    assert (names, requested) == (ahead, len(ahead))

    site.run("reprice", "initech", FIRST, YESTERDAY, only=["daily_costs"])
    names, _, cursor = site.requested(cursor)
    assert names == FOLLOWING
    # Between two ticks: made, and then daily costs changed once more.
    site.run_whole("allocate")
    site.run("reprice", "initech", FIRST, FIRST, only=["daily_costs"])
    names, _, cursor = site.requested(cursor)
    assert names == FOLLOWING
    site.run_whole("allocate")
    assert site.requested(cursor)[0] == set()


def test_the_standing_checks_are_made_every_day_although_nothing_runs(site: Site) -> None:
    """A fetch that fails ends the run before the checks: gaps would go unnoticed as long as it fails."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    requests = []
    cursor = None
    for at in (noon - timedelta(hours=1), noon - timedelta(minutes=1), noon, noon + timedelta(days=3)):
        names, requested, cursor = site.requested(cursor, at=at)
        assert "job_runs" not in names
        requests.append(requested)
    # The first look asks for what was never made, here and without the checks.
    assert requests[1:] == [0, 4, 4]
