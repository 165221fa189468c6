"""Late, changed and vanished rows: the last export wins, and what it changed is recorded."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from circleci_cost.simulator import Scenario, generate
from circleci_cost.simulator.sources import ExportKey
from circleci_cost_tests.pipeline.harness import Site, checks, metadata, running, utc
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import NOW, PAYING, SHARED, YESTERDAY, EditedSource, scenario

_AS_OF_THE_EXPORT = ("LAST_BUILD_FINISHED_AT",)


def _rows(of: Scenario, day: date, as_of: Any) -> dict[str, dict[str, Any]]:
    frames = generate(of, [PAYING, SHARED], day, day, as_of)
    rows = pl.concat(frames).drop(_AS_OF_THE_EXPORT).to_dicts()
    return {row["JOB_ID"]: row for row in rows}


def _credits(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(row["TOTAL_CREDITS"])) for row in rows), start=Decimal(0))


def test_f072_the_last_export_wins_and_its_changes_are_recorded(site: Site) -> None:
    later = NOW + timedelta(days=3)
    site.price("initech", date(2024, 3, 8), YESTERDAY)
    early = site.daily_costs()
    site.clock.advance(timedelta(days=3))
    result = site.refresh("initech", date(2024, 3, 10), date(2024, 3, 14))

    of = site.simulator.scenario
    expected = expected_costs(of, site.centers, date(2024, 3, 8), date(2024, 3, 9), NOW)
    expected |= expected_costs(of, site.centers, date(2024, 3, 10), date(2024, 3, 14), later)
    costs = site.table("daily_costs")
    assert found_costs(costs.to_dicts()) == expected
    assert costs.filter(pl.col("date") <= YESTERDAY)["credits"].sum() > early["credits"].sum()

    recorded = site.table("usage_restatements").drop("export_id", "recorded_at", "cost_center").rows()
    assert len(recorded) == 2
    for day, *figures in recorded:
        before, after = _rows(of, day, NOW), _rows(of, day, later)
        added = [row for job, row in after.items() if job not in before]
        changed = [job for job in before if before[job] != after[job]]
        difference = _credits([after[job] for job in changed]) - _credits([before[job] for job in changed])
        assert figures == [len(added), 0, len(changed), _credits(added), 0, difference]
        assert added
        assert changed
    assert checks(result)["no_vanished_jobs"].passed
    assert "2024-03-11" in metadata(result, "job_runs")["restatements"]


def test_f073_jobs_that_vanish_are_removed_and_reported(tmp_path: Path) -> None:
    of = scenario()
    day = date(2024, 3, 8)
    vanishing = sorted(_rows(of, day, NOW))[:3]
    source = EditedSource(of, lambda rows, key: rows)
    with running(tmp_path, source=source) as site:
        site.price("initech", day, YESTERDAY)
        before = site.job_runs("initech")
        source.edit = lambda rows, key: rows.filter(~pl.col("JOB_ID").is_in(vanishing))
        site.clock.advance(timedelta(minutes=1))
        result = site.refresh("initech", day, YESTERDAY)
        vanished = before.filter(pl.col("job_id").is_in(vanishing))
        assert vanished.height == 3
        check = checks(result)["no_vanished_jobs"]
        assert (check.passed, check.description) == (False, "3 jobs vanished or moved; see usage_restatements")
        assert site.table("usage_restatements").select("date", "jobs_removed", "credits_removed").rows() == [
            (day, 3, vanished["total_credits"].sum())
        ]
        assert site.job_runs("initech")["job_id"].to_list() == [job for job in before["job_id"] if job not in vanishing]
        assert site.table("daily_costs")["jobs"].sum() == before.height - 3


def test_f073_an_export_that_is_read_again_restates_nothing(site: Site) -> None:
    site.price("initech", date(2024, 3, 8), YESTERDAY)
    result = site.run("ingest", "initech", date(2024, 3, 8), YESTERDAY, only=["job_runs"])
    assert checks(result)["no_vanished_jobs"].passed
    site.refresh("initech", date(2024, 3, 8), YESTERDAY)
    assert site.table("usage_restatements").height == 0


def test_f071_a_job_whose_date_moved_between_two_windows_counts_once(tmp_path: Path) -> None:
    """A job of 7 March is booked on 8 March by the later export, in whose window 7 March is not."""
    of = scenario()
    moved = min(job for job, row in _rows(of, date(2024, 3, 7), NOW).items() if row["TOTAL_CREDITS"] > 0)

    def edit(rows: pl.DataFrame, key: ExportKey) -> pl.DataFrame:
        if key.first_day < date(2024, 3, 8):
            return rows
        frames = generate(of, key.organization_ids, date(2024, 3, 7), date(2024, 3, 7), key.as_of)
        row = pl.concat(frames).filter(JOB_ID=moved, ORGANIZATION_ID=rows["ORGANIZATION_ID"][0])
        return pl.concat([rows, row.with_columns(JOB_RUN_DATE=date(2024, 3, 8))])

    with running(tmp_path, source=EditedSource(of, edit)) as site:
        site.price("initech", date(2024, 3, 4), date(2024, 3, 7))
        before = site.job_runs("initech")
        site.clock.advance(timedelta(minutes=1))
        site.refresh("initech", date(2024, 3, 8), YESTERDAY)
        runs = site.job_runs("initech")
        assert runs.filter(job_id=moved)["job_run_date"].to_list() == [date(2024, 3, 8)]
        assert runs["job_id"].n_unique() == runs.height
        costs = site.table("daily_costs")
        # The neighbouring day was not asked for, and its costs follow all the same.
        assert costs["credits"].sum() == runs["total_credits"].sum()
        assert (
            costs.filter(date=date(2024, 3, 7))["jobs"].sum() == before.filter(job_run_date=date(2024, 3, 7)).height - 1
        )
        assert site.table("usage_restatements").select("date", "jobs_removed").rows() == [(date(2024, 3, 7), 1)]


def test_the_newest_name_of_a_project_stands_everywhere(tmp_path: Path) -> None:
    """f101: names change while ids stay; one export knows the names of its own time only."""
    source = scenario(renamed=((date(2024, 3, 9), "storefront"),))
    with running(tmp_path, source=source, now=utc(2024, 3, 5, 12)) as site:
        site.price("initech", date(2024, 3, 1), date(2024, 3, 4))
        assert set(site.daily_costs()["project"]) == {"web", "api"}
        site.advance_to(NOW)
        site.price("initech", date(2024, 3, 9), YESTERDAY)
        assert set(site.daily_costs()["project"]) == {"storefront", "api"}
        # The older export, read and costed again, does not bring the older name back.
        site.run("refresh", "initech", date(2024, 3, 1), date(2024, 3, 4), only=["job_runs", "daily_costs"])
        site.run("reprice", "initech", date(2024, 3, 1), date(2024, 3, 4), only=["daily_costs", "published"])
        costs = site.table("daily_costs")
        assert costs.group_by("project_id").agg(pl.col("project").unique()).sort("project_id").rows() == [
            ("aaaaaaaa-0000-4000-8000-000000000001", ["storefront"]),
            ("aaaaaaaa-0000-4000-8000-000000000002", ["api"]),
        ]


def test_the_newest_name_of_an_organization_stands_everywhere(tmp_path: Path) -> None:
    def edit(rows: pl.DataFrame, key: ExportKey) -> pl.DataFrame:
        new = pl.col("ORGANIZATION_NAME").replace({"initech": "initrode"})
        return rows.with_columns(new) if key.as_of >= utc(2024, 3, 9) else rows

    with running(tmp_path, source=EditedSource(scenario(), edit), now=utc(2024, 3, 5, 12)) as site:
        site.price("initech", date(2024, 3, 1), date(2024, 3, 4))
        site.advance_to(NOW)
        site.price("initech", date(2024, 3, 9), YESTERDAY)
        names = site.daily_costs().select("organization_id", "organization").unique().sort("organization_id")
        assert names.rows() == [(PAYING, "initrode"), (SHARED, "initech-labs")]
