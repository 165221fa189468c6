"""An export that is completed without parts: no usage, or a passing fault; what is known of its days tells which."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from circleci_cost.circleci import Window
from circleci_cost.days import days_between
from circleci_cost.errors import TransientSourceError
from circleci_cost.lake.days import JobRunsDay, write_day
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.lake.settling import unsettled_days
from circleci_cost.model.usage.schema import FILE_SCHEMA
from circleci_cost_tests.circleci.harness import NOW, SUBJECT, WINDOW, Harness
from circleci_cost_tests.simulator_faults.actions import completed_without_urls

DAYS = days_between(WINDOW.first_day, WINDOW.last_day)


def read(site: Harness, used: date | None) -> None:
    """Write the job runs of the landed export: one job on a day, the other days without usage."""
    (landed,) = landed_exports(site.lake, "acme")
    exports = {landed.manifest.export_id: landed.manifest.exported_at}
    empty = pl.DataFrame(schema=FILE_SCHEMA)
    for day in DAYS:
        rows = pl.DataFrame({name: [None] for name in FILE_SCHEMA}, schema=FILE_SCHEMA) if day == used else empty
        write_day(site.lake, JobRunsDay("acme", day, rows, exports))


def refused(site: Harness, window: Window = WINDOW) -> str:
    with pytest.raises(TransientSourceError) as caught:
        site.fetch(window)
    return str(caught.value)


@pytest.mark.parametrize("urls", [None, []], ids=["null", "an empty list"])
def test_f021_no_usage_at_all_replaces_no_usage_that_is_known(site: Harness, urls: list[object] | None) -> None:
    site.fetch()
    read(site, used=DAYS[1])
    before = site.snapshot()
    site.clock.advance(timedelta(days=7))
    site.fault("poll", completed_without_urls(urls), times=None)
    sentence = refused(site)
    assert sentence.startswith(f"{SUBJECT}: CircleCI says that there is no usage in these days (export job ")
    assert "but 2026-11-19 had some. Nothing was replaced, and the next run asks again" in sentence
    assert site.snapshot() == before
    # Long past, and still open: an answer that was not believed settles nothing.
    landed = landed_exports(site.lake, "acme")
    assert unsettled_days(DAYS, landed, 4, trust_imports=True) == DAYS


def test_f021_the_next_run_asks_the_same_job_again_and_takes_its_parts(site: Harness) -> None:
    site.fetch()
    read(site, used=DAYS[1])
    site.clock.advance(timedelta(days=7))
    fault = site.fault("poll", completed_without_urls(), times=4)
    refused(site)
    landed = site.fetch()
    assert fault.injected == 4
    assert len(site.asked("create")) == 2
    assert len(landed.manifest.parts) == 3
    assert unsettled_days(DAYS, [landed], 4, trust_imports=True) == []


def test_f021_an_export_that_was_not_read_yet_is_not_given_up(site: Harness) -> None:
    """A run was killed between the landing and the reading: nobody knows yet which of the days have usage."""
    landed = site.fetch()
    site.clock.advance(timedelta(hours=1))
    site.fault("poll", completed_without_urls(), times=None)
    assert "but 2026-11-18 to 2026-11-21 had some" in refused(site)
    assert [path.exists() for path in landed.part_paths()] == [True, True, True]


def test_f021_a_neighbouring_window_knows_of_its_own_days_only(site: Harness) -> None:
    site.fetch()
    read(site, used=DAYS[1])
    site.fault("poll", completed_without_urls(), times=None)
    assert site.fetch(Window(date(2026, 11, 20), date(2026, 11, 21))).manifest.parts == ()
    assert "but 2026-11-19 had some" in refused(site, Window(date(2026, 11, 19), date(2026, 11, 20)))


def test_f021_days_without_usage_may_stay_without(site: Harness) -> None:
    site.fault("poll", completed_without_urls(), times=None)
    site.fetch()
    read(site, used=None)
    site.clock.advance(timedelta(days=7))
    landed = site.fetch()
    assert landed.manifest.parts == ()
    assert landed.manifest.exported_at >= NOW + timedelta(days=7) > datetime(2026, 11, 28, tzinfo=UTC)
    assert unsettled_days(DAYS, [landed], 4, trust_imports=True) == []
