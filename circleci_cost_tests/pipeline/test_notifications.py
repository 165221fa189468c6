"""What people hear of the pipeline: each message once over two runs, failed syncs and their end, late channels."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from circleci_cost_tests.notify.mailbox import Mailbox
from circleci_cost_tests.notify.receiver import Answer, Receiver
from circleci_cost_tests.pipeline.harness import COSTS, PRICED, Price, Site, environment, initech, metadata, running
from circleci_cost_tests.pipeline.scenarios import YESTERDAY
from circleci_cost_tests.simulator_faults import actions

FIRST = YESTERDAY - timedelta(days=20)
SECRETS = {"NOTIFY_WEBHOOK_SECRET": "Y2FuYXJ5LXNpZ25pbmcta2V5LW9mLTMyLWJ5dGVzLi4="}
BUDGETS = """
[[budgets]]
name = "web"
amount = 0.01
where = { project = "web" }
owner = "web"
[[budgets]]
name = "all"
amount = 100000
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, receiver: Receiver) -> Iterator[Site]:
    """A site whose price ends in nine days, with a mailbox on the way and a webhook."""
    centers = initech(Price("0.0006", "2022-01-01", "2024-03-20"))
    with environment(SECRETS), running(tmp_path, centers, history_start=FIRST) as opened_site:
        opened_site.sections = BUDGETS + _channels(receiver)
        yield opened_site


def _channels(receiver: Receiver) -> str:
    return f"""
[[notifications.channels]]
name = "hook"
type = "webhook"
url = "{receiver.origin}/hook"
secret_env = "NOTIFY_WEBHOOK_SECRET"
[[notifications.owners]]
name = "web"
channels = ["hook"]
digest = "weekly"
where = {{ project = "web" }}
"""


def _told(receiver: Receiver) -> Counter[tuple[str, str, str, str]]:
    bodies = [json.loads(request.body) for request in receiver.requests]
    return Counter(
        (body["event"], *(body["key"][name] for name in ("subject", "period", "threshold"))) for body in bodies
    )


def _first(receiver: Receiver, event: str) -> dict[str, Any]:
    bodies: list[dict[str, Any]] = [json.loads(request.body) for request in receiver.requests]
    return next(body for body in bodies if body["event"] == event)


FIRST_RUN = {
    ("import_complete", "initech", "", ""): 1,
    ("price_gap", "initech", "2024-03-21", ""): 1,
    ("budget", "web", "2024-03", "actual 1"): 1,
    ("digest", "web", "2024-W10", ""): 1,
}


def test_each_message_is_sent_once_over_two_runs(site: Site, receiver: Receiver) -> None:
    result = site.run("refresh", "initech", FIRST, YESTERDAY)
    assert _told(receiver) - Counter({key: 1 for key in _told(receiver) if key[0] == "data_quality"}) == FIRST_RUN
    assert metadata(result, "notifications")["sent"] == len(receiver.requests)

    said = next(
        body for body in map(json.loads, (each.body for each in receiver.requests)) if body["event"] == "digest"
    )
    costs = site.table("daily_costs")
    week = costs.filter(costs["date"].is_between(date(2024, 3, 4), date(2024, 3, 10)), project="web")
    before = costs.filter(costs["date"].is_between(date(2024, 2, 26), date(2024, 3, 3)), project="web")
    assert said["data"]["cost_usd"] == _plain(week["cost_usd"].sum())
    assert said["data"]["cost_usd_before"] == _plain(before["cost_usd"].sum())

    first = len(receiver.requests)
    site.clock.advance(timedelta(hours=2))
    site.run("refresh", "initech", FIRST, YESTERDAY)
    assert len(receiver.requests) == first


def _plain(amount: object) -> str:
    return f"{amount}".rstrip("0").rstrip(".")


def test_a_failed_sync_is_told_once_and_so_is_its_end(site: Site, receiver: Receiver) -> None:
    _sync(site, FIRST, YESTERDAY - timedelta(days=1), published=True)
    for _ in range(2):
        site.clock.advance(timedelta(minutes=10))
        site.fault("create", actions.Respond(403))
        failed = _sync(site, YESTERDAY, YESTERDAY, fails=True)
        _tell(site, failed)
    titles = _told(receiver)
    (failure,) = (key for key in titles if key[0] == "sync_failed")
    assert titles[failure] == 1
    body = _first(receiver, "sync_failed")
    assert "has no access (403)" in body["data"]["error"]
    assert (body["data"]["from"], body["data"]["to"]) == (f"{YESTERDAY}", f"{YESTERDAY}")

    # A run that reads nothing, or other days, brings none of the failed ones.
    site.run("reprice", "initech", FIRST, FIRST, only=["daily_costs", "notifications"])
    _sync(site, FIRST, FIRST)
    assert not [key for key in _told(receiver) if key[0] == "sync_recovered"]
    _sync(site, YESTERDAY, YESTERDAY)
    _sync(site, YESTERDAY, YESTERDAY)
    assert _told(receiver)["sync_recovered", "initech", failure[2], ""] == 1


