"""The page of teams: its figures are the report's, to the last digit, whatever names and addresses hold."""

import csv
import io
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.report import Question, Report
from circleci_cost.warehouse.allocation.explain import explain
from circleci_cost.warehouse.reporting.report import answer
from circleci_cost_tests.explorer.accessibility import axe
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.conftest import OpenPage, Screenshot
from circleci_cost_tests.explorer.html_tables import Cell, table_with
from circleci_cost_tests.explorer.looks import ACCESSIBLE_LOOKS, DARK, NARROW, PRINT, Look
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.overflow import overflow
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import HOSTILE, configure, small_folder

PERIODS = ("", "period=7d", "period=all", "period=last_month", "from=2026-02-10&to=2026-02-10")
TEAM = """
[[virtual_tags]]
name = "team"
[[virtual_tags.rules]]
value_of = "project"
"""
SPLIT = """
[[virtual_tags]]
name = "team"
min_coverage = 0.99
[[virtual_tags.rules]]
name = "shared things"
value = "shared"
where = { project = "infra" }
[[virtual_tags.rules]]
value = "web"
where = { project = "web" }
[[virtual_tags.rules]]
value = "api"
where = { project = "api" }
[[virtual_tags.splits]]
value = "shared"
method = "proportional"
"""
LAST = NOW.date() - timedelta(days=1)


def daily(*projects: str, days: int = 3, **fields: object) -> list[dict[str, object]]:
    """A daily cost of each project on each of the last days."""
    return [
        {"date": LAST - timedelta(days=back), "project": name, "compute": 100 * number + back, **fields}
        for back in range(days)
        for number, name in enumerate(projects, start=1)
    ]


def get(site: Site, path: str) -> httpx.Response:
    return httpx.get(site.origin + path, timeout=60)


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


@contextmanager
def served(*arguments: object, **named: object) -> Iterator[Site]:
    with serving(small_folder(*arguments, **named)) as site:  # type: ignore[arg-type]
        yield site
        assert site.bugs == []


def reported(site: Site, days: DayRange, by: str = "team") -> Report:
    """What `report --by team` answers."""
    with site.explorer.snapshots.take(site.settings) as snapshot:
        return answer(snapshot.connection, snapshot.generation, Question(days.first, days.last, (by,)), ["acme"], None)


def days_of(response: httpx.Response) -> DayRange:
    """The days that a file's name tells."""
    name = response.headers["content-disposition"].partition('filename="')[2].removesuffix('.csv"')
    first, last = name[-21:-11], name[-10:]
    return DayRange(date.fromisoformat(first), date.fromisoformat(last))


def figure(cell: Cell) -> Decimal:
    """The exact figure of a cell; a dash is nothing."""
    return Decimal(0) if cell.text == "–" else Decimal(cell.figure or 0)


@pytest.mark.parametrize("period", PERIODS)
def test_table_total_and_csv_are_the_reports_figures_to_the_last_digit(site: Site, period: str) -> None:
    download = get(site, f"/teams.csv?{period}")
    rows = rows_of(download)
    report = reported(site, days_of(download))
    expected = {row.values[0]: row.amount for row in report.rows}
    assert {row["team"]: Decimal(row["cost"]) for row in rows} == {name: each.cost for name, each in expected.items()}
    assert {row["team"]: int(row["runs"]) for row in rows} == {name: each.runs for name, each in expected.items()}
    assert all(Decimal(row["direct_cost"]) + Decimal(row["shared_cost"]) == Decimal(row["cost"]) for row in rows)
    assert sum(Decimal(row["shared_cost"]) for row in rows) > 0

    table = table_with(get(site, f"/teams?{period}").text, "Team")
    shown = {row[0].links[0]: [figure(cell) for cell in row[1:4]] for row in table[1:-1]}
    in_csv = [[Decimal(row[name]) for name in ("cost", "direct_cost", "shared_cost")] for row in rows]
    assert list(shown.values()) == in_csv
    total = [figure(cell) for cell in table[-1][1:4]]
    assert total == [sum(column, Decimal(0)) for column in zip(*in_csv, strict=True)]
    assert total[0] == report.total.cost


