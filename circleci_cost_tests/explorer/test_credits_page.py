"""The page of the credits: the command's figures, the chart's months, every lot, and pages without purchases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import httpx
import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.credits.credit_ledger import write_credits
from circleci_cost.warehouse.credits.reconciliation import write_reconciliation
from circleci_cost.warehouse.publishing.publish import publish
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.explorer.html_tables import table_with
from circleci_cost_tests.explorer.serving import Site, serving

FIRST, THROUGH = date(2026, 1, 1), date(2026, 3, 12)
NOW = datetime(2026, 3, 13, 12, tzinfo=UTC)
PURCHASES = """
[[cost_centers.purchases]]
date = 2026-01-01
credits = 960_000
usd = 480
invoice = "=<script>alert(1)</script>"
[[cost_centers.purchases]]
date = 2026-03-01
credits = 250_000
usd = 150
expires = 2026-04-20
[[cost_centers.invoices]]
period = "2026-01"
amount = 500
number = "<img src=x>"
"""


def published(folder: Path, more: str = "") -> Settings:
    (folder / "circleci_cost.toml").write_text(configuration(FIRST) + more)
    publish_rows(folder / "data", ({"date": day, "compute": 10_000} for day in days_between(FIRST, THROUGH)))
    settings = read_settings(folder / "circleci_cost.toml")
    lake, usable, nothing = (
        open_lake(settings.data_dir),
        usable_credits(settings),
        pl.DataFrame(schema=restatements.SCHEMA),
    )
    with duckdb.connect(str(lake.warehouse)) as connection:
        write_credits(connection, usable.centers, ForecastSettings(method="mean"))
        write_reconciliation(connection, usable.invoiced, nothing)
        publish(connection, lake, nothing, datetime.now(UTC))
    return settings


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(published(tmp_path_factory.mktemp("credits"), PURCHASES), clock=ManualClock(NOW)) as site:
        yield site


def test_the_page_shows_what_the_command_says_and_escapes_names(site: Site) -> None:
    page = httpx.get(f"{site.origin}/credits", timeout=60).text
    for words in (
        "500,000",
        "worth $275.00",
        "$0.00055",
        "Credits run out on 2026-04-",
        "350,000 credits, $210.00 at the price of the last purchase, would last to 2026-",
        "110,000 credits worth $66.00 will probably expire unused",
        "=&lt;script&gt;alert(1)&lt;/script&gt;",
        "acme, 2026-01-01 to 2026-01-31 (&lt;img src=x&gt;): $500.00",
    ):
        assert words in page, words
    assert "<script>alert" not in page
    months = [[cell.text.strip() for cell in row] for row in table_with(page, "End of")[1:]]
    assert months[:3] == [
        ["Sat 31 Jan 2026", "650,000", ""],
        ["Sat 28 Feb 2026", "370,000", ""],
        ["Thu 12 Mar 2026", "500,000", ""],
    ]
    assert months[3][0] == "Tue 31 Mar 2026"
    assert months[3][2]
    assert site.take_bugs() == []


def test_the_csv_has_every_lot_to_the_last_digit_and_no_formula(site: Site) -> None:
    lines = httpx.get(f"{site.origin}/credits.csv", timeout=60).text.splitlines()
    assert lines[1] == (
        "acme,acme/2026-01-01/purchase,purchase,2026-01-01,2027-01-01,'=<script>alert(1)</script>,960000,480,710000,"
        "355,0,0,250000,125"
    )
    assert len(lines) == 3


def test_without_purchases_the_page_says_how_to_enter_them(tmp_path: Path) -> None:
    with serving(published(tmp_path), clock=ManualClock(NOW)) as site:
        page = httpx.get(f"{site.origin}/credits", timeout=60).text
        assert "No purchases of credits are written down" in page
        assert httpx.get(f"{site.origin}/credits.csv", timeout=60).text.count("\n") == 1
        assert site.take_bugs() == []
