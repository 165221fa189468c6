"""Where the machine's own days have 23 or 25 hours, all is as in UTC (f074)."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost_tests.model.usage.builders import read_content, records, unquoted
from circleci_cost_tests.pipeline.harness import PRICED, initech, running, utc
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs

# New York's rules, which need no table of zones; a day on which its clocks change, and the hours of that day there.
CHANGES = [
    ("EST5EDT,M3.2.0,M11.1.0", date(2024, 3, 10), 23),
    ("EST5EDT,M3.2.0,M11.1.0", date(2023, 11, 5), 25),
]


@pytest.fixture
def changed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[date]:
    """The day on which the clocks change in the zone where this process now is."""
    zone, day, hours = request.param
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a local one
    end = datetime(day.year, day.month, day.day + 1)  # noqa: DTZ001
    assert end.timestamp() - start.timestamp() == hours * 3600
    yield day
    monkeypatch.undo()
    time.tzset()


in_each_zone = pytest.mark.parametrize(
    "changed", CHANGES, indirect=True, ids=[f"{hours} hours" for _, _, hours in CHANGES]
)


@in_each_zone
def test_f074_costs_of_days_around_a_change_of_the_clocks_are_as_in_utc(tmp_path: Path, changed: date) -> None:
    first, last = changed - timedelta(days=1), changed + timedelta(days=1)
    now = utc(last.year, last.month, last.day, 12) + timedelta(days=1)
    with running(tmp_path, now=now, history_start=first) as site:
        site.materialize(PRICED, "initech", first, last)
        costs = site.daily_costs()
        assert found_costs(costs.to_dicts()) == expected_costs(site.simulator.scenario, initech(), first, last, now)
        assert sorted(set(costs["date"])) == [first, changed, last]
        assert [(job.request.first_day, job.request.last_day) for job in site.simulator.jobs] == [(first, last)]


@in_each_zone
def test_f074_hours_that_the_local_clock_skips_or_has_twice_are_read_as_they_are(tmp_path: Path, changed: date) -> None:
    hours = [utc(changed.year, changed.month, changed.day, hour) for hour in range(24)]
    rows = [
        record | {"JOB_RUN_DATE": str(changed), "JOB_RUN_STARTED_AT": f"{hour:%Y-%m-%d %H:30:00.000}"}
        for record, hour in zip(records(24), hours, strict=True)
    ]
    read_rows = read_content(tmp_path, unquoted(rows)).sort("job_id")
    assert read_rows["job_run_date"].unique().to_list() == [changed]
    half_past = [hour.replace(tzinfo=None) + timedelta(minutes=30) for hour in hours]
    assert read_rows["job_run_started_at"].cast(pl.Datetime("us")).to_list() == half_past


def test_f074_the_schedule_ticks_by_utc_and_so_once_every_24_hours(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        schedule = site.definitions.resolve_schedule_def("daily_refresh")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 10 * * *", "UTC")
