"""Commands at the turn of a year, a month and a day: each takes its day from the clock that it is given."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from circleci_cost.cli.planned_runs import PlannedRun
from circleci_cost.cli.telling import Lines
from circleci_cost.clock import ManualClock
from circleci_cost_tests.cli.harness import NORTHWIND, SAMPLE, Caller, configuration, publish_rows

LAST_SECOND = "2025-12-31T23:59:59+00:00"
MIDNIGHT = "2026-01-01T00:00:00+00:00"


def test_a_history_cannot_start_tomorrow_and_can_today(call: Caller) -> None:
    call.configure(configuration(date(2026, 1, 1)))
    before, after = call.at(LAST_SECOND)("check", "--offline"), call.at(MIDNIGHT)("check", "--offline")
    assert before.code == 3
    assert "history_start = 2026-01-01: this lies in the future; write the first day to import" in before.err
    assert (after.code, after.err) == (0, "")


def test_a_day_is_missing_once_it_is_over(call: Caller) -> None:
    call.configure(configuration(date(2025, 12, 30)))
    publish_rows(call.folder / "data", [{"date": date(2025, 12, 30), "compute": 10}])
    asked = ("report", "--from", "2025-12-30", "--to", "2026-01-01", "--json")
    before, after = call.at(LAST_SECOND)(*asked), call.at(MIDNIGHT)(*asked)
    assert (before.code, before.err) == (0, "")
    assert after.code == 5
    assert "Partial: days without data, acme: 2025-12-31" in after.err


def test_an_empty_report_is_of_yesterday(call: Caller) -> None:
    call.configure(configuration(date(2025, 12, 1)))
    publish_rows(call.folder / "data", [])
    report = json.loads(call.at("2026-03-01T00:00:00+00:00")("report", "--json").out)
    assert (report["from"], report["to"]) == ("2026-02-28", "2026-02-28")


@pytest.mark.parametrize("command", ["backfill", "reprice"])
def test_the_last_whole_day_is_yesterday_in_utc(call: Caller, command: str) -> None:
    call.configure(configuration(date(2025, 12, 1)))
    # Half past eleven in the evening of the old year in New York is half past four of the new one in UTC.
    output = call.at("2025-12-31T23:30:00-05:00")(command, "--to", "2026-01-01")
    assert output.code == 2
    assert "--to 2026-01-01 is not over yet in UTC; the last whole day is 2025-12-31." in output.err


def test_sync_has_nothing_to_fetch_on_the_first_day(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", "a-token")
    call.configure(configuration(date(2026, 1, 1)))
    output = call.at("2026-01-01T23:59:59+00:00")("sync")
    assert (output.code, output.err) == (0, "")
    assert output.out == "Nothing to fetch yet: history_start is 2026-01-01, and no day since then is over.\n"


def test_after_midnight_commands_say_which_day_is_not_there_yet_and_when_it_will_be(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIRCLECI_TOKEN", "a-token")
    call.configure(configuration(date(2025, 12, 31)).replace("[[cost", 'daily_at = "06:00"\n[[cost', 1))
    when = "CircleCI brings a day between 08:00 and 10:00 UTC of the next one"
    sentence = f"2025-12-31 is not there yet: {when}. The first sync after 10:00 UTC fetches it."
    early = call.at("2026-01-01T07:59:59+00:00")
    assert early("sync").out == f"Nothing to fetch yet: {sentence}\n"
    output = early("backfill")
    assert (output.code, output.err) == (0, f"{sentence}\n")
    assert output.out == "Nothing to fetch: every day that CircleCI can serve is there.\n"
    publish_rows(call.folder / "data", [])
    checked = early("check", "--offline")
    assert f"history: {sentence.removesuffix('.')}\n" in checked.out
    assert "daily_at = 06:00 is too early, so the daily run may leave the day before to the next one" in checked.out
    asked = early("report", "--from", "2025-12-31", "--to", "2025-12-31")
    assert (asked.code, asked.err) == (5, f"Partial: days without data, acme: 2025-12-31; wait for them: {when}.\n")
    checked = call.at("2026-01-01T10:00:00+00:00")("check", "--offline")
    assert "acme: 1 day is not there yet (2025-12-31); run `circleci-cost backfill`" in checked.out
    assert sentence.removesuffix(".") not in checked.out


@pytest.mark.parametrize(
    ("now", "start"),
    [(LAST_SECOND, "2024-11-30"), (MIDNIGHT, "2024-12-01"), ("2025-03-29T12:00:00+00:00", "2024-02-29")],
)
def test_init_starts_thirteen_months_ago(call: Caller, now: str, start: str) -> None:
    organization = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
    output = call.at(now)("init", "--non-interactive", "--organization-id", organization)
    assert output.code == 0, output.err
    assert f"history_start = {start}\n" in (call.folder / "circleci_cost.toml").read_text()


def test_init_refuses_a_history_that_starts_tomorrow(call: Caller) -> None:
    output = call.at(LAST_SECOND)("init", "--non-interactive", "--history-start", "2026-01-01")
    assert output.code == 2
    assert "this lies in the future" in output.err


def test_explain_takes_a_leap_day_for_today_and_the_next_for_the_future(call: Caller) -> None:
    call.configure(configuration(date(2024, 2, 1)))
    publish_rows(call.folder / "data", [{"date": date(2024, 2, 29), "compute": 10}])
    call = call.at("2024-02-29T12:00:00+00:00")
    assert "is yet to come" not in call("explain", "--from", "2024-02-29", "--to", "2024-02-29").err
    output = call("explain", "--from", "2024-03-01", "--to", "2024-03-01")
    assert (output.code, output.err) == (
        2,
        "Error: 2024-03-01 is yet to come; there can be no cost of it.\n",
    )


@pytest.mark.parametrize(
    ("now", "when"),
    [
        (LAST_SECOND, "ends on 2026-01-01 (1 day from now)"),
        (MIDNIGHT, "ends on 2026-01-01 (today)"),
        ("2026-01-02T00:00:00+00:00", "ended on 2026-01-01, 1 day ago"),
    ],
)
def test_check_counts_the_days_of_a_token(call: Caller, now: str, when: str) -> None:
    text = configuration(date(2025, 1, 1)).replace(
        "[[cost_centers.pricing]]", "api_token_expires = 2026-01-01\n[[cost_centers.pricing]]"
    )
    call.configure(text)
    assert f"acme: CIRCLECI_TOKEN {when}" in call.at(now)("check", "--offline").out


def test_an_import_refuses_a_day_that_is_not_over(call: Caller) -> None:
    call.configure(NORTHWIND.read_text())
    output = call.at("2024-11-14T23:59:59+00:00")("import", SAMPLE, "--cost-center", "northwind")
    assert output.code == 2
    assert "a day that is not over in UTC (it is 2024-11-14)" in output.err
    assert "Import days up to 2024-11-13" in output.err


@pytest.mark.parametrize(("now", "year"), [(LAST_SECOND, "2025"), (MIDNIGHT, "2026")])
def test_the_price_of_the_demo_is_that_of_its_year(call: Caller, now: str, year: str) -> None:
    output = call.at(now)("--demo", "check", "--offline", "--json")
    assert f'"{year}-01-01"' in output.out
    assert f'"{int(year) + 1}-01-01"' not in output.out


def _said_of_a_wait(capsys: pytest.CaptureFixture[str], lines: Lines, tell: Callable[[Lines], None]) -> str:
    capsys.readouterr()
    tell(lines)
    return capsys.readouterr().err


def test_a_wait_over_midnight_names_the_time_of_the_next_day(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock(datetime(2025, 12, 31, 23, 59, 30, tzinfo=UTC))
    lines = Lines("Fetching", {"acme": [PlannedRun("ingest", "acme", date(2025, 12, 1), date(2025, 12, 30))]}, clock)
    wait = {"event": "waiting", "text": "the quota is used up", "seconds": 60.0}
    assert "again at 00:00:30 UTC, in" in _said_of_a_wait(
        capsys, lines, lambda lines_of_runs: lines_of_runs.show_event("acme", wait)
    )
    clock.sleep(599)
    assert _said_of_a_wait(capsys, lines, lambda lines_of_runs: lines_of_runs.show_event("acme", wait)) == ""
    clock.sleep(1)
    assert "again at 00:10:30 UTC, in" in _said_of_a_wait(
        capsys, lines, lambda lines_of_runs: lines_of_runs.show_event("acme", wait)
    )
