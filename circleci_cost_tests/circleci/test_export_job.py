"""Export jobs: made once, waited for, taken up again."""

import fcntl
import gzip
import json
import socket
from contextlib import closing
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.circleci import Backoff, Polling, UsageExports, Window
from circleci_cost.circleci.failures import LostAnswer, NotSent, RateLimited, Refusal
from circleci_cost.clock import ManualClock
from circleci_cost.errors import AuthorizationError, SourceError, TransientSourceError
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.circleci.harness import NOW, QUICK, SUBJECT, WINDOW, Harness, csv_part, gz, running
from circleci_cost_tests.simulator_faults import actions
from circleci_cost_tests.simulator_faults import connection_actions as broken


def intent(site: Harness) -> dict[str, Any] | None:
    """The note of the window, None where there is none."""
    path = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day)
    note: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return note


@pytest.mark.parametrize("first_state", ["processing", "created"])
def test_an_export_lands_with_every_part_and_its_manifest(site: Harness, first_state: str) -> None:
    site.simulator.jobs.shows_created = first_state == "created"
    site.simulator.jobs.polls = 2
    landed = site.fetch()
    manifest = landed.manifest
    (job,) = site.simulator.jobs
    assert landed.directory == site.lake.export("acme", WINDOW.first_day, WINDOW.last_day)
    assert manifest.model_dump(exclude={"parts"}) == {
        "format": 1,
        "cost_center": "acme",
        "source": "usage_export_job",
        "complete": True,
        "export_id": job.id,
        "organization_id": site.connection().organization_id,
        "shared_organization_ids": (),
        "first_day": WINDOW.first_day,
        "last_day": WINDOW.last_day,
        "requested_at": NOW,
        "exported_at": NOW,
        "url_count": 3,
    }
    assert [part.name for part in manifest.parts] == [f"part-000{i}-{job.id[:8]}.csv.gz" for i in range(3)]
    assert [part.sha256 for part in manifest.parts] == site.hashes
    assert [part.lines for part in manifest.parts] == [41, 41, 41]
    assert site.landed_contents(landed) == site.contents
    assert sorted(path.name for path in landed.directory.iterdir()) == [
        "manifest.json",
        *(part.name for part in manifest.parts),
    ]
    assert (intent(site), site.watcher.ends) == (None, 1)
    assert site.watcher.messages == [
        f"{SUBJECT}: requested, export job {job.id}.",
        f"{SUBJECT}: 3 parts with 123 lines landed ({sum(part.bytes for part in manifest.parts) / 1024:.1f} KiB).",
    ]
    assert [wait for wait in site.watcher.waits if wait[1] <= 3.0] == [
        (f"{SUBJECT}: CircleCI prepares the export ({first_state})", 2.0),
        (f"{SUBJECT}: CircleCI prepares the export (processing)", 3.0),
    ]
    assert {part[2:] for part in site.watcher.parts} == {(1, 3), (2, 3), (3, 3)}


def test_one_part_of_one_line_is_reported_in_the_singular(tmp_path: Path) -> None:
    with running(tmp_path, parts=0) as site:
        (site.folder / "0.csv.gz").write_bytes(gz(csv_part(0, rows=0)))
        site.fetch()
        assert "1 part with 1 line landed" in site.watcher.messages[-1]


def test_shared_organizations_are_requested(site: Harness) -> None:
    shared = "5d3c2f7e-84b1-4a6f-b0d9-71e6c9a4f812"
    with pytest.raises(Refusal, match=r"\(404\)"):
        site.exports(site.connection(shared_organization_ids=(shared,))).fetch(WINDOW)


def test_f001_a_refused_token_is_not_tried_again_and_leaves_nothing(site: Harness) -> None:
    site.simulator.access.tokens = {"another"}
    with pytest.raises(AuthorizationError) as caught:
        site.fetch()
    assert caught.value.exit_code == 4
    assert (site.asked("create"), site.snapshot(), intent(site)) == ([401], {}, None)


def test_f002_no_administrator_is_not_tried_again(site: Harness) -> None:
    site.simulator.access.forbidden_organizations.add(site.connection().organization_id)
    with pytest.raises(AuthorizationError, match="on GitHub"):
        site.fetch()
    assert (site.asked("create"), intent(site)) == ([403], None)


