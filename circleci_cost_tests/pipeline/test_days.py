"""Which days a run covers: windows, edges of months and years, empty days, days that nobody can serve."""

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from circleci_cost.days import days_between
from circleci_cost.history.coverage import daily_windows
from circleci_cost.simulator import Simulator
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.pipeline.harness import (
    COSTS,
    PRICED,
    Site,
    assert_equal_contents,
    checks,
    contents,
    initech,
    metadata,
    running,
    utc,
)
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import NOW, YESTERDAY, EditedSource, scenario

LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"


def _windows(simulator: Simulator) -> list[tuple[date, date]]:
    return [(job.request.first_day, job.request.last_day) for job in simulator.jobs]


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2023, 12, 30), date(2024, 1, 2)), (date(2024, 2, 27), date(2024, 3, 2))],
    ids=["the end of a year", "29 February and the end of a month"],
)
def test_f075_edges_of_the_calendar(tmp_path: Path, first: date, last: date) -> None:
    with running(tmp_path, history_start=date(2023, 12, 1)) as site:
        site.refresh("initech", first, last)
        costs = site.table("daily_costs")
        assert found_costs(costs.to_dicts()) == expected_costs(site.simulator.scenario, site.centers, first, last, NOW)
        assert site.lake.job_runs_days("initech") == [first + timedelta(days=n) for n in range((last - first).days + 1)]
        files = (current_generation(site.lake).manifest.tables or {})["daily_costs"]
        assert [file.month for file in files] == [f"{first:%Y-%m}", f"{last:%Y-%m}"]


def test_f078_one_export_job_spans_at_most_31_days(site: Site) -> None:
    site.run("ingest", "initech", date(2024, 1, 10), date(2024, 2, 9), only=["usage_exports"])
    assert _windows(site.simulator) == [(date(2024, 1, 10), date(2024, 2, 9))]
    site.run("ingest", "initech", date(2024, 1, 5), date(2024, 3, 11), only=["usage_exports"])
    # What a settled export covers is not asked for again; the rest is cut into windows.
    assert _windows(site.simulator)[1:] == [
        (date(2024, 1, 5), date(2024, 1, 9)),
        (date(2024, 2, 10), date(2024, 3, 11)),
    ]


def test_f078_days_beyond_the_reach_of_the_api_are_said_and_do_not_fail(tmp_path: Path) -> None:
    with running(tmp_path, history_start=date(2023, 3, 1)) as site:
        result = site.refresh("initech", date(2023, 3, 10), date(2023, 3, 14))
        assert _windows(site.simulator) == [(date(2023, 3, 13), date(2023, 3, 14))]
        assert metadata(result, "usage_exports")["out_of_reach"] == "2023-03-10 to 2023-03-12"
        results = checks(result)
        assert not results["export_for_each_day"].passed
        assert results["export_for_each_day"].description == "no export for 2023-03-10 to 2023-03-12"
        assert results["job_runs_for_each_day"].description == (
            "no job runs for 2023-03-10 to 2023-03-12: materialize them first"
        )
        assert results["no_gaps"].metadata["older_than_the_api_reaches"].value == "initech: 2023-03-01 to 2023-03-12"
        assert results["no_gaps"].metadata["missing"].value == "initech: 2023-03-15 to 2024-03-11"
        assert site.table("usage_days")["date"].to_list() == [date(2023, 3, 13), date(2023, 3, 14)]


def test_a_day_without_usage_gets_a_file_and_a_row(tmp_path: Path) -> None:
    empty = date(2024, 3, 9)
    source = EditedSource(scenario(), lambda rows, key: rows.filter(pl.col("JOB_RUN_DATE") != empty))
    with running(tmp_path, source=source) as site:
        result = site.run("refresh", "initech", date(2024, 3, 8), YESTERDAY)
        assert site.job_runs("initech").filter(job_run_date=empty).height == 0
        assert site.lake.job_runs_file("initech", empty).exists()
        days = site.table("usage_days").select("date", "jobs", "credits").rows()
        assert [day for day, *_ in days] == [date(2024, 3, number) for number in range(8, 12)]
        assert days[1] == (empty, 0, 0)
        failed = {name for name, evaluation in checks(result).items() if not evaluation.passed}
        assert failed == {"no_gaps", "series_long_enough"}


def test_a_window_without_any_usage_lands_and_is_published_as_zero(tmp_path: Path) -> None:
    source = EditedSource(scenario(), lambda rows, key: rows.clear())
    with running(tmp_path, source=source) as site:
        site.refresh("initech", date(2024, 3, 8), YESTERDAY)
        assert site.table("daily_costs").height == 0
        assert site.table("usage_days").select("jobs", "credits").unique().rows() == [(0, 0)]


def test_a_day_without_an_export_is_reported_and_costs_nothing_it_should_not(site: Site) -> None:
    site.refresh("initech", date(2024, 3, 8), date(2024, 3, 9))
    result = site.run("refresh", "initech", date(2024, 3, 8), YESTERDAY, only=["job_runs", "daily_costs"])
    results = checks(result)
    assert results["export_for_each_day"].description == "no export for 2024-03-10 to 2024-03-11"
    assert results["job_runs_for_each_day"].description == (
        "no job runs for 2024-03-10 to 2024-03-11: materialize them first"
    )
    assert site.lake.job_runs_days("initech") == [date(2024, 3, 8), date(2024, 3, 9)]