def test_a_rule_that_cannot_be_applied_is_told_although_no_run_failed(site: Site, receiver: Receiver) -> None:
    site.refresh("initech", FIRST, YESTERDAY)
    site.sections += '[[virtual_tags]]\nname = "team"\n[[virtual_tags.mappings]]\nfile = "gone.csv"\n'
    site.run_whole("allocate")
    subjects = [key[1] for key in _told(receiver) if key[0] == "data_quality"]
    assert subjects == ["tag_files_readable: allocated_costs"]
    assert not [key for key in _told(receiver) if key[0] == "sync_failed"]


def test_a_run_that_fails_after_the_sync_is_told_as_what_it_is(site: Site, receiver: Receiver) -> None:
    site.refresh("initech", FIRST, FIRST)
    site.lake.published.rename(site.lake.published.with_name("elsewhere"))
    site.lake.published.write_text("a file where a folder should be")
    for job in (site.run_whole("allocate", fails=True), site.run("reprice", "initech", FIRST, FIRST, fails=True)):
        _tell(site, job)
    subjects = [key[1] for key in _told(receiver) if key[0] == "data_quality" and key[1].startswith("run failed")]
    assert subjects == ["run failed: allocation and budgets", "run failed: costs of initech"]
    assert not [key for key in _told(receiver) if key[0] == "sync_failed"]


def _sync(
    site: Site, first: date, last: date, *, published: bool = False, fails: bool = False
) -> dg.ExecuteInProcessResult:
    """Read, price and tell, without budgets and anomalies; publish where that is asked for."""
    only = COSTS if published else PRICED
    return site.run("refresh", "initech", first, last, only=(*only, "notifications"), fails=fails)


def _tell(site: Site, failed: dg.ExecuteInProcessResult) -> None:
    """Do what the daemon does when a run has failed: evaluate the sensor."""
    (sensor,) = (each for each in site.definitions.sensors or () if each.name == "failed_syncs")
    assert isinstance(sensor, dg.SensorDefinition)
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_syncs",
        dagster_event=failed.get_run_failure_event(),
        dagster_instance=site.instance,
        dagster_run=failed.dagster_run,
    )
    sensor(context.for_run_failure())


def test_f103_a_channel_that_is_down_fails_no_run_and_loses_no_message(site: Site, receiver: Receiver) -> None:
    receiver.answers.extend([Answer(500)] * 3)
    result = site.run("refresh", "initech", FIRST, YESTERDAY)
    results = {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}
    assert not results["messages_delivered"].passed
    assert "500" in (results["messages_delivered"].description or "")
    assert metadata(result, "notifications")["waiting"] > 0

    # What the sensor `outbox` starts when the time has come.
    (outbox,) = (each for each in site.definitions.sensors or () if each.name == "outbox")
    assert isinstance(outbox, dg.SensorDefinition)
    receiver.answers.clear()
    site.clock.advance(timedelta(hours=1))
    assert isinstance(outbox(dg.build_sensor_context(instance=site.instance)), dg.RunRequest)
    site.run_whole("notify")
    assert isinstance(outbox(dg.build_sensor_context(instance=site.instance)), dg.SkipReason)
    assert set(FIRST_RUN) <= set(_told(receiver))
    assert metadata(site.run_whole("notify"), "notifications")["waiting"] == 0


def test_an_e_mail_tells_the_first_import_with_its_prices_and_a_check_what_no_channel_hears(
    site: Site, receiver: Receiver
) -> None:
    with Mailbox(starttls=False) as mailbox:
        site.sections = (
            '[[notifications.channels]]\nname = "mail"\ntype = "email"\nto = ["finops@example.com"]\n'
            f'from = "cost@example.com"\nhost = "127.0.0.1"\nport = {mailbox.port}\nsecurity = "none"\n'
            'events = ["import_complete"]\n'
        )
        result = _sync(site, FIRST, YESTERDAY, published=True)
        (mail,) = mailbox.mails
    assert mail["subject"].startswith("[CircleCI cost] initech: first import complete, $")
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "2022-01-01" in text
    assert "0.0006" in text
    assert f"{site.table('daily_costs')['jobs'].sum():,}" in text

    check = {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}[
        "messages_delivered"
    ]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == "No channel hears of price_gap: initech: no price from 2024-03-21 on"