@pytest.mark.parametrize(
    ("organization_id", "message"),
    [("gh/acme", "which is not a UUID"), ("00000000-0000-4000-8000-000000000000", "knows no organization")],
)
def test_f003_a_wrong_organization_is_not_tried_again(site: Harness, organization_id: str, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        site.exports(site.connection(organization_id=organization_id)).fetch(WINDOW)
    assert len(site.simulator.log) == 1
    assert intent(site) is None


TODAY = NOW.date()


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (Window(date(2026, 9, 1), date(2026, 10, 3)), "The date range must not exceed 31 days"),
        (
            Window(TODAY - timedelta(days=367), TODAY - timedelta(days=367)),
            "The start date must be within the last 366 days",
        ),
        (Window(date(2026, 11, 2), date(2026, 11, 1)), "The end date must not be before the start date"),
        (Window(TODAY, TODAY), "Dates must not be in the future"),
    ],
)
def test_f004_a_window_that_the_api_refuses_is_quoted_and_not_tried_again(
    site: Harness, window: Window, message: str
) -> None:
    with pytest.raises(Refusal) as caught:
        site.fetch(window)
    assert str(caught.value) == (f"Usage export of acme, {window}: CircleCI refused the request (HTTP 400: {message}).")
    assert (site.asked("create"), site.snapshot()) == ([400], {})


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("30", 30),
        ("3600", 3600),
        ("Sun, 22 Nov 2026 12:05:00 GMT", 300),
        (None, 60),
        ("garbage", 60),
        ("-7", 60),
    ],
    ids=["f005 seconds", "f008 an hour", "f006 date", "f007 missing", "f007 garbage", "f007 negative"],
)
@pytest.mark.parametrize("route", ["create", "poll"])
def test_f005_to_f008_after_a_429_nobody_asks_earlier_than_told(
    site: Harness, route: str, retry_after: str | None, seconds: float
) -> None:
    site.fault(route, actions.rate_limited(retry_after))
    landed = site.fetch()
    assert site.landed_contents(landed) == site.contents
    first, second = site.seconds_of(route)[:2]
    assert first == 0
    assert seconds <= second <= seconds + 61
    assert len(list(site.simulator.jobs)) == 1


def test_f008_a_wait_beyond_patience_ends_the_run_and_the_next_one_waits_too(site: Harness) -> None:
    site.fault("create", actions.rate_limited("86400"))
    with pytest.raises(RateLimited) as caught:
        site.fetch()
    assert (caught.value.retry_after, site.asked("create"), intent(site)) == (86400, [429], None)
    with pytest.raises(TransientSourceError, match="cannot be asked for another 24 h") as again:
        site.fetch()
    assert (again.value.retry_after, site.asked("create")) == (86400, [429])
    site.clock.advance(timedelta(days=1))
    assert site.landed_contents(site.fetch()) == site.contents


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("route", ["create", "poll", "download"])
def test_f009_one_server_failure_is_survived(site: Harness, route: str, status: int) -> None:
    site.fault(route, actions.Respond(status))
    assert site.landed_contents(site.fetch()) == site.contents
    assert site.asked(route).count(status) == 1
    assert len(list(site.simulator.jobs)) == 1


def test_f010_server_failures_for_ever_end_within_bounds(site: Harness) -> None:
    site.fault("poll", actions.Respond(503), times=None)
    with pytest.raises(LostAnswer) as caught:
        site.fetch()
    assert str(caught.value) == (
        f"{SUBJECT}: the CircleCI API at 127.0.0.1 failed (HTTP 503); try again later, see https://status.circleci.com."
    )
    assert len(site.asked("poll")) == 6
    assert site.clock.monotonic() < 120
    site.simulator.faults.clear()
    assert site.landed_contents(site.fetch()) == site.contents
    assert site.asked("create") == [201]


def test_f010_a_failing_source_is_given_up_before_the_total_deadline(site: Harness) -> None:
    site.fault("poll", actions.Respond(503, headers={"Retry-After": "1000"}), times=None)
    with pytest.raises(LostAnswer):
        site.fetch(backoff=Backoff(attempts=100, total_seconds=3500))
    assert site.seconds_of("poll") == [0, 1000, 2000, 3000]


