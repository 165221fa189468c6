from datetime import date
from itertools import chain

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from .anomaly_labels import KNOWN, NEW
from .anomaly_series import LabelledSet
from .anomaly_tables import DAYS, rolled_up
from .anomaly_third import third_set

CLOCK_CHANGES = [date(2025, 11, 2), date(2026, 3, 8), date(2026, 11, 1)]


@pytest.fixture(scope="module")
def usual() -> LabelledSet:
    """A company in the United States with cron jobs, and a year of trouble."""
    return third_set(4, organizations=1)


@pytest.fixture(scope="module")
def calm() -> LabelledSet:
    return third_set(4, organizations=1, calm=True)


def test_a_seed_always_makes_the_same_set(calm: LabelledSet) -> None:
    again = third_set(4, organizations=1, calm=True)
    assert_frame_equal(again.daily, calm.daily)
    assert_frame_equal(again.explained, calm.explained)


def test_a_company_has_all_levels_and_a_year_of_days(usual: LabelledSet) -> None:
    assert set(usual.hierarchy["level"]) == {"organization", "project", "workflow", "job"}
    assert 60 <= usual.hierarchy.height <= 140
    assert usual.daily.group_by("series").len()["len"].max() == DAYS


def test_every_level_is_the_sum_of_its_jobs(usual: LabelledSet) -> None:
    jobs = usual.hierarchy.filter(pl.col("level") == "job").select("series")
    leaves = usual.daily.join(jobs, on="series")
    sums = rolled_up(leaves, ("date",), ("runs", "cost"))
    own = usual.daily.select("series", "date", "runs", "cost").join(sums, on=["series", "date"], suffix="_of_jobs")
    assert own.height == usual.daily.height
    assert (own["runs"] == own["runs_of_jobs"]).all()
    assert ((own["cost"] - own["cost_of_jobs"]).abs() < 1e-9).all()


def test_squared_costs_are_at_least_those_of_equal_runs(calm: LabelledSet) -> None:
    ran = calm.daily.filter(pl.col("complete"), pl.col("runs") > 0, pl.col("cost") > 0)
    assert (ran["cost_squared"] * ran["runs"] >= ran["cost"] ** 2 * (1 - 1e-9)).all()


def test_a_calm_set_has_only_what_people_know(calm: LabelledSet) -> None:
    assert calm.labels.is_empty()
    assert set(calm.causes["kind"]) <= set(KNOWN)


def test_what_happens_shows_as_labels_of_many_kinds(usual: LabelledSet) -> None:
    assert usual.labels["kind"].n_unique() >= 4
    assert (usual.labels["effect_share"].abs() >= 0.2).all()


def test_hourly_jobs_run_an_hour_more_or_less_where_the_clocks_change(calm: LabelledSet) -> None:
    retired = calm.causes["series"].to_list()
    crons = calm.daily.filter(pl.col("series").str.contains(r"/cron-\d/job"), pl.col("complete"), pl.col("runs") > 0)
    kept = crons.filter(~pl.col("series").str.split("/").list.head(2).list.join("/").is_in(retired))
    counts = kept.group_by("series").agg(pl.col("runs").mode().first().alias("usual"))
    odd = kept.join(counts, on="series").filter(pl.col("runs") != pl.col("usual"))
    assert not odd.is_empty()
    assert set(odd["date"]) <= set(CLOCK_CHANGES)
    assert set(chain.from_iterable(odd.select((pl.col("runs") * 24 / pl.col("usual")).unique()).iter_rows())) <= {
        23,
        25,
    }


def test_acquired_projects_begin_on_their_day_and_cost_their_organization(calm: LabelledSet) -> None:
    acquired = calm.causes.filter(pl.col("kind") == NEW)
    begins = calm.daily.group_by("series").agg(pl.col("date").min().alias("begins"))
    begun = acquired.join(begins, on="series")
    assert begun.height == acquired.height > 0
    assert (begun["begins"] >= begun["first_day"]).all()
    assert (acquired["organization_share"] > 0).all()
