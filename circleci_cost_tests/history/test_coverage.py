"""Which days are due, missing, or looked back on."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.circleci import Window
from circleci_cost.config.settings import Settings
from circleci_cost.days import days_between
from circleci_cost.history.coverage import daily_windows, first_windows, missing_days, overdue_days
from circleci_cost.lake.days import JobRunsDay, write_day
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import LandedExport, Manifest, write_manifest
from circleci_cost.lake.settling import unsettled_days
from circleci_cost.model.usage.schema import FILE_SCHEMA

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
ACME = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
JOINED = "7d1c5b1a-2b7e-4c0d-8a55-0c9f6e3b2d11"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path)


def settings(history_start: date) -> Settings:
    return Settings.model_validate(
        {"history_start": history_start, "cost_centers": [{"name": "acme", "organization_id": ACME}]}
    )


def with_job_runs(lake: Lake, first: date, last: date, export_id: str = "export") -> None:
    for day in days_between(first, last):
        write_day(lake, JobRunsDay("acme", day, pl.DataFrame(schema=FILE_SCHEMA), {export_id: NOW}))


def export(first: date, last: date, exported: datetime, *, complete: bool = True) -> LandedExport:
    manifest = Manifest(
        cost_center="acme",
        source="usage_export_job" if complete else "import",
        complete=complete,
        export_id=f"{exported}",
        organization_id=ACME,
        shared_organization_ids=(),
        first_day=first,
        last_day=last,
        requested_at=exported,
        exported_at=exported,
        url_count=0,
        parts=(),
    )
    return LandedExport(directory=Path(), manifest=manifest)


def land(lake: Lake, first: date, last: date, exported: datetime, *, complete: bool = True, read: bool = True) -> None:
    """Land an export of days without usage and, unless `read` is False, read it into job runs."""
    landed = export(first, last, exported, complete=complete)
    directory = lake.exports("acme") / f"{first}_{last}.{exported:%Y%m%d%H%M}"
    directory.mkdir(parents=True)
    write_manifest(directory, landed.manifest)
    if read:
        with_job_runs(lake, first, last, landed.manifest.export_id)


def run_daily(lake: Lake, first: date, last: date) -> None:
    """A daily run at 10:30 UTC of each day, for the four days before it."""
    for today in days_between(first, last):
        land(lake, today - timedelta(days=4), today - timedelta(days=1), at(today))


def at(day: date) -> datetime:
    return datetime.combine(day, NOW.time(), UTC)


def windows(lake: Lake, now: datetime = NOW, *, history_start: date = date(2025, 10, 22)) -> list[tuple[date, date]]:
    planned = daily_windows(settings(history_start), lake, "acme", now)
    return [(window.first_day, window.last_day) for window in planned]


def test_the_first_daily_run_is_about_the_days_that_may_be_restated(lake: Lake) -> None:
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21))]


def test_the_first_daily_run_does_not_reach_before_the_history(lake: Lake) -> None:
    assert windows(lake, history_start=date(2026, 11, 20)) == [(date(2026, 11, 20), date(2026, 11, 21))]
    assert windows(lake, history_start=date(2026, 11, 22)) == []


def test_a_day_is_asked_for_once_circleci_may_have_it_and_until_then_nothing_misses_it(lake: Lake) -> None:
    run_daily(lake, date(2026, 11, 15), date(2026, 11, 21))
    midnight, eight = NOW.replace(hour=0), NOW.replace(hour=8, minute=0)
    assert windows(lake, midnight) == [(date(2026, 11, 11), date(2026, 11, 20))]
    assert windows(lake, eight) == [(date(2026, 11, 11), date(2026, 11, 21))]
    of = settings(date(2026, 11, 11))
    before, after = missing_days(of, lake, "acme", midnight), missing_days(of, lake, "acme", eight)
    assert (before.fetchable, before.not_yet) == ((), (date(2026, 11, 21),))
    assert (after.fetchable, after.not_yet) == ((date(2026, 11, 21),), ())
    # Its files were imported, and only their run was cut off.
    land(lake, date(2026, 11, 21), date(2026, 11, 21), midnight, complete=False, read=False)
    assert missing_days(of, lake, "acme", midnight).fetchable == (date(2026, 11, 21),)
    assert windows(lake, midnight)[0][1] == date(2026, 11, 21)


def test_the_first_daily_run_of_a_day_without_data_is_about_as_many_days_as_any(lake: Lake) -> None:
    midnight = NOW.replace(hour=0, minute=30)
    assert windows(lake, midnight) == [(date(2026, 11, 17), date(2026, 11, 20))]
    assert first_windows(settings(date(2025, 10, 22)), midnight) == [Window(date(2026, 11, 17), date(2026, 11, 20))]
    assert windows(lake, midnight, history_start=date(2026, 11, 21)) == []


def test_the_daily_run_fetches_each_day_until_an_export_of_it_is_final(lake: Lake) -> None:
    run_daily(lake, date(2026, 11, 10), date(2026, 11, 21))
    # 17 November was exported at an age of four days: CircleCI could still restate it. Then it is done with.
    assert windows(lake)[0] == (date(2026, 11, 6), date(2026, 11, 21))
    land(lake, date(2026, 11, 6), date(2026, 11, 21), NOW)
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21))]
    assert windows(lake, NOW + timedelta(days=1)) == [(date(2026, 11, 18), date(2026, 11, 22))]


def test_days_left_unsettled_by_an_outage_are_fetched_again(lake: Lake) -> None:
    """Six daily runs, five days without, and the days before the outage stayed as they had been exported too early."""
    land(lake, date(2026, 10, 1), date(2026, 11, 5), at(date(2026, 11, 15)))
    land(lake, date(2026, 11, 6), date(2026, 11, 14), at(date(2026, 11, 15)))
    assert windows(lake) == [(date(2026, 11, 11), date(2026, 11, 21))]


def test_days_missed_and_days_unsettled_on_both_sides_of_final_ones_are_runs_of_their_own(lake: Lake) -> None:
    land(lake, date(2026, 10, 1), date(2026, 10, 10), at(date(2026, 10, 13)))
    land(lake, date(2026, 10, 12), date(2026, 11, 10), NOW - timedelta(hours=1))
    land(lake, date(2026, 11, 13), date(2026, 11, 21), NOW - timedelta(hours=1))
    # The newest first: today's figures do not wait for the oldest ones.
    assert windows(lake) == [
        (date(2026, 11, 18), date(2026, 11, 21)),
        (date(2026, 11, 11), date(2026, 11, 12)),
        (date(2026, 10, 9), date(2026, 10, 11)),
    ]


def test_an_outage_of_months_is_caught_up_on_in_runs_of_one_export_job_each(lake: Lake) -> None:
    land(lake, date(2026, 8, 1), date(2026, 8, 10), at(date(2026, 8, 20)))
    planned = windows(lake)
    assert planned[0][1] == date(2026, 11, 21)
    assert planned[-1][0] == date(2026, 8, 11)
    assert [len(days_between(*span)) for span in planned] == [10, 31, 31, 31]


def test_an_export_that_landed_and_was_not_read_is_read_by_the_next_daily_run(lake: Lake) -> None:
    land(lake, date(2026, 10, 1), date(2026, 11, 21), NOW - timedelta(days=20))
    land(lake, date(2026, 10, 1), date(2026, 11, 21), NOW)
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21))]
    land(lake, date(2026, 10, 5), date(2026, 10, 6), NOW + timedelta(minutes=1), read=False)
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21)), (date(2026, 10, 5), date(2026, 10, 6))]


def test_history_that_was_imported_when_it_was_final_is_not_fetched(lake: Lake) -> None:
    land(lake, date(2026, 9, 1), date(2026, 11, 10), NOW, complete=False)
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21))]
    land(lake, date(2026, 8, 30), date(2026, 8, 31), at(date(2026, 9, 20)))
    # From here on the days since 30 August are CircleCI's to bring, but for those that the files hold.
    assert windows(lake) == [(date(2026, 11, 11), date(2026, 11, 21))]


def test_a_day_that_was_imported_while_it_could_be_restated_is_fetched(lake: Lake) -> None:
    land(lake, date(2026, 9, 1), date(2026, 9, 2), at(date(2026, 9, 20)))
    land(lake, date(2026, 9, 3), date(2026, 9, 3), at(date(2026, 9, 4)), complete=False)
    assert windows(lake)[-1][0] == date(2026, 9, 3)


def test_days_that_should_be_final_are_named_a_day_after_they_could_be(lake: Lake) -> None:
    land(lake, date(2026, 11, 1), date(2026, 11, 14), at(date(2026, 11, 15)))
    counts = [
        len(overdue_days(settings(date(2025, 10, 22)), lake, "acme", at(date(2026, 11, day))).fetchable)
        for day in (15, 16, 17, 18)
    ]
    assert counts == [0, 0, 1, 2]
    late = overdue_days(settings(date(2025, 10, 22)), lake, "acme", at(date(2027, 11, 16)))
    assert late.out_of_reach == (date(2026, 11, 11), date(2026, 11, 12), date(2026, 11, 13), date(2026, 11, 14))
    assert late.fetchable == ()


def test_f078_days_beyond_the_apis_reach_are_told_apart(lake: Lake) -> None:
    with_job_runs(lake, date(2025, 11, 25), date(2026, 11, 20))
    missing = missing_days(settings(date(2025, 11, 19)), lake, "acme", NOW)
    assert missing.out_of_reach == (date(2025, 11, 19), date(2025, 11, 20), date(2025, 11, 21))
    assert missing.fetchable == (date(2025, 11, 22), date(2025, 11, 23), date(2025, 11, 24), date(2026, 11, 21))


def test_a_settled_export_is_not_fetched_again() -> None:
    days = days_between(date(2026, 11, 1), date(2026, 11, 4))
    taken = export(days[0], days[-1], datetime(2026, 11, 8, 10, 30, tzinfo=UTC))
    assert unsettled_days(days, [taken], 4, trust_imports=False) == [date(2026, 11, 4)]
    assert unsettled_days(days, [taken], 3, trust_imports=False) == []


def test_an_export_of_some_days_settles_only_those() -> None:
    days = days_between(date(2026, 11, 1), date(2026, 11, 4))
    taken = export(days[1], days[2], NOW)
    assert unsettled_days(days, [taken], 4, trust_imports=False) == [days[0], days[3]]


def test_imported_files_never_settle_a_day() -> None:
    days = days_between(date(2026, 11, 1), date(2026, 11, 2))
    imported = export(days[0], days[-1], NOW, complete=False)
    assert unsettled_days(days, [imported], 4, trust_imports=False) == days
    fetched = export(days[0], days[-1], NOW - timedelta(days=1))
    assert unsettled_days(days, [fetched, imported], 4, trust_imports=False) == []


def test_days_fetched_without_an_organization_that_joined_later_are_fetched_again_and_named(lake: Lake) -> None:
    land(lake, date(2026, 11, 1), date(2026, 11, 21), NOW)
    of = settings(date(2026, 11, 1))
    assert overdue_days(of, lake, "acme", NOW).fetchable == ()
    joined = of.cost_centers[0].model_copy(update={"shared_organization_ids": (JOINED,)})
    wider = of.model_copy(update={"cost_centers": (joined,)})
    assert [(window.first_day, window.last_day) for window in daily_windows(wider, lake, "acme", NOW)] == [
        (date(2026, 11, 1), date(2026, 11, 21))
    ]
    assert overdue_days(wider, lake, "acme", NOW).fetchable == tuple(
        days_between(date(2026, 11, 1), date(2026, 11, 16))
    )


def test_days_imported_too_early_are_fetched_by_the_daily_run_though_they_precede_the_first_export(lake: Lake) -> None:
    land(lake, date(2026, 11, 1), date(2026, 11, 3), at(date(2026, 11, 4)), complete=False)
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21)), (date(2026, 11, 1), date(2026, 11, 3))]
    land(lake, date(2026, 11, 12), date(2026, 11, 21), NOW)
    assert windows(lake) == [(date(2026, 11, 18), date(2026, 11, 21)), (date(2026, 11, 1), date(2026, 11, 3))]


def test_imported_days_beyond_the_reach_that_were_never_read_are_missing_and_read_by_the_daily_run(lake: Lake) -> None:
    first, last = date(2024, 11, 1), date(2024, 11, 2)
    land(lake, date(2026, 11, 12), date(2026, 11, 21), NOW)
    land(lake, first, last, NOW, complete=False, read=False)
    missing = missing_days(settings(first), lake, "acme", NOW)
    assert missing.fetchable[:2] == (first, last)
    assert first not in missing.out_of_reach
    assert windows(lake, history_start=first)[-1] == (first, last)