@pytest.mark.parametrize(
    "lost",
    [
        broken.Drop(answer_lost=True),
        broken.Drop(answer_lost=True, reset=True),
        broken.Drop("mid-body"),
        broken.Hang(),
        actions.Respond(502),
    ],
    ids=["closed", "reset", "half an answer", "time-out", "502"],
)
def test_f011_a_lost_answer_leads_to_one_controlled_second_request(site: Harness, lost: Action) -> None:
    fault = site.fault("create", lost)
    assert site.landed_contents(site.fetch(**QUICK)) == site.contents
    assert (fault.injected, len(site.asked("create")), intent(site)) == (1, 2, None)
    assert site.seconds_of("create")[1] >= 60
    assert any("trying again after" in reason for reason, _ in site.watcher.waits)


def test_f011_the_intent_is_on_disk_before_the_request_and_bounds_the_second_ones(site: Harness) -> None:
    site.fault("create", broken.Drop(answer_lost=True), times=None)
    with pytest.raises(LostAnswer):
        site.fetch()
    note = intent(site)
    assert note is not None
    assert (note["usage_export_job_id"], len(note["attempts"]), len(site.asked("create"))) == (None, 2, 2)
    with pytest.raises(SourceError) as caught:
        site.fetch()
    assert len(site.asked("create")) == 3
    assert str(caught.value) == (
        f"{SUBJECT}: 3 export jobs were requested within 24 hours and none of them gave a result, so no "
        f"other is made before 2026-11-23 12:00 UTC; see https://status.circleci.com, and remove "
        f"{site.lake.intent('acme', WINDOW.first_day, WINDOW.last_day)} to try at once."
    )
    with pytest.raises(SourceError, match="3 export jobs were requested"):
        site.fetch()
    assert len(site.asked("create")) == 3
    site.simulator.faults.clear()
    site.clock.advance(timedelta(days=1))
    assert site.landed_contents(site.fetch()) == site.contents
    assert len(site.asked("create")) == 4


@pytest.mark.parametrize(
    "action",
    [
        actions.html_page(),
        actions.broken_json(),
        actions.without_field("usage_export_job_id"),
        actions.null_field("state"),
    ],
)
@pytest.mark.parametrize("route", ["create", "poll"])
def test_f016_an_answer_that_breaks_the_contract_is_named_and_the_job_kept(
    site: Harness, route: str, action: Action
) -> None:
    site.fault(route, action)
    with pytest.raises(SourceError, match="the answer is not what the CircleCI API promises"):
        site.fetch()
    note = intent(site)
    assert note is not None
    assert (note["usage_export_job_id"] is None, len(note["attempts"])) == (route == "create", 1)
    assert site.landed_contents(site.fetch()) == site.contents
    assert len(site.asked("create")) == (2 if route == "create" else 1)


def test_f019_a_job_that_is_never_ready_ends_at_the_deadline_and_is_taken_up_again(site: Harness) -> None:
    site.simulator.jobs.seconds = 2400
    with pytest.raises(TransientSourceError) as caught:
        site.fetch(polling=Polling(total_seconds=1800))
    assert str(caught.value) == (
        f"{SUBJECT}: the export job is not ready after 30 min (state processing); nothing was changed, the "
        "next run takes the same job up again."
    )
    assert 1740 < site.clock.monotonic() <= 1800
    asked = site.seconds_of("poll")
    assert max(second - first for first, second in pairwise(asked)) < 60.001
    assert Polling().total_seconds == 5 * 3600
    landed = site.fetch()
    assert site.landed_contents(landed) == site.contents
    assert site.asked("create") == [201]
    assert landed.manifest.exported_at == NOW
    assert f"{SUBJECT}: taking up export job {landed.manifest.export_id} of an earlier run." in site.watcher.messages


@pytest.mark.parametrize(("reason", "message"), [("Query\ntimed out", "Query timed out"), (None, "no reason given")])
def test_f020_a_failed_job_is_reported_with_its_reason_and_the_next_run_requests_another(
    site: Harness, reason: str | None, message: str
) -> None:
    before = site.snapshot()
    site.fault("poll", actions.failed_export(reason))
    with pytest.raises(TransientSourceError) as caught:
        site.fetch()
    assert str(caught.value) == (
        f"{SUBJECT}: CircleCI says that the export job failed ({message}); nothing was changed, the next run "
        "requests a new one."
    )
    assert site.snapshot() == before
    assert site.landed_contents(site.fetch()) == site.contents
    assert len(site.asked("create")) == 2


