"""The page of the credits: the command's figures, the chart's months, every lot, and pages without purchases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost_tests.explorer.html_tables import table_with
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.warehouse.credits.published import PURCHASES, publish_credits

NOW = datetime(2026, 3, 13, 12, tzinfo=UTC)
INVOICE = """
[[cost_centers.invoices]]
period = "2026-01"
amount = 500
number = "<img src=x>"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(
        publish_credits(tmp_path_factory.mktemp("credits"), PURCHASES + INVOICE), clock=ManualClock(NOW)
    ) as site:
        yield site


def test_the_page_shows_what_the_command_says_and_escapes_names(site: Site) -> None:
    page = httpx.get(f"{site.origin}/credits", timeout=60).text
    for words in (
        "500,000",
        "worth $275.00",
        "$0.00055",
        "Credits run out on 2026-04-",
        "A top-up of 350,000 credits ($210.00 at the price of the last purchase) would last to 2026-",
        "110,000 credits worth $66.00 will probably expire unused",
        "=&lt;script&gt;alert(1)&lt;/script&gt;",
        "acme, 2026-01-01 to 2026-01-31 (&lt;img src=x&gt;): $500.00 billed",
        "What stays unexplained may be a line of the invoice",
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
    with serving(publish_credits(tmp_path, ""), clock=ManualClock(NOW)) as site:
        page = httpx.get(f"{site.origin}/credits", timeout=60).text
        assert "No purchases of credits are written down" in page
        assert "No purchases of acme" not in page, "the page says so above"
        assert httpx.get(f"{site.origin}/credits.csv", timeout=60).text.count("\n") == 1
        assert site.take_bugs() == []
