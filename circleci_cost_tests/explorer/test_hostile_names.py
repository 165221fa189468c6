"""Names that try to be markup, code, formulas, filters or groups: they are shown as text, and they can be asked for."""

import csv
import io
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Dialog, Page, expect

from circleci_cost.config.settings import Settings
from circleci_cost.explorer.pages import PAGES
from circleci_cost.text.csv_text import safe_cell
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.hostile_folder import LONG, NAMES, hostile_folder
from circleci_cost_tests.explorer.looks import LIGHT, NARROW, Look
from circleci_cost_tests.explorer.overflow import overflow
from circleci_cost_tests.explorer.serving import Site, serving

DIMENSIONS = ("organization", "project", "workflow", "job", "branch", "team")
_IS_LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
FOLLOWED = DIMENSIONS if _IS_LONG else ("project", "team")
FILLED_IN = NAMES if _IS_LONG else ('"><img src=x onerror=alert(1)>', "\u202egnp\u200b.exe", "(other)", "line\nbreak")
# An address has room for 8,000 characters.
ASKABLE = tuple(name for name in NAMES if name != LONG)
# What a page would hold if a name had become a part of it.
MARKUP = ("<script>alert", "onerror=alert(1)>", "<img", "49$", "\u202e", "\u200b")
GROUPED = "/?by=project&by=job", "/?by=branch&metric=runs&chart=lines", "/filter?dimension=job"
LISTS = "/anomalies?all=1", "/infrastructure?pairs=all", "/why?by=project", "/teams?rows=all", "/runs"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return hostile_folder(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def hostile(settings: Settings) -> Iterator[Site]:
    with serving(settings) as site:
        yield site
        assert site.take_bugs() == []


@pytest.fixture(scope="module")
def client(hostile: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hostile.origin, timeout=30, follow_redirects=True) as client:
        yield client


def total_of(page: str) -> Decimal:
    """The total of the table on the start page."""
    found = re.search(r'<data value="([^"]*)"', page.partition("<tfoot")[2])
    assert found
    return Decimal(found[1])


def test_every_name_can_be_filtered_by_and_comes_back_with_its_own_cost(client: httpx.Client) -> None:
    for dimension in DIMENSIONS:
        groups = client.get("/api/report", params={"by": dimension}).json()["rows"]
        costs = {row[dimension]: Decimal(row["cost"]) for row in groups}
        assert set(costs) == set(NAMES)
        assert len(set(costs.values())) == len(NAMES)
        for name in ASKABLE:
            answer = client.get("/api/report", params={"where": f"{dimension}={name}"})
            assert answer.status_code == 200, (dimension, name)
            assert Decimal(answer.json()["total"]["cost"]) == costs[name], (dimension, name)


def test_every_link_of_a_group_leads_to_that_group(client: httpx.Client) -> None:
    for dimension in FOLLOWED:
        page = client.get("/", params={"by": dimension, "rows": "all"}).text
        table = page[page.index("<tbody") : page.index("<tfoot")]
        followed = set()
        for row in table.split("<tr")[1:]:
            cost = re.search(r'<data value="([^"]*)"', row)
            for link in map(unescape, re.findall(r'href="(/\?[^"]*)"', row)):
                (asked,) = [text for key, text in parse_qsl(urlsplit(link).query) if key == "where"]
                name = asked.removeprefix(f"{dimension}=")
                assert name in NAMES
                followed.add(name)
                answer = client.get(link)
                if name == LONG:
                    assert answer.status_code == 400
                    assert "longer than 8000 characters" in answer.text
                else:
                    assert cost is not None and total_of(answer.text) == Decimal(cost[1])
        if dimension not in {"job", "branch"}:
            assert followed == set(NAMES), dimension


def test_the_rest_that_is_called_other_is_not_the_project_of_that_name(client: httpx.Client) -> None:
    rows = client.get("/api/report", params={"by": "project", "limit": "3"}).json()["rows"]
    (rest,) = [row for row in rows if row.get("rest") or row["project"] == "(other)"]
    own = client.get("/api/report", params={"where": "project=(other)"}).json()["total"]
    assert Decimal(rest["cost"]) > Decimal(own["cost"]) > 0


def test_f111_no_page_has_a_name_as_markup_and_json_in_pages_holds_them_as_text(client: httpx.Client) -> None:
    for path in (*(page.path for page in PAGES), *GROUPED, *LISTS):
        answer = client.get(path)
        assert answer.status_code == 200, path
        # The fields of forms send names back as they are.
        shown = re.sub(r' value="[^"]*"', "", answer.text)
        for text in MARKUP:
            assert text not in shown, (path, text)
        for script in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', answer.text, re.DOTALL):
            assert "<" not in script


def test_names_in_refusals_are_text(client: httpx.Client) -> None:
    for name in NAMES[1:6]:
        for parameter in ("by", "where", "metric", "period", "sort", name):
            answer = client.get("/", params={parameter: name})
            assert answer.status_code == 400
            assert not any(text in answer.text for text in MARKUP)


def test_no_cell_of_a_download_is_a_formula(client: httpx.Client) -> None:
    paths = [path for page in PAGES for path, _ in page.more if path.endswith(".csv")]
    paths.remove("/infrastructure/days.csv")  # Of a pair that is to be named; none is of two series of so few days.
    assert len(paths) > 5
    for path in paths:
        answer = client.get(path, params={"by": "project,job"} if path == "/report.csv" else {})
        assert answer.status_code == 200, path
        for row in csv.reader(io.StringIO(answer.text, newline="")):
            for cell in row:
                assert re.fullmatch(r"-?[0-9.]+(E-?[0-9]+)?", cell) or cell[:1] not in "=+-@\t\r" or cell == "", path
    report = client.get("/report.csv", params={"by": "project"}).text
    names = {row["project"] for row in csv.DictReader(io.StringIO(report, newline=""))}
    assert names == {safe_cell(name) for name in NAMES}


@pytest.fixture(params=[LIGHT, NARROW] if _IS_LONG else [NARROW], ids=str)
def page(hostile: Site, browsing: Browsing, request: pytest.FixtureRequest) -> Iterator[Page]:
    look: Look = request.param
    page = browsing.open(hostile.origin, look)
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    yield page
    assert dialogs == []


def test_in_a_browser_nothing_of_them_runs_or_breaks_a_page(page: Page) -> None:
    for path in (*(each.path for each in PAGES), *GROUPED, *LISTS):
        page.goto(path)
        for chart in page.locator("[data-chart]").all():
            chart.scroll_into_view_if_needed()
            expect(chart).to_have_attribute("data-drawn", "")
            box = chart.bounding_box()
            assert box is not None
            for part in (0.2, 0.5, 0.8):
                page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] * 0.6)
        assert overflow(page) == [], path
        assert page.locator("script:not([src]):not([type='application/json'])").count() == 0
        assert page.locator("main img").count() == 0


def test_the_form_of_filters_takes_every_name(hostile: Site, browsing: Browsing, client: httpx.Client) -> None:
    page = browsing.open(hostile.origin)
    for name in set(FILLED_IN) & set(ASKABLE):
        page.goto(f"/filter?{urlencode({'dimension': 'project', 'to': '/'})}")
        page.get_by_role("checkbox").nth(_place(page, name)).check()
        page.get_by_role("button", name="Apply").click()
        cost = client.get("/api/report", params={"where": f"project={name}", **_days(page)}).json()["total"]["cost"]
        assert total_of(page.content()) == Decimal(cost), name


def _place(page: Page, name: str) -> int:
    values = page.get_by_role("checkbox").evaluate_all("boxes => boxes.map(box => box.value)")
    assert name in values, name
    return int(values.index(name))


def _days(page: Page) -> dict[str, str]:
    link = page.get_by_role("link", name="CSV of all rows").get_attribute("href") or ""
    return {name: value for name, value in parse_qsl(urlsplit(link).query) if name in {"from", "to"}}