def test_f020_an_unknown_state_is_reported_once_and_waited_for(site: Harness) -> None:
    site.fault("poll", actions.in_state("pausing"), times=3)
    assert site.landed_contents(site.fetch()) == site.contents
    reports = [message for message in site.watcher.messages if "unknown" in message]
    assert reports == [f"{SUBJECT}: CircleCI tells an unknown state (pausing); waiting on."]
    assert len(site.asked("poll")) == 4


@pytest.mark.parametrize("urls", [None, []])
def test_f021_completed_without_urls_is_believed_after_a_minute(site: Harness, urls: list[object] | None) -> None:
    site.fault("poll", actions.completed_without_urls(urls), times=None)
    landed = site.fetch()
    assert (landed.manifest.parts, landed.manifest.url_count, landed.manifest.complete) == ((), 0, True)
    assert [path.name for path in landed.directory.iterdir()] == ["manifest.json"]
    asked = site.seconds_of("poll")
    assert (len(asked), asked[-1] >= 60) == (4, True)
    assert site.watcher.messages[-1] == f"{SUBJECT}: no usage in these days, landed as empty."


def test_f021_urls_that_are_missing_for_a_moment_are_waited_for(site: Harness) -> None:
    site.fault("poll", actions.completed_without_urls(), times=2)
    assert site.landed_contents(site.fetch()) == site.contents


def test_f022_a_job_that_is_gone_is_forgotten_and_made_anew_within_the_bound(site: Harness) -> None:
    site.fault("poll", actions.gone())
    landed = site.fetch()
    assert site.landed_contents(landed) == site.contents
    first, second = site.simulator.jobs
    assert landed.manifest.export_id == second.id
    assert f"{SUBJECT}: CircleCI no longer knows export job {first.id}." in site.watcher.messages
    site.fault("poll", actions.gone(), times=None)
    with pytest.raises(SourceError, match="3 export jobs were requested within 24 hours"):
        site.fetch(WINDOW)
    assert len(site.asked("create")) == 5


def test_f023_a_job_is_taken_up_only_while_it_is_young_and_of_the_same_organizations(site: Harness) -> None:
    site.fault("poll", actions.Respond(401), times=3)
    for _ in range(2):
        with pytest.raises(AuthorizationError):
            site.fetch()
    assert len(site.asked("create")) == 1
    site.clock.advance(timedelta(hours=12))
    with pytest.raises(AuthorizationError):
        site.fetch()
    assert len(site.asked("create")) == 2
    path = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day)
    path.write_text(path.read_text().replace(site.connection().organization_id, "another"))
    assert site.landed_contents(site.fetch()) == site.contents
    assert len(site.asked("create")) == 3


def test_f023_a_young_job_is_taken_up_although_the_first_request_of_its_days_is_old(site: Harness) -> None:
    site.fault("poll", actions.Respond(401), times=2)
    for hours in (12, 1):
        with pytest.raises(AuthorizationError):
            site.fetch()
        site.clock.advance(timedelta(hours=hours))
    assert len(site.asked("create")) == 2
    assert site.landed_contents(site.fetch()) == site.contents
    assert len(site.asked("create")) == 2


def test_f023_a_job_that_has_landed_already_is_not_downloaded_again(site: Harness) -> None:
    path = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day)
    landed = site.fetch()
    note = {
        "organization_id": site.connection().organization_id,
        "shared_organization_ids": [],
        "first_day": str(WINDOW.first_day),
        "last_day": str(WINDOW.last_day),
        "created_at": NOW.isoformat(),
        "attempts": [NOW.isoformat()],
        "usage_export_job_id": landed.manifest.export_id,
    }
    path.write_text(json.dumps(note))
    before, asked = site.snapshot(), len(site.simulator.log)
    assert site.fetch() == landed
    assert (site.snapshot(), len(site.simulator.log), path.exists()) == (before, asked, False)


def test_f072_a_later_export_of_the_same_days_replaces_the_earlier_one(site: Harness) -> None:
    first = site.fetch()
    (site.folder / "1.csv.gz").write_bytes(gzip.compress(csv_part(9)))
    (site.folder / "2.csv.gz").unlink()
    site.clock.advance(timedelta(hours=2))
    second = site.fetch()
    assert second.manifest.exported_at - first.manifest.exported_at == timedelta(hours=2)
    assert site.landed_contents(second) == site.contents
    assert sorted(path.name for path in second.directory.glob("part-*")) == [
        part.name for part in second.manifest.parts
    ]


