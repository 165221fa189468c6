"""The main path through the start page: group, filter, drill down to a job run, back, copy the link, download."""

import csv
import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from circleci_cost_tests.explorer.conftest import OpenPage
from circleci_cost_tests.explorer.looks import WITHOUT_JAVASCRIPT, Look

_CIRCLECI = re.compile(r"https://app\.circleci\.com/pipelines/.+/jobs/\d+")


def _figures(page: Page) -> list[str]:
    """The texts of the table's rows: name and cost."""
    return page.locator("table.data tbody tr").first.locator("th, td").all_inner_texts()[:2]


def _menu(page: Page, label: str, option: str) -> None:
    page.locator("details.menu summary", has_text=label).first.click()
    page.get_by_role("link", name=option, exact=True).locator("visible=true").first.click()


def _total(page: Page) -> str:
    return page.locator("tfoot data").first.get_attribute("value") or ""


@pytest.mark.parametrize("look", [None, WITHOUT_JAVASCRIPT], ids=["with JavaScript", "without"])
def test_a_cost_is_followed_down_to_a_job_run_in_circleci(open_page: OpenPage, look: Look | None) -> None:
    page = open_page(look) if look else open_page()
    page.goto("/?by=cost_center")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by cost center")
    for name, heading in (
        ("acme", "Cost by organization"),
        ("acme", "Cost by project"),
        ("data-platform", "Cost by workflow"),
        ("nightly", "Cost by job"),
        ("train-model", "Job runs"),
    ):
        page.locator("table.data tbody").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    addresses = page.locator("table.data tbody a").evaluate_all("links => links.map(link => link.href)")
    assert addresses
    assert all(_CIRCLECI.fullmatch(address) for address in addresses)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by job")


def test_from_any_row_the_job_runs_are_one_click_away(page: Page) -> None:
    page.goto("/?by=team")
    row = page.locator("table.data tbody tr", has_text="mobile")
    row.get_by_role("link", name="runs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Job runs")
    projects = set(page.locator("table.data tbody tr td:nth-child(2)").all_inner_texts())
    assert projects
    assert projects <= {"mobile-app", "sdk", "infrastructure"}


def test_groups_and_filters_change_the_address_and_nothing_else(page: Page, open_page: OpenPage) -> None:
    page.goto("/")
    everything = _total(page)
    _menu(page, "Group by", "team")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by team")
    assert _total(page) == everything
    _menu(page, "Add a filter", "project")
    page.get_by_label("web-app").check()
    page.get_by_label("docs").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".chips")).to_contain_text("project is")
    part = _total(page)
    assert 0 < float(part) < float(everything)
    copied = page.url
    other = open_page()
    other.goto(copied)
    assert _total(other) == part
    page.get_by_role("link", name=re.compile("Take out: project")).click()
    assert _total(page) == everything
    page.go_back()
    assert (page.url, _total(page)) == (copied, part)
    page.go_forward()
    assert _total(page) == everything
    page.reload()
    assert _total(page) == everything


def test_the_values_of_a_filter_are_searched(page: Page) -> None:
    page.goto("/filter?dimension=job")
    page.get_by_label("Search its values").fill("TEST")
    page.get_by_role("button", name="Find").click()
    shown = page.locator("fieldset label span:first-of-type").all_inner_texts()
    assert "unit-tests" in shown
    assert all("test" in value for value in shown if not value.startswith("$"))
    page.get_by_label("Operator").select_option("contains")
    page.get_by_label("Text, for “contains”").fill("test")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".chips")).to_contain_text("job contains test")


def test_a_click_on_the_chart_leads_one_level_down(page: Page) -> None:
    page.goto("/")
    expect(page.locator("[data-chart][data-drawn]")).to_be_visible()
    page.locator("figure.chart").get_by_role("link", name="web-app").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by workflow")


def test_other_is_opened_by_a_click(page: Page) -> None:
    page.goto("/?by=job")
    expect(page.locator("[data-chart][data-drawn]")).to_be_visible()
    shown = set(page.locator("figure.chart").get_by_role("link").all_inner_texts())
    page.locator("figure.chart").get_by_role("link", name="(other)").click()
    names = page.locator("table.data tbody th a").all_inner_texts()
    assert names
    assert shown.isdisjoint(names)


def test_the_csv_of_the_page_holds_all_rows_and_its_total(page: Page, tmp_path: Path) -> None:
    page.goto("/?by=job&by=branch")
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV of all rows").click()
    download: Download = started.value
    download.save_as(tmp_path / "costs.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "costs.csv").read_text())))
    assert sum(Decimal(row["cost"]) for row in rows) == Decimal(_total(page))
    assert f"{len(rows):,} rows" in page.get_by_role("heading", level=2).first.inner_text()


def test_the_table_is_sorted_by_its_headers(page: Page) -> None:
    page.goto("/")
    page.get_by_role("columnheader").get_by_role("link", name="Runs").click()
    runs = [int(text.replace(",", "")) for text in page.locator("tbody td:nth-child(6)").all_inner_texts()]
    assert runs == sorted(runs, reverse=True)
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Runs")
    page.get_by_role("columnheader").get_by_role("link", name="Project").click()
    names = page.locator("tbody th").all_inner_texts()
    assert names == sorted(names, key=str.casefold)


def test_the_theme_is_kept_on_the_next_page(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Use the dark theme").click()
    page.goto("/?by=team")
    expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    def focused() -> str:
        return str(page.evaluate("document.activeElement.textContent.trim()"))

    def tab_to(text: str) -> None:
        for _ in range(200):
            page.keyboard.press("Tab")
            if focused().startswith(text):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                return
        raise AssertionError(f"{text!r} cannot be reached by Tab")

    page.goto("/")
    page.keyboard.press("Tab")
    assert focused() == "Skip to content"
    page.keyboard.press("Enter")
    tab_to("Group by")
    page.keyboard.press("Enter")
    tab_to("team")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by team")
    tab_to("Compare with")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    assert focused().startswith("Compare with")
    tab_to("Runs")
    with page.expect_navigation(url=re.compile("sort=runs")):
        page.keyboard.press("Enter")
    tab_to("mobile")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by project")
    page.goto("/filter?dimension=job")
    page.keyboard.press("/")
    page.keyboard.type("unit")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search its values")).to_have_value("unit")
    tab_to("")
    page.get_by_label("unit-tests").focus()
    page.keyboard.press("Space")
    assert page.get_by_label("unit-tests").is_checked()
