from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.simulator import ACME_ID, demo_scenario, generate, generator
from circleci_cost.simulator.scenario import CREDITS_PER_MINUTE

from .builders import FIRST, LAST, NOW, OTHER, PAYING, rows, scenario

CREDITS = ("COMPUTE", "DLC", "USER", "STORAGE", "NETWORK", "LEASE", "LEASE_OVERAGE", "IPRANGES")
NULL_IF_NEVER_RUN = [
    "JOB_NAME",
    "JOB_RUN_NUMBER",
    "JOB_RUN_QUEUED_AT",
    "JOB_RUN_STOPPED_AT",
    "RESOURCE_CLASS",
    "OPERATING_SYSTEM",
    "EXECUTOR",
    "PARALLELISM",
    "JOB_RUN_SECONDS",
]


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return rows(scenario(jobs_per_day=1000.0))


def share(flags: pl.Series) -> float:
    """Return how many of the flags are set, 0 to 1."""
    return int(flags.sum()) / len(flags)


def test_a_day_is_the_same_in_any_window() -> None:
    usual = scenario()
    whole = rows(usual)
    single = rows(usual, first=date(2026, 11, 3), last=date(2026, 11, 3))
    assert_frame_equal(whole.filter(pl.col("JOB_RUN_DATE") == date(2026, 11, 3)), single)


def test_the_size_of_chunks_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(scenario())
    monkeypatch.setattr(generator, "ROWS_PER_CHUNK", 700)
    chunks = list(generate(scenario(), [PAYING], FIRST, LAST, NOW))
    assert len(chunks) == 13
    assert_frame_equal(pl.concat(chunks), whole)


def test_organizations_and_seeds_draw_their_own_rows() -> None:
    ids = [
        set(rows(scenario(seed=seed), organization)["JOB_ID"]) for seed, organization in ((1, PAYING), (2, PAYING))
    ] + [set(rows(scenario(), OTHER)["JOB_ID"])]
    assert len(set.union(*ids)) == sum(len(one) for one in ids)


def test_job_ids_are_unique(frame: pl.DataFrame) -> None:
    assert frame["JOB_ID"].is_duplicated().sum() == 0
    assert frame["JOB_ID"].str.contains("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").all()


def test_the_total_is_the_sum_of_the_eight(frame: pl.DataFrame) -> None:
    summed = frame.select(pl.sum_horizontal(f"{name}_CREDITS" for name in CREDITS)).to_series()
    assert (summed == frame["TOTAL_CREDITS"]).all()
    assert summed.dtype == pl.Int64


def test_about_18_percent_of_the_rows_never_ran(frame: pl.DataFrame) -> None:
    never = frame.filter(pl.col("JOB_RUN_STOPPED_AT").is_null())
    assert 0.16 < never.height / frame.height < 0.20
    assert set(never["JOB_BUILD_STATUS"]) <= {"canceled", "blocked", "running", "queued", "success"}
    assert never["TOTAL_CREDITS"].sum() == 0
    assert never["JOB_RUN_STARTED_AT"].null_count() == 0
    for name in NULL_IF_NEVER_RUN:
        assert never[name].null_count() == never.height, name
        assert frame[name].null_count() == never.height, name