def test_f028_two_partitions_beyond_the_hourly_quota_queue_and_do_not_fail(site: Harness) -> None:
    windows = [Window(day, day) for day in (TODAY - timedelta(days=number) for number in range(1, 13))]
    for window in windows:
        site.fetch(window)
    assert set(site.asked("create")) == {201}
    assert set(site.asked("poll")) == {200}
    assert [seconds > 3600 for seconds in site.seconds_of("create")] == [False] * 10 + [True] * 2


def test_f077_a_clock_a_day_ahead_is_named_where_circleci_refuses_its_future(site: Harness) -> None:
    ahead = UsageExports(site.lake, site.connection(), ManualClock(NOW + timedelta(days=1)))
    with pytest.raises(Refusal) as caught:
        ahead.fetch(Window(TODAY, TODAY))
    assert str(caught.value) == (
        "Usage export of acme, 2026-11-22: CircleCI refused the request (HTTP 400: Dates must not be in the "
        "future); this machine's clock is 24 h ahead of CircleCI's, set it right and try again."
    )
    # The ledger entry of the wrong clock costs the right one nothing.
    assert site.landed_contents(site.fetch()) == site.contents


def test_f077_a_clock_a_day_behind_still_fetches_what_is_over(site: Harness) -> None:
    behind = UsageExports(site.lake, site.connection(), ManualClock(NOW - timedelta(days=1)))
    assert site.landed_contents(behind.fetch(WINDOW)) == site.contents


def test_f012_without_a_connection_no_note_stays_behind(site: Harness) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotSent, match="does not accept connections"):
        site.exports(site.connection(base_url=f"http://127.0.0.1:{port}/api/v2")).fetch(WINDOW)
    assert (intent(site), site.snapshot(), site.clock.monotonic() < 60) == (None, {}, True)


def test_an_answer_about_another_job_is_refused(site: Harness) -> None:
    other = "0a1b2c3d-0000-4000-8000-00000000abcd"
    site.fault("poll", actions.change_json("another job", lambda value: value | {"usage_export_job_id": other}))
    with pytest.raises(SourceError, match=f"and told of {other}"):
        site.fetch()
    assert site.landed_contents(site.fetch()) == site.contents


def test_f089_a_second_process_waits_for_the_first_one_of_the_same_days(site: Harness) -> None:
    path = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day).with_suffix(".lock")
    path.parent.mkdir(parents=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TransientSourceError) as caught:
            site.fetch()
    assert str(caught.value) == (
        f"{SUBJECT}: another process has been fetching these days for a long time; let it end, or stop it, "
        "then run the same command again."
    )
    assert (len(site.simulator.log), site.snapshot()) == (0, {})
    assert site.landed_contents(site.fetch()) == site.contents


def test_a_prepared_export_is_taken_up_without_a_wait_and_nothing_lands_before(site: Harness) -> None:
    site.simulator.jobs.polls = 2
    site.exports().prepare(WINDOW)
    (job,) = site.simulator.jobs
    assert (site.snapshot(), [intent(site)["usage_export_job_id"]]) == ({}, [job.id])  # type: ignore[index]
    waited = len(site.watcher.waits)
    assert site.fetch().manifest.export_id == job.id
    assert len(site.watcher.waits) == waited


def test_an_empty_export_is_confirmed_once_though_a_process_ends_in_between(tmp_path: Path) -> None:
    with running(tmp_path, parts=0) as site:
        hurried = Polling(total_seconds=30.0)
        with pytest.raises(TransientSourceError, match="not ready after"):
            site.exports(polling=hurried).prepare(WINDOW)
        noted = intent(site)
        assert noted is not None
        assert len(noted["empty_answers"]) == 2
        # Another process asks at once, which is no confirmation, and goes on from the two answers.
        site.exports().prepare(WINDOW)
        assert site.seconds_of("poll") == [0.0, 21.0, 21.0, 42.0, 63.0]
        landed = site.fetch()
        assert (landed.manifest.parts, site.seconds_of("poll")[5:]) == ((), [63.0])
        assert intent(site) is None