@settings(max_examples=8, deadline=None)
@given(back=st.integers(0, 380), length=st.integers(1, 120))
def test_own_and_shared_cost_are_the_reports_figure_on_any_days(served_demo: Site, back: int, length: int) -> None:
    last = LAST - timedelta(days=back)
    days = DayRange(last - timedelta(days=length - 1), last)
    rows = rows_of(get(served_demo, f"/teams.csv?from={days.first}&to={days.last}"))
    expected = {row.values[0]: row.amount.cost for row in reported(served_demo, days).rows}
    assert {row["team"]: Decimal(row["direct_cost"]) + Decimal(row["shared_cost"]) for row in rows} == expected


def test_each_change_is_against_as_many_days_and_leads_to_its_reasons(site: Site) -> None:
    download = get(site, "/teams.csv")
    now = days_of(download)
    before = DayRange(now.first - timedelta(days=30), now.first - timedelta(days=1))
    earlier = {row.values[0]: row.amount.cost for row in reported(site, before).rows}
    rows = rows_of(download)
    assert {row["team"]: Decimal(row["previous_cost"]) for row in rows} == {
        row["team"]: earlier.get(row["team"], 0) for row in rows
    }
    assert all(Decimal(row["cost"]) - Decimal(row["previous_cost"]) == Decimal(row["change"]) for row in rows)

    table = table_with(get(site, "/teams").text, "Team")
    header = [cell.text for cell in table[0]]
    first = table[1]
    (why,) = first[header.index("Change")].links
    asked = parse_qs(urlsplit(why).query)
    assert urlsplit(why).path == "/why"
    assert asked["from"] + asked["to"] == [now.first.isoformat(), now.last.isoformat()]
    assert asked["against"] == [f"{before.first}:{before.last}"]
    assert asked["where"] == [f"team={rows[0]['team']}"]
    rules, projects = first[header.index("More")].links
    assert rules == f"/teams?value={rows[0]['team']}#origins"
    assert parse_qs(urlsplit(projects).query) == {"where": [f"team={rows[0]['team']}"], "by": ["project"]}
    assert [get(site, link).status_code for link in (why, rules, projects)] == [200, 200, 200]


def test_no_change_is_shown_where_the_days_before_are_not_there(site: Site) -> None:
    page = get(site, "/teams?period=all").text
    assert "The data begin on" in page
    assert [cell.text for cell in table_with(page, "Team")[0]].count("Change") == 0
    assert {row["change"] for row in rows_of(get(site, "/teams.csv?period=all"))} == {""}


def test_the_rules_behind_a_value_are_those_of_explain_and_add_up_to_its_cost(site: Site) -> None:
    download = get(site, "/teams.csv")
    days = days_of(download)
    cost = {row["team"]: Decimal(row["cost"]) for row in rows_of(download)}
    page = get(site, "/teams?value=web").text
    table = table_with(page, "Rule")
    with site.explorer.snapshots.take(site.settings) as snapshot:
        origins = explain(snapshot.connection, "team", days, ["web"])
    assert [[cell.text for cell in row[:5]] for row in table[1:-1]][1][:4] == [
        "seats",
        "charge_type is user",
        "seats",
        "seats by users",
    ]
    assert [figure(row[-1]) for row in table[1:-1]] == [origin.amount.cost for origin in origins]
    assert figure(table[-1][-1]) == cost["web"]
    in_csv = rows_of(get(site, "/teams/origins.csv"))
    assert {name: sum(Decimal(row["cost"]) for row in in_csv if row["team"] == name) for name in cost} == cost


def test_a_value_that_is_split_shows_what_went_to_whom(tmp_path: Path) -> None:
    with served(tmp_path, daily("web", "api", "infra"), SPLIT) as site:
        page = get(site, "/teams?value=shared").text
        shares = {row["team"]: Decimal(row["shared_cost"]) for row in rows_of(get(site, "/teams.csv"))}
        given = table_with(page.partition("What shared gave to others")[2].partition("</section>")[0], "Team")
        assert {row[0].text: figure(row[-1]) for row in given[1:-1]} == {
            name: cost for name, cost in shares.items() if cost
        }
        assert figure(given[-1][-1]) == sum(shares.values())
        assert "split among others" in page


