"""Notices about credits from a published state to the receiver: once, until more is bought."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.credits.definition import Plan, Purchase
from circleci_cost.model.credits.purchases import CenterCredits
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.notify.occasions import occasions
from circleci_cost.warehouse.credits.credit_ledger import write_credits
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.notify.harness import Site, webhook_section
from circleci_cost_tests.notify.receiver import Receiver
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST, THROUGH = date(2026, 3, 1), date(2026, 4, 28)
NOW = datetime.combine(date(2026, 4, 29), time(12), UTC)


@pytest.fixture
def told(site: Site, receiver: Receiver, tmp_path: Path) -> Any:
    """Publishes these purchases after 59 days of 10,000 credits, tells in two runs, and returns what arrived."""
    publish_rows(tmp_path / "data", [{"date": day, "compute": 10_000} for day in days_between(FIRST, THROUGH)])
    lake = open_lake(tmp_path / "data")
    site.configure(webhook_section(receiver, events=["credits_low", "credits_expiring", "builds_may_stop"]))
    (site.folder / "circleci_cost.toml").write_text(configuration())
    settings = read_settings(site.folder / "circleci_cost.toml")
    site.clock.advance(NOW - site.clock.now())

    def publish_credits(*purchases: Purchase, plan: Plan | None = None) -> list[dict[str, Any]]:
        center = CenterCredits("acme", purchases, plan or Plan())
        with tables_to_publish(lake) as connection:
            write_credits(connection, [center], ForecastSettings(method="mean"))
            publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), NOW)
        for _ in range(2):
            site.run(*occasions(settings, (), lake, current_generation(lake), NOW, outbox=site.outbox))
        bodies = [json.loads(request.body) for request in receiver.requests]
        receiver.requests.clear()
        return bodies

    return publish_credits


def bought(day: date, credits: int, usd: int, **more: Any) -> Purchase:
    return Purchase(date=day, credits=Decimal(credits), usd=Decimal(usd), **more)


def test_low_credits_and_builds_that_may_stop_are_told_once_until_more_is_bought(told: Any) -> None:
    low, stop = told(bought(FIRST, 640_000, 384))
    assert (low["event"], low["severity"], low["key"]) == (
        "credits_low",
        "warning",
        {"subject": "acme", "period": "2026-03-01", "threshold": ""},
    )
    assert (stop["event"], stop["severity"]) == ("builds_may_stop", "critical")
    assert stop["title"] == "acme: builds may stop on 2026-05-03, credits run out"
    assert stop["lines"][0] == "Credits run out about 2026-05-04 (80 %: 2026-05-03 – 2026-05-04), and builds stop."
    assert (stop["data"]["balance_credits"], stop["data"]["runs_out_earliest"]) == ("50000", "2026-05-03")
    # Bought are some days more: they are low again, and nothing stops within a week.
    assert [body["event"] for body in told(bought(FIRST, 640_000, 384), bought(THROUGH, 100_000, 60))] == [
        "credits_low"
    ]


def test_with_automatic_refills_low_credits_are_told_and_no_stop(told: Any) -> None:
    (low,) = told(bought(FIRST, 640_000, 384), plan=Plan(auto_refill=True))
    assert low["lines"] == [
        "Credits run out about 2026-05-04 (80 %: 2026-05-03 – 2026-05-04); 160,000 credits are bought "
        "automatically about 2026-05-03."
    ]


def test_paid_credits_that_expire_unused_are_told_once_per_day_of_expiry(told: Any) -> None:
    credits = (bought(FIRST, 700_000, 420, expires=date(2026, 5, 3)), bought(date(2026, 3, 2), 9_000_000, 5400))
    (expiring,) = told(*credits)
    assert expiring["title"] == "acme: credits worth $36.00 will probably expire unused on 2026-05-03"
    assert expiring["data"] == {
        "cost_center": "acme",
        "expires": "2026-05-03",
        "expiring_credits": "60000",
        "expiring_usd": "36",
    }


def test_the_digest_of_an_owner_of_everything_says_how_long_credits_last(told: Any, site: Site, tmp_path: Path) -> None:
    told(bought(FIRST, 640_000, 384))
    owners = (
        '[[notifications.channels]]\nname = "chat"\ntype = "slack"\nurl_env = "CHAT"\n'
        '[[notifications.owners]]\nname = "finops"\nchannels = ["chat"]\ndigest = "daily"\n'
        '[[notifications.owners]]\nname = "web"\nchannels = ["chat"]\ndigest = "daily"\nwhere = { project = "web" }\n'
    )
    (site.folder / "circleci_cost.toml").write_text(configuration() + owners)
    settings, lake = read_settings(site.folder / "circleci_cost.toml"), open_lake(tmp_path / "data")
    notices = occasions(settings, (), lake, current_generation(lake), NOW, outbox=site.outbox)
    last_lines = {notice.owner: notice.message.lines[-1] for notice in notices if notice.key.event == "digest"}
    run_out = "acme: credits run out about 2026-05-04 (80 %: 2026-05-03 – 2026-05-04), and builds stop."
    assert last_lines["finops"] == run_out
    assert last_lines["web"] != run_out


def test_without_purchases_nothing_is_told(told: Any) -> None:
    assert told() == []
