"""Figures of the demo's start page that other pages and tables have, too: forecasts, reasons, colours."""

import re
from collections.abc import Mapping
from decimal import Decimal
from html import unescape

import httpx
import pytest

from circleci_cost_tests.explorer.figures import shown
from circleci_cost_tests.explorer.serving import Site

_DATA = re.compile(r'<data value="([^"]+)">')


def _colors(site: Site, query: str) -> Mapping[str, int]:
    page = shown(site.origin, query)
    return {each["name"]: each["color"] for each in page.chart["series"] if each["role"] == "key"}


def test_groups_of_two_dimensions_keep_their_colours_over_periods_and_filters(site: Site) -> None:
    whole = _colors(site, "by=cost_center&by=organization&period=12m&compare=off")
    assert sorted(whole) == ["acme · acme", "acme · acme-labs", "globex · globex"]
    for query in ("period=7d", "where=organization!=acme", "where=cost_center=globex&metric=runs"):
        assert _colors(site, f"by=cost_center&by=organization&compare=off&{query}").items() <= whole.items()


@pytest.mark.parametrize(
    ("query", "series_kind", "series"),
    [
        ("", "total", "total"),
        ("where=cost_center=globex", "cost_center", "globex"),
        ("where=team=web", "tag", "team=web"),
    ],
)
def test_the_forecast_of_a_month_is_its_exact_days_and_the_published_forecast(
    site: Site, query: str, series_kind: str, series: str
) -> None:
    report = httpx.get(f"{site.origin}/api/report?from=2026-03-01&to=2026-03-18&{query}", timeout=60).json()
    with site.explorer.snapshots.take(site.settings) as snapshot:
        remaining = snapshot.connection.execute(
            "SELECT median, p10, p90 FROM forecast_totals "
            "WHERE unit = 'USD' AND series_kind = $kind AND series = $series",
            {"kind": series_kind, "series": series},
        ).fetchone()
    assert remaining
    median, low, high = (Decimal(report["total"]["cost"]) + part for part in remaining)
    assert shown(site.origin, query).cards["Forecast for March 2026"] == (
        f"${median:,.2f}",
        f"${low:,.2f} – ${high:,.2f} in 8 of 10 cases",
    )


@pytest.mark.parametrize(
    "query",
    [
        "by=team&period=7d",
        "by=charge_type&where=project!=web-app&where=project!=docs",
        "by=project&where=job~test&where=team=web&compare=weekdays&period=7d",
    ],
)
def test_the_reasons_of_each_change_are_of_exactly_that_change(site: Site, query: str) -> None:
    with httpx.Client(base_url=site.origin, timeout=60) as client:
        html = client.get(f"/?{query}").text
        table = html[html.index('aria-labelledby="figures"') :]
        rows = [row for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL) if 'class="why"' in row][:4]
        assert rows
        for row in rows:
            now, before = (Decimal(text) for text in _DATA.findall(row)[:2])
            link = re.search(r'class="why" href="([^"]+)"', row)
            assert link
            reasons = client.get(unescape(link[1])).text
            assert Decimal(_change_of(reasons)) == now - before


def test_charge_types_of_users_fit_into_the_memory_of_a_page(site: Site) -> None:
    asked = f"{site.origin}/api/report?from=2026-01-01&to=2026-03-18&by=charge_type"
    whole, by_user = (httpx.get(asked + more, timeout=60).json() for more in ("", "&by=trigger_user"))
    assert by_user.get("total") == whole["total"]


def _change_of(html: str) -> str:
    """The change, to the last digit, of the page of reasons."""
    card = html[html.index("<dt>Change</dt>") :]
    note = re.search(r'<dd class="note">([^<]+)</dd>', card)
    assert note
    return note[1].replace("$", "").replace(",", "")