def test_costs_that_a_killed_run_did_not_get_to_are_computed_by_the_next_one(site: Site) -> None:
    """A run ended between the job runs and their costs: no later run was over these days again."""
    site.materialize(["usage_exports", "job_runs"], "initech", date(2024, 2, 1), date(2024, 2, 3))
    site.materialize(PRICED, "initech", date(2024, 3, 8), date(2024, 3, 9))
    site.run_whole("allocate")
    costs = site.table("daily_costs")
    of = site.simulator.scenario
    expected = expected_costs(of, site.centers, date(2024, 2, 1), date(2024, 2, 3), NOW)
    expected |= expected_costs(of, site.centers, date(2024, 3, 8), date(2024, 3, 9), NOW)
    assert found_costs(costs.to_dicts()) == expected
    assert site.table("usage_days").select("date", "settled").rows() == [
        (date(2024, 2, 1), True),
        (date(2024, 2, 2), True),
        (date(2024, 2, 3), True),
        (date(2024, 3, 8), False),
        (date(2024, 3, 9), False),
    ]
    # The same between a day that has become final and the note of that.
    site.clock.advance(timedelta(days=9))
    site.materialize(["usage_exports", "job_runs"], "initech", date(2024, 3, 8), date(2024, 3, 9))
    site.materialize(PRICED, "initech", date(2024, 3, 19), date(2024, 3, 20))
    site.run_whole("allocate")
    settled = dict(site.table("usage_days").select("date", "settled").rows())
    assert (settled[date(2024, 3, 9)], settled[date(2024, 3, 20)]) == (True, False)


def test_days_that_an_outage_left_unsettled_are_named_and_fetched_by_the_next_daily_run(tmp_path: Path) -> None:
    """Daily runs, an outage, daily runs again: two days stayed as they had been exported too early, in silence."""
    first = date(2024, 2, 20)
    with running(tmp_path, now=utc(2024, 2, 21, 12), history_start=first) as site:
        _days(site, 6)
        site.clock.advance(timedelta(days=5))
        check = site.check("job_runs", "no_unsettled_days")
        assert not check.passed
        assert check.severity is dg.AssetCheckSeverity.WARN
        assert check.description == (
            "exported while CircleCI could still restate them, so their credits may be too low: "
            "initech: 2024-02-22 to 2024-02-25; the next daily run or `circleci-cost sync` fetches them again"
        )
        _days(site, 1)
        assert site.check("job_runs", "no_unsettled_days").passed
        site.run_whole("allocate")
        yesterday = site.clock.now().date() - timedelta(days=2)
        assert found_costs(site.table("daily_costs").to_dicts()) == expected_costs(
            site.simulator.scenario, site.centers, first, yesterday, site.clock.now() - timedelta(days=1)
        )


def _days(site: Site, number: int) -> None:
    for _ in range(number):
        for window in daily_windows(site.settings, site.lake, "initech", site.clock.now()):
            site.materialize(PRICED, "initech", window.first_day, window.last_day)
        site.clock.advance(timedelta(days=1))


@pytest.mark.timeout(3 * 3600 if LONG else 600)
def test_f079_a_rebuild_equals_the_sum_of_the_daily_runs(tmp_path: Path) -> None:
    """The daily runs see each day until it is final, restated; a rebuild sees it once, when all of it is settled.

    It is rebuilt from the exports that were kept, and from fresh ones of the days that the API still serves. With
    CIRCLECI_COST_LONG=1 over 13 months, of which it serves a year, instead of over six days around 29 February.
    """
    first = date(2023, 2, 6) if LONG else date(2024, 2, 27)
    last = YESTERDAY if LONG else date(2024, 3, 3)
    start, settled = first + timedelta(days=2), last + timedelta(days=5)
    with running(tmp_path / "daily", now=utc(start.year, start.month, start.day, 12), history_start=first) as daily:
        while daily.clock.now().date() <= last + timedelta(days=1):
            for window in daily_windows(daily.settings, daily.lake, "initech", daily.clock.now()):
                daily.materialize(PRICED, "initech", window.first_day, window.last_day)
            daily.clock.advance(timedelta(days=1))
        # Four more days, so that the last ones are settled too.
        daily.advance_to(utc(settled.year, settled.month, settled.day, 12))
        daily.materialize(COSTS, "initech", last - timedelta(days=4), last)
        assert daily.table("usage_restatements").height >= 6
        expected = contents(daily.lake, initech())
        assert expected["usage_days"]["date"].to_list() == days_between(first, last)

        with running(tmp_path / "kept", now=daily.clock.now(), history_start=first) as kept:
            kept.lake.root.mkdir()
            shutil.copytree(daily.lake.root / "exports", kept.lake.root / "exports")
            _rebuild(kept, ["job_runs"], first, last)
            assert len(kept.simulator.log) == 0
            _assert_equal(contents(kept.lake, initech()), expected, first)
        with running(tmp_path / "fetched", now=daily.clock.now(), history_start=first) as fetched:
            reachable = max(first, daily.clock.now().date() - timedelta(days=365))
            _rebuild(fetched, ["usage_exports", "job_runs"], reachable, last)
            _assert_equal(contents(fetched.lake, initech()), expected, reachable)


def _rebuild(site: Site, ingested: list[str], first: date, last: date) -> None:
    for day in days_between(first, last)[::31]:
        site.materialize(ingested, "initech", day, min(last, day + timedelta(days=30)))
    site.materialize(["pricing_periods", "daily_costs", "published"], "initech", first, last)


def _assert_equal(actual: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame], first: date) -> None:
    """Compare row by row and in total; without the rates, to which a later clock adds some."""
    day_of = {"daily_costs": "date", "usage_days": "date", "job_runs initech": "job_run_date"}
    since = {name: frame.filter(pl.col(day_of[name]) >= first) for name, frame in expected.items() if name in day_of}
    assert_equal_contents({name: actual[name] for name in since}, since)
    totals = pl.sum("credits", "cost_usd", "jobs", "runs")
    assert actual["daily_costs"].select(totals).equals(since["daily_costs"].select(totals))
    assert actual["pricing_periods"].equals(expected["pricing_periods"])