def test_a_job_of_one_container_costs_its_seconds(frame: pl.DataFrame) -> None:
    rates = pl.DataFrame(
        [(executor, name, rate) for (executor, name), rate in CREDITS_PER_MINUTE.items()],
        schema=["EXECUTOR", "RESOURCE_CLASS", "rate"],
        orient="row",
    )
    single = frame.filter(pl.col("PARALLELISM") == 1).join(rates, on=["EXECUTOR", "RESOURCE_CLASS"])
    expected = -(-single["JOB_RUN_SECONDS"] * single["rate"] // 60)
    assert single.height > 0
    assert (single["COMPUTE_CREDITS"] == expected).all()


def test_parallel_jobs_are_one_row_with_the_credits_of_all_containers(frame: pl.DataFrame) -> None:
    parallel = frame.filter(pl.col("PARALLELISM") == 4)
    alone = parallel["JOB_RUN_SECONDS"] * 20 / 60
    assert (parallel["COMPUTE_CREDITS"] > 2.7 * alone).all()
    assert (parallel["COMPUTE_CREDITS"] <= 4 * alone + 1).all()


def test_runners_cost_no_compute_but_storage(frame: pl.DataFrame) -> None:
    runner = frame.filter(pl.col("EXECUTOR") == "runner")
    assert set(runner["RESOURCE_CLASS"]) == {"initech/runner"}
    assert runner["COMPUTE_CREDITS"].sum() == 0
    assert runner["STORAGE_CREDITS"].sum() > 0


def test_docker_layer_caching_and_ip_ranges_are_charged(frame: pl.DataFrame) -> None:
    dlc = frame.filter(pl.col("DLC_CREDITS") > 0)
    assert (set(dlc["DLC_CREDITS"]), set(dlc["JOB_NAME"])) == ({200}, {"build-image"})
    assert set(frame.filter(pl.col("IPRANGES_CREDITS") > 0)["JOB_NAME"]) == {"deploy"}
    assert frame["NETWORK_CREDITS"].sum() > 0


def test_seats_are_booked_once_a_month_on_some_job() -> None:
    year = rows(scenario(seats=3), first=date(2026, 1, 1), last=date(2026, 10, 31))
    monthly = year.group_by(pl.col("JOB_RUN_DATE").dt.month()).agg(pl.col("USER_CREDITS").sum())
    assert set(monthly["USER_CREDITS"]) == {75_000}
    assert monthly.height == 10


def test_users_are_unregistered_exactly_where_no_user_triggered(frame: pl.DataFrame) -> None:
    assert (frame["IS_UNREGISTERED_USER"] == frame["PIPELINE_TRIGGER_USER_ID"].is_null()).all()
    assert 0.35 < share(frame["IS_UNREGISTERED_USER"]) < 0.65
    scheduled = frame.filter(pl.col("PIPELINE_TRIGGER_SOURCE").is_in(["scheduled_pipeline", "schedule"]))
    assert scheduled["IS_UNREGISTERED_USER"].all()


def test_a_rerun_has_a_new_workflow_in_the_same_pipeline(frame: pl.DataFrame) -> None:
    runs = frame.group_by("PIPELINE_ID", "WORKFLOW_NAME").agg(
        pl.col("WORKFLOW_ID").n_unique().alias("runs"),
        pl.col("PIPELINE_CREATED_AT").n_unique().alias("created"),
    )
    assert 0.04 < share(runs["runs"] == 2) < 0.08
    assert set(runs["created"]) == {1}


def test_some_rows_start_after_midnight_of_their_date(frame: pl.DataFrame) -> None:
    away = (frame["JOB_RUN_STARTED_AT"].dt.date() - frame["JOB_RUN_DATE"]).dt.total_days()
    assert set(away) == {0, 1}
    late = frame.filter(away == 1)["JOB_RUN_STARTED_AT"].dt.time()
    assert str(late.max()) < "00:20:01"


def test_times_are_in_order(frame: pl.DataFrame) -> None:
    ran = frame.filter(pl.col("JOB_RUN_STOPPED_AT").is_not_null())
    assert (ran["PIPELINE_CREATED_AT"] < ran["JOB_RUN_QUEUED_AT"]).all()
    assert (ran["JOB_RUN_QUEUED_AT"] < ran["JOB_RUN_STARTED_AT"]).all()
    length = (ran["JOB_RUN_STOPPED_AT"] - ran["JOB_RUN_STARTED_AT"]).dt.total_seconds()
    assert (length == ran["JOB_RUN_SECONDS"]).all()
    assert (ran["JOB_RUN_STOPPED_AT"] <= ran["WORKFLOW_STOPPED_AT"].fill_null(date(2100, 1, 1))).all()


def test_one_branch_in_a_hundred_is_missing(frame: pl.DataFrame) -> None:
    assert 0.003 < share(frame["VCS_BRANCH"].is_null()) < 0.02
    assert set(frame["VCS_BRANCH"].drop_nulls().str.extract("^([a-z]+)")) == {
        "main",
        "feature",
        "dependabot",
        "release",
    }


def test_week_ends_and_holidays_are_quiet() -> None:
    days = rows(scenario(jobs_per_day=1000.0), first=date(2025, 12, 15), last=date(2026, 1, 18))
    pushed = days.filter(pl.col("PIPELINE_TRIGGER_SOURCE") == "webhook")
    count = dict(pushed.group_by("JOB_RUN_DATE").len().iter_rows())
    assert count[date(2025, 12, 20)] < 0.4 * count[date(2025, 12, 17)]
    assert count[date(2025, 12, 30)] < 0.4 * count[date(2025, 12, 16)]


def test_jobs_per_day_is_the_mean_and_growth_is_per_year() -> None:
    usual = scenario(jobs_per_day=200.0)
    assert rows(usual, first=date(2026, 2, 2), last=date(2026, 4, 26)).height / 84 == pytest.approx(200, rel=0.05)
    growing = replace(usual, organizations=(replace(usual.organizations[0], growth=1.0),))
    later = rows(growing, first=date(2026, 10, 5), last=date(2026, 11, 15)).height / 42
    assert later == pytest.approx(200 * 2 ** (298 / 365), rel=0.06)


def test_a_scenario_can_be_of_another_size() -> None:
    larger = scenario(jobs_per_day=160.0).with_jobs_per_day(2000.0)
    assert [one.jobs_per_day for one in larger.organizations] == [1600.0, 200.0, 200.0]


def test_a_project_has_no_rows_before_it_was_created() -> None:
    usual = scenario()
    organization = usual.organizations[0]
    young = replace(organization.projects[0], created=date(2026, 11, 1))
    changed = replace(usual, organizations=(replace(organization, projects=(young,)),))
    assert rows(changed)["JOB_RUN_DATE"].min() == date(2026, 11, 1)


def test_a_renamed_project_shows_its_new_name_in_old_rows() -> None:
    before = rows(scenario(), last=date(2026, 10, 25), as_of=NOW - timedelta(days=22))
    after = rows(scenario(), last=date(2026, 10, 25))
    assert set(before["PROJECT_NAME"]) == {"web", "api"}
    assert set(after["PROJECT_NAME"]) == {"web", "gateway, new"}
    changing = [name for name in before.columns if not before[name].equals(after[name], null_equal=True)]
    assert changing == ["PROJECT_NAME", "LAST_BUILD_FINISHED_AT", "VCS_URL"]


def test_the_demo_has_130_000_jobs_and_ids_that_stay() -> None:
    today = date(2026, 11, 22)
    demo = demo_scenario(today)
    frames = generate(demo, [one.id for one in demo.organizations], date(2025, 10, 22), today, NOW)
    assert 120_000 < sum(frame.height for frame in frames) < 145_000
    assert [one.slug for one in demo.organizations if one.shares_plan_of is None] == [
        "gh/acme",
        "circleci/Kq7ZtVw3pXm9RcYd2hNbLf",
    ]
    assert [(o.id, [p.id for p in o.projects]) for o in demo.organizations] == [
        (o.id, [p.id for p in o.projects]) for o in demo_scenario(date(2027, 3, 1)).organizations
    ]
    assert demo.organization(ACME_ID).name == "acme"
