"""Incidents on the whole way, from CircleCI's export to the webhook: told once, to whom they belong, and decided."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from circleci_cost.notify.outbox import outbox_path
from circleci_cost.simulator import Event, Job, Organization, Project, Scenario, Workflow
from circleci_cost.simulator.scenario import EventKind
from circleci_cost_tests.notify.receiver import Receiver
from circleci_cost_tests.pipeline.harness import Center, Site, checks, metadata, running
from circleci_cost_tests.pipeline.scenarios import PAYING

FIRST = date(2024, 1, 9)
# A Wednesday: two more working days come before the week-end.
BEGIN = date(2024, 3, 6)
DAY = timedelta(days=1)
HOSTILE = "<b>|x"
# One file for all tests that decide something; relative to the configuration.
DECISIONS = 'decisions = "decisions.csv"\n'
_BUILD = Workflow("build", (Job("test", 300, "large"),))
_FOUNDED = date(2019, 1, 1)
_JOB = "build / test"
# What decisions and [anomalies] change, and what makes it known.
_TOLD = ("cost_anomalies", "anomaly_drivers", "published", "notifications")


def scenario(*events: Event, projects: tuple[str, ...] = ("web", "api")) -> Scenario:
    """One organization of small projects, each with one job that runs about twenty times on a working day."""
    made = tuple(
        Project(f"aaaaaaaa-0000-4000-8000-00000000000{number}", name, _FOUNDED, (_BUILD,))
        for number, name in enumerate(projects)
    )
    return Scenario((Organization(PAYING, "initech", "gh/initech", _FOUNDED, made, 22.0 * len(made)),), events)


def shift(project: str, factor: float, first: date = BEGIN, last: date | None = None) -> Event:
    """A project runs so many times as often, from a day on or until another."""
    return Event(EventKind.LEVEL_SHIFT, "initech", first, factor, last, project=project)


def sections(receiver: Receiver, anomalies: str = "") -> str:
    """Three channels for anomalies, two of which belong to the owners of a project each."""
    channels = "".join(
        f'[[notifications.channels]]\nname = "{name}"\ntype = "webhook"\nurl = "{receiver.origin}/{name}"\n'
        'events = ["anomaly", "anomaly_recovered"]\n'
        for name in ("all", "web", "api")
    )
    owners = "".join(
        f'[[notifications.owners]]\nname = "{name}"\nchannels = ["{name}"]\nwhere = {{ project = "{name}" }}\n'
        for name in ("web", "api")
    )
    return f"[anomalies]\nminimum_impact_usd = 0.1\n{anomalies}{channels}{owners}"


def opened(folder: Path, of: Scenario) -> AbstractContextManager[Site]:
    """A site on the day before anything happens."""
    now = datetime.combine(BEGIN - DAY, time(), UTC)
    return running(folder, {"initech": Center(PAYING)}, of, now=now, history_start=FIRST)


def imported(site: Site, last: date, first: date | None = None) -> dg.ExecuteInProcessResult:
    """What the schedule does on the day after `last`."""
    site.advance_to(datetime.combine(last + DAY, time(12), UTC))
    return site.run("refresh", "initech", first or last - DAY, last)


def notified(receiver: Receiver, since: int = 0) -> list[tuple[str, str, str, str]]:
    """Channel, event, series and threshold of the requests, in their order."""
    bodies = [(each.path.strip("/"), json.loads(each.body)) for each in receiver.requests[since:]]
    return [(path, body["event"], body["data"]["series"], body["key"]["threshold"]) for path, body in bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


def test_f105_the_same_anomaly_next_day_is_not_sent_again(tmp_path: Path, receiver: Receiver) -> None:
    """Five daily runs: each incident is told on the day after it begins, once, to its owner or else to everybody."""
    events = (shift("web", 3.0), shift("shop", 0.2, BEGIN + DAY))
    days = []
    with opened(tmp_path, scenario(*events, projects=("web", "api", "shop"))) as site:
        site.sections = sections(receiver)
        imported(site, BEGIN - DAY, FIRST)
        for number in range(5):
            before = len(receiver.requests)
            imported(site, BEGIN + number * DAY)
            days.append(set(notified(receiver, before)))
        incidents = site.table("anomaly_incidents")
    web = {("web", "anomaly", f"initech / web / {_JOB}", "0")}
    shop = {(name, "anomaly", f"initech / shop / {_JOB}", "0") for name in ("all", "web", "api")}
    # A third of the usual on one day may be chance; with the next two days it is none.
    assert days == [web, set(), set(), shop, set()]
    assert len(receiver.requests) == len(web | shop)
    open_ones = incidents.filter(status="open").select("project", "direction").sort("project").rows()
    assert open_ones == [("shop", "down"), ("web", "up")]


def test_an_incident_is_told_again_when_it_has_doubled_and_its_end_once(tmp_path: Path, receiver: Receiver) -> None:
    last = BEGIN + 8 * DAY
    events = (shift("web", 2.2, BEGIN, last), shift("web", 3.0, BEGIN + 5 * DAY, last))
    job = f"initech / web / {_JOB}"
    with opened(tmp_path, scenario(*events)) as site:
        site.sections = sections(receiver)
        imported(site, BEGIN + DAY, FIRST)
        assert notified(receiver) == [("web", "anomaly", job, "0")]
        imported(site, last, BEGIN)
        assert notified(receiver, 1) == [("web", "anomaly", job, "1")]
        for through in (last + 4 * DAY, last + 5 * DAY):
            imported(site, through, last)
        assert notified(receiver, 2) == [("web", "anomaly_recovered", job, "")]
    first, grown, end = (json.loads(each.body) for each in receiver.requests)
    assert len({body["key"]["subject"] for body in (first, grown, end)}) == 1
    assert grown["title"].endswith("so far (grown)")
    assert Decimal(grown["data"]["peak_usd_per_day"]) >= 2 * Decimal(first["data"]["peak_usd_per_day"])
    assert end["title"].startswith(f"{job}: level shift up has ended, +$")


def test_a_first_import_tells_nothing_older_than_a_week_and_no_end_of_what_was_over(
    tmp_path: Path, receiver: Receiver
) -> None:
    long_ago = shift("web", 4.0, BEGIN - 29 * DAY, BEGIN - 26 * DAY)
    with opened(tmp_path, scenario(long_ago, shift("web", 4.0, BEGIN, BEGIN))) as site:
        site.sections = sections(receiver)
        imported(site, BEGIN + 5 * DAY, FIRST)
        incidents = site.table("anomaly_incidents").sort("first_day").select("first_day", "project", "status").rows()
        assert incidents[0] == (BEGIN - 29 * DAY, "web", "ended")
        assert incidents[-1] == (BEGIN, "web", "ended")
        imported(site, BEGIN + 6 * DAY)
    (body,) = (json.loads(each.body) for each in receiver.requests)
    assert (body["event"], body["data"]["first_day"], body["data"]["status"]) == ("anomaly", f"{BEGIN}", "ended")


@dataclass(frozen=True)
class Changed:
    """A site in which a project with a hostile name has changed for two days, and the run that found it."""

    site: Site
    receiver: Receiver
    result: dg.ExecuteInProcessResult
    incident: str

    def allocate(self, anomalies: str = "") -> dg.ExecuteInProcessResult:
        """Look for anomalies again, with more in [anomalies], publish and tell what was found."""
        self.site.sections = sections(self.receiver, anomalies)
        return self.site.run_whole("allocate", only=_TOLD)

    def decide(self, *lines: str) -> Path:
        """Write the file of decisions."""
        path = self.site.folder / "decisions.csv"
        path.write_text("\n".join(("incident,decision,reason,until", *lines)) + "\n")
        return path

    def incidents(self) -> list[dict[str, Any]]:
        """What is published."""
        return self.site.table("anomaly_incidents").to_dicts()

    def forget(self) -> None:
        """Forget what was told."""
        outbox_path(self.site.lake).unlink()
        self.receiver.requests.clear()


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changed]:
    of = scenario(shift(HOSTILE, 3.0), projects=("web", HOSTILE))
    with Receiver() as receiver, opened(tmp_path_factory.mktemp("changed"), of) as site:
        site.sections = sections(receiver)
        result = imported(site, BEGIN + DAY, FIRST)
        (incident,) = site.table("anomaly_incidents")["incident_id"]
        yield Changed(site, receiver, result, incident)


def test_a_run_shows_its_incidents_in_numbers_and_a_table_that_no_name_breaks(changed: Changed) -> None:
    shown = metadata(changed.result, "cost_anomalies")
    table = shown.pop("newest_incidents").splitlines()
    numbers = {name: shown[name] for name in ("incidents", "open_incidents", "series", "series_too_short")}
    series = changed.site.table("cost_anomalies").filter(measure="cost").n_unique(["series_kind", "series"])
    assert numbers == {"incidents": 1, "open_incidents": 1, "series": series, "series_too_short": 0.0}
    (row,) = changed.site.table("anomaly_incidents").to_dicts()
    assert shown["open_impact_usd"] == float(row["impact_usd"]) > 1
    assert shown["dagster/row_count"] == changed.site.table("cost_anomalies").height
    assert shown["data_through"] == f"initech: {BEGIN + DAY}"
    assert len(table) == 3
    assert table[2].startswith(f"| {changed.incident} | ")
    assert f"initech / &lt;b\\>\\|x / {_JOB}" in table[2]
    assert table[2].replace("\\|", "").count("|") == table[0].count("|")


def test_a_run_shows_why_and_the_effects_add_up(changed: Changed) -> None:
    shown = metadata(changed.result, "anomaly_drivers")
    header, _, row = shown["explained"].splitlines()
    assert header == "| incident | since | impact | why |"
    assert f"| initech / &lt;b\\>\\|x / {_JOB} | {BEGIN} | +$" in row
    assert ": runs +$" in row
    drivers = changed.site.table("anomaly_drivers").sort("rank")
    assert shown["dagster/row_count"] == drivers.height
    assert drivers["effect_usd"][1:].sum() == drivers["change_usd"][0]
    assert drivers["driver"][0] == "runs"
    assert drivers["driver"].to_list()[-1] == "rest"


def test_an_open_incident_is_a_warning_and_the_other_checks_pass(changed: Changed) -> None:
    results = checks(changed.result)
    names = ("no_open_incidents", "few_false_alarms", "series_long_enough", "decisions_match_incidents")
    assert {name: results[name].passed for name in names} == dict.fromkeys(names, True) | {"no_open_incidents": False}
    assert results["no_open_incidents"].severity is dg.AssetCheckSeverity.WARN
    assert results["no_open_incidents"].description == (f"initech / {HOSTILE} / {_JOB} (spike since {BEGIN})")


def test_an_expected_incident_is_not_told_and_is_no_warning(changed: Changed) -> None:
    changed.decide(f"{changed.incident},expected,the new suite,2024-12-31")
    changed.forget()
    result = changed.allocate(DECISIONS)
    assert notified(changed.receiver) == []
    (row,) = changed.incidents()
    assert (row["incident_id"], row["status"], row["reason"]) == (changed.incident, "expected", "the new suite")
    assert row["decided_until"] == date(2024, 12, 31)
    assert checks(result)["no_open_incidents"].passed
    assert metadata(result, "cost_anomalies")["open_incidents"] == 0

    # A decision that has ended no longer holds.
    changed.decide(f"{changed.incident},expected,,{BEGIN}")
    changed.allocate(DECISIONS)
    assert [event for _, event, *_ in notified(changed.receiver)] == ["anomaly"] * 3
    assert [row["status"] for row in changed.incidents()] == ["open"]


def test_a_mistake_in_the_decisions_is_said_and_those_that_were_read_last_stay(changed: Changed) -> None:
    changed.decide(f"{changed.incident},ignored,a migration,")
    changed.allocate(DECISIONS)
    path = changed.decide(f"{changed.incident},expectd,,")
    results = checks(changed.allocate(DECISIONS))
    assert [row["status"] for row in changed.incidents()] == ["ignored"]
    assert (results["no_open_incidents"].passed, results["decisions_match_incidents"].passed) == (True, True)
    assert results["decisions_readable"].description == (
        f"{path}, line 2: 'expectd' is no decision; write expected or ignored. Until then the decisions that were read "
        "last stay."
    )


def test_a_decision_about_an_incident_that_is_gone_is_a_warning(changed: Changed) -> None:
    path = changed.decide(f"{changed.incident},ignored,,", "0123456789,expected,,")
    check = checks(changed.allocate(DECISIONS))["decisions_match_incidents"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == (
        f"{path}, line 3: there is no incident '0123456789'; correct it (`circleci-cost anomalies --all` names those "
        "there are), or remove the line if it is gone"
    )
    assert [row["status"] for row in changed.incidents()] == ["ignored"]


def test_what_happens_in_an_ignored_period_is_no_incident(changed: Changed) -> None:
    changed.forget()
    period = f'[[anomalies.ignored_periods]]\nfrom = {BEGIN}\nuntil = {BEGIN + DAY}\nreason = "a migration"\n'
    result = changed.allocate(period)
    assert (changed.incidents(), notified(changed.receiver)) == ([], [])
    assert metadata(result, "cost_anomalies")["incidents"] == 0
    assert changed.site.table("anomaly_drivers").height == 0