def test_what_has_no_value_is_shown_by_month_with_rules_to_copy(tmp_path: Path) -> None:
    odd = 'quo"te'
    with served(tmp_path, [*daily("web", "api", "infra"), *daily(odd)], SPLIT) as site:
        page = get(site, "/teams").text
        months = table_with(page, "Month")
        assert months[1][0].text == f"{LAST:%Y-%m}"
        assert months[-1][-1].text == "66.7 %" or months[-1][-1].text.endswith(" %")
        assert "less than min_coverage = 0.99" in page
        block = page.partition('id="suggested-rules"')[2].partition("<code>")[2].partition("</code>")[0]
        rules = tomllib.loads(block.replace("&#34;", '"').replace("&amp;", "&"))["virtual_tags"]["rules"]
        assert rules == [{"value": odd, "where": {"project": odd}}]


def test_many_values_are_cut_in_the_table_and_all_in_the_csv(tmp_path: Path) -> None:
    names = [f"team {number:03}" for number in range(120)]
    with served(tmp_path, daily(*names, days=1), TEAM) as site:
        page = get(site, "/teams").text
        table = table_with(page, "Team")
        assert len(table) == 52 and "The total is of all 120 values." in page
        assert figure(table[-1][1]) == sum(Decimal(row["cost"]) for row in rows_of(get(site, "/teams.csv")))
        assert len(table_with(get(site, "/teams?rows=all").text, "Team")) == 122


def test_values_without_a_price_are_unpriced_and_never_free(tmp_path: Path) -> None:
    with served(tmp_path, [*daily("web"), *daily("api", price=None)], TEAM) as site:
        table = table_with(get(site, "/teams").text, "Team")
        (api,) = [row for row in table if row[0].text == "api"]
        assert api[1].text == "unpriced"
        assert {row["team"]: row["cost"] for row in rows_of(get(site, "/teams.csv"))}["api"] == ""


@pytest.mark.parametrize("order", ["cost", "direct", "shared", "before", "change", "name"])
def test_every_order_keeps_all_values(site: Site, order: str) -> None:
    names = [row["team"] for row in rows_of(get(site, f"/teams.csv?sort={order}"))]
    assert sorted(names) == sorted(row["team"] for row in rows_of(get(site, "/teams.csv")))
    if order == "name":
        assert names == sorted(names)


def test_several_tags_are_a_choice(tmp_path: Path) -> None:
    more = TEAM + TEAM.replace("team", "product").replace("project", "workflow")
    with served(tmp_path, daily("web"), more) as site:
        assert "<h1>Cost by product</h1>" in get(site, "/teams").text
        page = get(site, "/teams?tag=team").text
        assert "<h1>Cost by team</h1>" in page and 'href="/teams?tag=product"' in page


def test_hostile_names_are_text_on_the_page_and_in_the_csv(tmp_path: Path) -> None:
    with served(tmp_path, daily(*HOSTILE), TEAM) as site:
        rows = rows_of(get(site, "/teams.csv"))
        assert len(rows) == len(HOSTILE)
        assert not any(row["team"].startswith(("=", "+", "-", "@")) for row in rows)
        for name in HOSTILE:
            page = get(site, f"/teams?{urlencode({'value': name})}")
            assert page.status_code == 200
            for raw in ("<script>alert", "<img src=x", "\u202e", "</script><!--"):
                assert raw not in page.text
            assert "49" not in page.text.partition("<h1>")[2].partition("</h1>")[0]
        table = table_with(page.text, "Team")
        for row in table[1:-1]:
            (value,) = parse_qs(urlsplit(row[0].links[0]).query)["value"]
            assert value in HOSTILE
            assert [get(site, link).status_code for link in row[-1].links] == [200, 200]


