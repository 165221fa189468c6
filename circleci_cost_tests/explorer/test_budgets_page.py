"""The page of the budgets: the command's figures, every day of a period, and states without a budget."""

import csv
import html
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.model.budgets.text import cells
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.cli.test_budgets import BUDGETS, FIRST, ROWS, publish_budgets
from circleci_cost_tests.explorer.accessibility import axe
from circleci_cost_tests.explorer.commands import answer_of
from circleci_cost_tests.explorer.conftest import OpenPage, Screenshot
from circleci_cost_tests.explorer.html_tables import table_with
from circleci_cost_tests.explorer.looks import NARROW_DARK, WITHOUT_JAVASCRIPT
from circleci_cost_tests.explorer.overflow import overflow
from circleci_cost_tests.explorer.serving import Site, serving

NOW = datetime(2026, 3, 13, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"
HOSTILE = """
[[budgets]]
name = "<script>alert(1)</script>"
owner = "\\"><img src=x onerror=alert(2)>"
parent = "engineering"
amount = 1
where = { project = "web", branch = { not = "</script>" } }
[[budgets]]
name = "=HYPERLINK(1)"
amount = 1
where = { project = { glob = "w*" } }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("budgets")
    (folder / "circleci_cost.toml").write_text(configuration(FIRST) + BUDGETS + HOSTILE)
    publish_budgets(folder)
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, list[dict[str, str]]]:
    """What `budgets --json` says of each choice of periods."""
    answers = {}
    with pytest.MonkeyPatch.context() as place:
        place.chdir(folder)
        place.delenv("CIRCLECI_COST_CONFIG", raising=False)
        for period in Periods:
            answers[period.value] = answer_of("budgets", "--json", "--period", period.value)["budgets"]
    return answers


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Site]:
    with serving(read_settings(folder / "circleci_cost.toml"), clock=ManualClock(NOW)) as site:
        yield site
        assert site.take_bugs() == []


def get(site: Site, path: str, **parameters: str) -> httpx.Response:
    return httpx.get(f"{site.origin}{path}", params=parameters or None, timeout=30)


def table(response: httpx.Response) -> list[dict[str, str]]:
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.text)))


@pytest.mark.parametrize("period", list(Periods))
def test_the_csv_has_what_the_command_says(
    served: Site, said: dict[str, list[dict[str, str]]], period: Periods
) -> None:
    rows = table(get(served, "/budgets.csv", period=period))
    expected = [
        {name: "" if value is None else str(value) for name, value in row.items()} | {"budget": unformula(row)}
        for row in said[period]
    ]
    assert rows == expected
    assert len(rows) > 3


def unformula(row: dict[str, str]) -> str:
    return f"'{row['budget']}" if row["budget"].startswith("=") else row["budget"]


def test_the_page_has_the_cells_of_the_command_s_table(served: Site) -> None:
    page = get(served, "/budgets").text
    with served.explorer.snapshots.take(served.settings) as snapshot:
        states = read_budget_status(snapshot.connection, Periods.CURRENT)
    for row in states.to_dicts():
        _, period, amount, actual, used, gone, forecast, overrun, _, status = cells(0, row)
        for text in (period, amount, actual, used, gone, forecast.partition(" (")[0], overrun, status):
            assert text.replace("<", "&lt;").replace(">", "&gt;") in page
    assert page.count('class="depth-1"') == 3
    figures = {line[0].text.split()[0]: line[3].figure for line in table_with(page, "Budget")[1:]}
    assert figures["api"] == Decimal("22.2000000072")
    assert len(figures) == states.height


def test_the_days_of_each_state_add_up_to_its_actual(served: Site) -> None:
    states = table(get(served, "/budgets.csv", period="all"))
    for state in states:
        name = state["budget"].removeprefix("'")
        days = table(get(served, "/budgets.csv", budget=name, period_start=state["period_start"]))
        known = [day for day in days if day["cumulated"]]
        assert len(days) == int(state["days"])
        assert sum(Decimal(day["spent"]) for day in known) == Decimal(state["actual"])
        assert Decimal(known[-1]["cumulated"] if known else 0) == Decimal(state["actual"])
        page = get(served, "/budgets", budget=name, period_start=state["period_start"]).text
        shown = [line[2].figure for line in table_with(page, "Day")[1:] if line[2].figure is not None]
        assert shown == [Decimal(day["cumulated"]) for day in known]
    assert len(states) > 10


def test_a_budget_shows_its_period_children_and_scope(served: Site) -> None:
    page = get(served, "/budgets", budget="engineering").text
    assert "$58.20 of the $150.00 for 2026-03 have been spent (39 %), with 39 % of the days gone." in page
    assert "Budgets below engineering" in page
    assert "All periods of engineering" in page
    assert page.count('<th scope="row" class="nowrap">') == 31 + 3
    former = get(served, "/budgets", budget="engineering", period_start="2026-01-01").text
    assert "$111.60 of the $150.00 for 2026-01 were spent (74 %)." in former


def explored(page: str) -> str:
    """The address of the explorer that a budget's page leads to."""
    (address,) = [part.split('"')[0] for part in page.split('href="')[1:] if part.startswith("/?from=")]
    return html.unescape(address)


def test_what_makes_it_up_leads_to_the_explorer_where_filters_can_say_the_scope(served: Site) -> None:
    page = get(served, "/budgets", budget="credits per week").text
    assert parse_qs(urlsplit(explored(page)).query) == {
        "from": ["2026-03-09"],
        "to": ["2026-03-12"],
        "where": ["charge_type!=user"],
        "metric": ["credits"],
    }
    globbed = get(served, "/budgets", budget="=HYPERLINK(1)").text
    assert 'href="/?' not in globbed
    assert "The filters of the explorer cannot say this scope" in globbed


def test_hostile_names_stay_text(served: Site) -> None:
    for page in (
        get(served, "/budgets").text,
        get(served, "/budgets", period="all").text,
        get(served, "/budgets", budget=EVIL).text,
        get(served, "/budgets", budget="engineering").text,
    ):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;/script&gt;" in get(served, "/budgets", budget=EVIL).text
    assert table(get(served, "/budgets.csv", budget="=HYPERLINK(1)"))[0]["budget"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"budget": "enginering"}, "There is no budget &#39;enginering&#39;; did you mean &#39;engineering&#39;?"),
        ({"budget": "' OR 1=1 --"}, "There is no budget"),
        ({"budget": "web", "period_start": "2026-03-02"}, "no period that begins on &#39;2026-03-02&#39;"),
        ({"budget": "web", "period_start": "'; DROP TABLE budget_status; --"}, "no period that begins on"),
        ({"budget": "web", "period_start": "0001-01-01"}, "the newest begins on 2026-03-01."),
        ({"period": "next"}, "There is no period &#39;next&#39;; there are: current, last, all."),
        ({"period": EVIL}, "There is no period"),
        ({"owner": "x"}, "This page has no parameter &#39;owner&#39;; it has period, budget, period_start."),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/budgets", "/budgets.csv"])
