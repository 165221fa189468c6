"""Why and anomalies in a browser: opened parts in other looks than `test_looks` has, keyboard alone, no JavaScript."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from circleci_cost_tests.explorer.accessibility import axe
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.conftest import OpenPage, Screenshot
from circleci_cost_tests.explorer.incident_site import Visitor, make_folder, usage, visiting
from circleci_cost_tests.explorer.looks import (
    ACCESSIBLE_LOOKS,
    LIGHT,
    NARROW,
    NARROW_DARK,
    PRINT,
    WITHOUT_JAVASCRIPT,
    Look,
)
from circleci_cost_tests.explorer.overflow import overflow

WHY = "/why?from=2026-01-01&to=2026-02-28&against=previous&limit=5"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("incidents"), usage())


@pytest.fixture
def visitor(published: Path, tmp_path: Path) -> Iterator[Visitor]:
    with visiting(published, tmp_path / "site") as visitor:
        yield visitor


@pytest.mark.parametrize("look", [NARROW_DARK, WITHOUT_JAVASCRIPT, PRINT], ids=str)
def test_an_opened_mover_and_an_incident_are_readable(open_page: OpenPage, screenshot: Screenshot, look: Look) -> None:
    page = open_page(look)
    page.goto(WHY)
    mover = page.locator("details.mover").first
    expect(mover.get_by_role("table")).to_be_hidden()
    mover.locator("summary").click()
    expect(mover.get_by_role("table")).to_be_visible()
    _check(page, look)
    screenshot(page, f"why-mover-{look}")
    page.goto("/anomalies?all=1")
    page.locator("table.incidents tbody a").first.click()
    expect(page.get_by_role("heading", name="Course")).to_be_visible()
    _check(page, look)
    screenshot(page, f"incident-{look}")


def test_a_name_that_is_longer_than_a_phone_is_wide_breaks(tmp_path: Path, browsing: Browsing) -> None:
    published = make_folder(tmp_path / "published", usage("long-" + "x" * 300))
    with visiting(published, tmp_path / "site") as visitor:
        page = browsing.open(visitor.site.origin, NARROW)
        for address in ("/anomalies?all=1", "/why", f"/anomalies?incident={visitor.incident_ids('status=ended')[0]}"):
            page.goto(address)
            assert "xxxxx" in page.content()
            _check(page, NARROW)
        page.get_by_role("link", name="Why?").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Why did the cost change?")
        page.locator("details.mover > summary").first.click()
        _check(page, NARROW)


def _check(page: Page, look: Look) -> None:
    assert overflow(page) == []
    if look in ACCESSIBLE_LOOKS:
        assert axe(page) == []


@pytest.mark.parametrize("look", [LIGHT, WITHOUT_JAVASCRIPT], ids=str)
def test_an_incident_is_decided_about_by_keyboard_alone(visitor: Visitor, browsing: Browsing, look: Look) -> None:
    page = browsing.open(visitor.site.origin, look)
    page.goto("/anomalies?status=open")
    _tab_to(page, "table.incidents tbody a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("acme / web / build / test")
    _tab_to(page, 'input[value="expected"]')
    page.keyboard.press("Space")
    _tab_to(page, 'input[name="reason"]')
    page.keyboard.type("load test, see <b>#42</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Expected: load test, see <b>#42</b>")).to_be_visible()
    expect(page.locator("h1 .badge")).to_have_text("expected")
    assert visitor.decisions is not None and 'expected,"load test, see <b>#42</b>",' in visitor.decisions
    _tab_to(page, 'button[value="none"]')
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody has decided about this incident.")).to_be_visible()
    assert visitor.decisions == "incident,decision,reason,until\n"


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    wanted = page.locator(selector).first
    for _ in range(60):
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_a_sent_form_of_why_becomes_a_short_address_and_back_leads_back(open_page: OpenPage) -> None:
    page = open_page()
    page.goto(WHY)
    page.get_by_label("Movers by").select_option("project")
    page.get_by_label("Only (such as project=web)").fill("organization=acme")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("organization acme")
    assert re.search(r"/why\?[^?]*by=project", page.url) and "against_from" not in page.url
    page.get_by_label("Take out: organization acme").click()
    expect(page.get_by_label("Take out: organization acme")).to_have_count(0)
    page.go_back()
    expect(page.get_by_label("Take out: organization acme")).to_be_visible()