@pytest.mark.parametrize("name", ["tag", "value", "period", "from", "to", "sort", "rows", "nonsense"])
@pytest.mark.parametrize(
    "value",
    [
        "' OR 1=1 --",
        "'; DROP TABLE daily_costs; --",
        "<script>alert(1)</script>",
        "9" * 500,
        "\x00",
        "../../etc/passwd",
    ],
)
def test_what_is_unknown_is_refused_in_one_sentence(site: Site, name: str, value: str) -> None:
    for path in ("/teams", "/teams.csv", "/teams/origins.csv"):
        response = get(site, f"{path}?{name}={quote(value)}")
        assert response.status_code == 400
        assert response.text.count('role="alert"') == 1
        assert "<script>alert(1)" not in response.text and "Traceback" not in response.text


@pytest.mark.parametrize("path", ["/", "/teams", "/infrastructure"])
@pytest.mark.parametrize(
    "days",
    [
        "from=2026-03-10&to=2026-03-01",
        "from=0001-01-01&to=0001-01-02",
        "from=9999-01-01&to=9999-12-31",
        "from=0001-01-01",
        "period=7d&from=2026-03-01",
    ],
)
def test_days_that_cannot_be_are_refused(site: Site, path: str, days: str) -> None:
    assert get(site, f"{path}?{days}").status_code == 400


@pytest.mark.parametrize("query", ["tag=team&tag=team", "value=nobody", "sort=cost&sort=name"])
def test_what_contradicts_itself_is_refused(site: Site, query: str) -> None:
    assert get(site, f"/teams?{query}").status_code == 400


def test_without_a_tag_the_page_says_how_to_write_one(tmp_path: Path) -> None:
    with served(tmp_path, daily("web")) as site:
        page = get(site, "/teams").text
        assert "No virtual tag is configured." in page and "circleci-cost allocation apply" in page
        block = page.partition("<code>[[virtual_tags]]")[2].partition("</code>")[0]
        example = "[[virtual_tags]]" + block.replace("&#34;", '"')
        configure(tmp_path, example)
        assert get(site, "/teams.csv").status_code == 400
        # The example is a configuration that works.
        assert "team: configured, but in no published costs yet." in get(site, "/teams").text


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    broken = TEAM + '[[virtual_tags.mappings]]\nfile = "missing.csv"\n'
    with served(tmp_path, daily("web"), broken) as site:
        assert "missing.csv" in get(site, "/teams").text


# `test_looks` shows the page as it opens in all looks.
@pytest.mark.parametrize("look", (DARK, PRINT), ids=str)
def test_the_page_is_fine_in_every_look(open_page: OpenPage, screenshot: Screenshot, look: Look) -> None:
    page = open_page(look)
    page.goto("/teams?value=platform")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost by team")
    if look in ACCESSIBLE_LOOKS:
        assert axe(page) == []
    assert overflow(page) == []
    screenshot(page, f"teams-{look}")


def test_hostile_names_stay_text_in_the_browser(tmp_path: Path, browsing: Browsing, screenshot: Screenshot) -> None:
    with served(tmp_path, daily(*HOSTILE), TEAM) as site:
        page = browsing.open(site.origin, NARROW)
        page.goto(f"/teams?{urlencode({'value': HOSTILE[0]})}")
        expect(page.get_by_role("heading", level=2).first).to_contain_text(HOSTILE[0])
        assert overflow(page) == []
        assert axe(page) == []
        screenshot(page, "teams-hostile")


def test_the_keyboard_alone_leads_to_the_rules_behind_a_value_and_back(page: Page) -> None:
    page.goto("/teams")
    page.get_by_role("link", name="platform", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Where the cost of platform comes from")).to_be_visible()
    page.get_by_role("link", name="Close").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Where the cost of platform comes from")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("heading", name="Where the cost of platform comes from")).to_be_visible()


def test_suggested_rules_are_copied_by_a_button(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/teams")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    rules = tomllib.loads(page.evaluate("navigator.clipboard.readText()"))["virtual_tags"]["rules"]
    assert rules[0] == {"value": "prototype-vision", "where": {"project": "prototype-vision"}}