def test_unknown_values_are_refused_in_a_sentence(
    served: Site, path: str, parameters: dict[str, str], sentence: str
) -> None:
    response = get(served, path, **parameters)
    assert response.status_code == 400
    assert sentence in response.text
    assert "<script>alert" not in response.text


def test_a_budget_that_was_edited_or_taken_out_says_so(folder: Path, tmp_path: Path) -> None:
    data = folder / "data"
    source = tmp_path / "circleci_cost.toml"
    edited = BUDGETS.replace('where = { project = "api" }', 'where = { project = "web" }')
    without_credits = edited[: edited.index('[[budgets]]\nname = "credits per week"')]
    source.write_text(
        f'data_dir = "{data}"\n' + configuration(FIRST) + without_credits + '[[budgets]]\nname = "new"\namount = 1\n'
    )
    with serving(read_settings(source), clock=ManualClock(NOW)) as site:
        listing = get(site, "/budgets").text
        assert "No state of &#39;new&#39; is published yet; run `circleci-cost allocation apply`" in listing
        assert "circleci_cost.toml was edited after these numbers were published" in listing
        assert get(site, "/budgets", budget="new").status_code == 400
        assert (
            "The scope of this budget was edited after its state was published"
            in get(site, "/budgets", budget="api").text
        )
        former = get(site, "/budgets", budget="credits per week")
        assert (former.status_code, "is no longer in" in former.text) == (200, True)
        assert get(site, "/budgets.csv", budget="credits per week").status_code == 400
        assert site.take_bugs() == []


def test_without_budgets_the_page_says_how_to_write_one(tmp_path: Path) -> None:
    source = tmp_path / "circleci_cost.toml"
    source.write_text(configuration(FIRST))
    publish_rows(tmp_path / "data", ROWS[:3])
    with serving(read_settings(source), clock=ManualClock(NOW)) as site:
        page = get(site, "/budgets")
        assert (page.status_code, "There are no budgets yet." in page.text) == (200, True)
        assert "[[budgets]]" in page.text
        assert table(get(site, "/budgets.csv")) == []
        assert "there are: none." in get(site, "/budgets", budget="x").text
        assert site.take_bugs() == []


def test_before_the_first_publication_the_page_says_what_to_run(tmp_path: Path) -> None:
    source = tmp_path / "circleci_cost.toml"
    source.write_text(configuration(FIRST) + BUDGETS)
    with serving(read_settings(source), clock=ManualClock(NOW)) as site:
        page = get(site, "/budgets")
        assert (page.status_code, "run `circleci-cost sync`" in page.text) == (503, True)


def test_the_demo_s_budgets_are_what_their_days_and_their_scope_in_the_explorer_come_to(site: Site) -> None:
    for state in table(get(site, "/budgets.csv")):
        scope = parse_qs(urlsplit(explored(get(site, "/budgets", budget=state["budget"]).text)).query)
        scope.pop("metric", None)
        total = httpx.get(f"{site.origin}/api/report", params=scope, timeout=30).json()["total"]
        assert total["cost" if state["unit"] == "USD" else "credits"] == state["actual"]
        days = table(get(site, "/budgets.csv", budget=state["budget"]))
        assert [day["cumulated"] for day in days if day["cumulated"]][-1] == state["actual"]
        assert days[-1]["forecast_median"] == state["forecast_median"]
        assert date.fromisoformat(days[-1]["date"]).isoformat() == state["period_end"]


# `test_looks` shows the page as it opens.
def test_a_budget_is_readable_on_a_phone_in_dark_colours(open_page: OpenPage, screenshot: Screenshot) -> None:
    page = open_page(NARROW_DARK)
    page.goto("/budgets")
    page.get_by_role("link", name="payments").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("payments")
    page.locator("figure.chart").scroll_into_view_if_needed()
    expect(page.locator("[data-chart][data-drawn]")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    screenshot(page, f"budget-{NARROW_DARK}")


def test_the_budgets_are_tables_without_javascript(open_page: OpenPage) -> None:
    page = open_page(WITHOUT_JAVASCRIPT)
    page.goto("/budgets?budget=payments")
    expect(page.locator("#days tbody tr")).to_have_count(31)
    expect(page.locator(".canvas")).to_be_hidden()
