"""The page of infrastructure: what `correlate` says, both series of a pair, exact costs, files, refusals."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from circleci_cost.day_ranges import DayRange
from circleci_cost.warehouse.correlation.cost_correlations import read_correlations
from circleci_cost.warehouse.correlation.moving_together import pair_days
from circleci_cost_tests.explorer.accessibility import axe
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.conftest import OpenPage, Screenshot
from circleci_cost_tests.explorer.html_tables import table_with
from circleci_cost_tests.explorer.looks import ACCESSIBLE_LOOKS, DARK, NARROW, PRINT, Look
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.overflow import overflow
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import HOSTILE, configure, small_folder

LAST = NOW.date() - timedelta(days=1)
DAYS = [LAST - timedelta(days=back) for back in reversed(range(150))]
CLOUD = '[[infrastructure]]\nname = "cloud"\nformat = "simple"\nfiles = "cloud.csv"\n'
REGISTRY = "aws · Amazon Elastic Container Registry"
PAIR = urlencode([("pair", "cost_center=acme"), ("pair", REGISTRY)])


def noise(seed: int, size: float) -> Sequence[float]:
    return list(np.exp(size * np.random.default_rng(seed).standard_normal(len(DAYS))))


def usage(project: str = "web") -> list[dict[str, Any]]:
    """A daily cost on each of 150 days."""
    return [
        {"date": day, "project": project, "compute": int(10_000 * factor)}
        for day, factor in zip(DAYS, noise(1, 0.25), strict=True)
    ]


def cloud_file(folder: Path, names: Sequence[str] = ("s3", "rds")) -> None:
    """A file of costs: the first service follows CI a day later, the second one shifts on the hundredth day."""
    factors = noise(1, 0.25)
    steps = [factor * (1.8 if at >= 100 else 1) for at, factor in enumerate(noise(7, 0.05))]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(("date", "amount", "label"))
    for at, day in enumerate(DAYS):
        for name, factor in zip(names, (factors[max(at - 1, 0)], steps[at], *([1.0] * len(names))), strict=False):
            lines.writerow((day, f"{70 * factor:.6f}", name))
    (folder / "cloud.csv").write_text(text.getvalue())


@contextmanager
def served(folder: Path, *rows: dict[str, Any], more: str = CLOUD, **named: Any) -> Iterator[Site]:
    with serving(small_folder(folder, rows, more, **named)) as site:
        yield site
        assert site.bugs == []


def get(site: Site, path: str) -> httpx.Response:
    return httpx.get(site.origin + path, timeout=60)


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text)))


def chart_of(page: str, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(page.partition(f'id="{name}-data">')[2].partition("</script>")[0])
    return document


def test_the_pairs_are_those_of_correlate_and_nothing_is_called_a_cause(site: Site) -> None:
    page = get(site, "/infrastructure").text
    with site.explorer.snapshots.take(site.settings) as snapshot:
        pairs = read_correlations(snapshot.connection)
    findings = pairs.filter("significant")
    table = table_with(page, "Infrastructure")
    assert [row[-1].text for row in table[1:]] == [f"{sentence}." for sentence in findings["sentence"]]
    assert f"{findings.height} of them moved together" in page
    assert not any(word in page.lower() for word in ("caused", "because of ci"))
    every = table_with(get(site, "/infrastructure?pairs=all").text, "Infrastructure")
    assert len(every) == 1 + min(pairs.height, 200)
    in_csv = rows_of(get(site, "/infrastructure.csv"))
    assert [row["sentence"] for row in in_csv] == pairs["sentence"].to_list()
    assert [float(row["r"]) for row in in_csv] == pairs["r"].to_list()


def test_a_pair_is_one_chart_with_an_axis_for_each_series_and_its_lag_in_words(site: Site) -> None:
    page = get(site, f"/infrastructure?{PAIR}&from=2026-02-01&to=2026-02-14").text
    chart = chart_of(page, "pair-chart")
    assert [series["axis"] for series in chart["series"]] == [0, 1]
    assert [axis["unit"] for axis in chart["axes"]] == ["USD", "USD"]
    assert "The infrastructure cost moved 1 day after the CI cost." in page
    first, last = DAYS[0].replace(year=2026, month=2, day=1), DAYS[0].replace(year=2026, month=2, day=14)
    with site.explorer.snapshots.take(site.settings) as snapshot:
        days = pair_days(snapshot.connection, "cost_center=acme", REGISTRY, DayRange(first, last))
    rows = rows_of(get(site, f"/infrastructure/days.csv?{PAIR}&from=2026-02-01&to=2026-02-14"))
    assert [(row["date"], Decimal(row["cost_center=acme"]), Decimal(row[REGISTRY])) for row in rows] == [
        (each.day.isoformat(), each.ci, each.infrastructure) for each in days
    ]
    assert [Decimal(value) for value in chart["series"][0]["values"]] == [
        round(each.ci, 2) for each in days if each.ci is not None
    ]
    assert len(rows) == 14 and "Both series in USD a day" in page


def test_services_add_up_to_the_total_and_to_what_is_published(site: Site) -> None:
    query = "from=2026-02-01&to=2026-02-14"
    rows = rows_of(get(site, f"/infrastructure/costs.csv?{query}"))
    with site.explorer.snapshots.take(site.settings) as snapshot:
        expected = dict(
            snapshot.connection.execute(
                "SELECT service, sum(cost_usd) FROM infrastructure_costs WHERE date BETWEEN '2026-02-01' AND "
                "'2026-02-14' GROUP BY service"
            ).fetchall()
        )
        (before,) = snapshot.connection.execute(
            "SELECT sum(cost_usd) FROM infrastructure_costs WHERE date BETWEEN '2026-01-18' AND '2026-01-31'"
        ).fetchall()[0]
    assert {row["service"]: Decimal(row["cost"]) for row in rows} == expected
    table = table_with(get(site, f"/infrastructure?{query}").text, "Service")
    assert table[-1][1].figure == sum(expected.values())
    assert table[-1][3].figure == before
    assert table[-1][4].figure == sum(expected.values()) - before
    assert sum(Decimal(row["change"]) for row in rows) == sum(expected.values()) - before


def test_the_default_days_end_where_the_costs_do_not_grow_any_more(tmp_path: Path) -> None:
    cloud_file(tmp_path)
    with served(tmp_path, *usage()) as site:
        page = get(site, "/infrastructure?period=30d").text
        # The newest day of a source may still grow.
        assert f"{LAST - timedelta(days=30)} to {LAST - timedelta(days=1)}; changes against" in page
        named = get(site, f"/infrastructure?from={LAST - timedelta(days=6)}&to={LAST}").text
        assert f"the costs of cloud are complete only through {LAST - timedelta(days=1)}" in named
        early = get(site, "/infrastructure?period=all").text
        assert f"the costs of cloud begin on {DAYS[0]}" in early


def test_what_shifted_around_an_incident_leads_to_it(tmp_path: Path) -> None:
    cloud_file(tmp_path)
    incident = {"incident_id": "a1b2c3d4e5", "series": "acme / web", "first_day": DAYS[100]}
    with served(tmp_path, *usage(), incidents=[incident]) as site:
        table = table_with(get(site, "/infrastructure").text, "Incident")
        assert table[1][0].text == "acme / web level shift"
        assert table[1][0].links == ["/anomalies?incident=a1b2c3d4e5"]
        assert table[1][2].text == "cloud · rds"
        assert "rose by" in table[1][4].text
        assert get(site, table[1][0].links[0]).status_code == 200


def test_files_that_were_read_and_refused_are_told(tmp_path: Path) -> None:
    cloud_file(tmp_path)
    with served(tmp_path, *usage()) as site:
        (row,) = rows_of(get(site, "/infrastructure/files.csv"))
        assert (row["source"], row["file"], row["rows"]) == ("cloud", "cloud.csv", "300")
        assert table_with(get(site, "/infrastructure").text, "File")[1][0].text == "cloud.csv"
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "cloud.csv").write_text("date,amount,label\n2026-03-01,one,s3\n")
    with served(broken, *usage()) as site:
        page = get(site, "/infrastructure").text
        assert "Infrastructure costs of cloud were not read:" in page and "is no amount" in page
        assert "There is nothing to compare with before the infrastructure costs can be read." in page


def test_without_infrastructure_the_page_says_how_to_configure_it(tmp_path: Path) -> None:
    with served(tmp_path, *usage(), more="") as site:
        page = get(site, "/infrastructure").text
        assert "No infrastructure is configured." in page and "circleci-cost allocation apply" in page
        example = page.partition("<code>")[2].partition("</code>")[0].replace("&#34;", '"')
        configure(tmp_path, example)
        assert "hold no costs of the configured [[infrastructure]]" in get(site, "/infrastructure").text
        for name in ("", "/costs", "/files"):
            assert rows_of(get(site, f"/infrastructure{name}.csv")) == []


def test_hostile_names_are_text_on_the_page_and_in_the_files(tmp_path: Path) -> None:
    cloud_file(tmp_path, HOSTILE)
    with served(tmp_path, *usage(HOSTILE[0])) as site:
        pages = [get(site, "/infrastructure?pairs=all").text]
        for row in rows_of(get(site, "/infrastructure.csv")):
            pair = [row["ci_series"].removeprefix("'"), row["infrastructure_series"]]
            pages.append(get(site, f"/infrastructure?{urlencode([('pair', name) for name in pair])}").text)
        assert len(pages) > len(HOSTILE)
        for page in pages:
            # A hidden field keeps a name as it is: the form has to ask for just that.
            seen = re.sub(r'<input type="hidden"[^>]*>', "", page)
            for raw in ("<script>alert", "<img src=x", "\u202e", "</script><!--"):
                assert raw not in seen
        costs = rows_of(get(site, "/infrastructure/costs.csv"))
        assert len(costs) == len(HOSTILE)
        assert not any(row["service"].startswith("=") for row in costs)


@pytest.mark.parametrize("name", ["pair", "pairs", "period", "from", "to", "nonsense"])
@pytest.mark.parametrize("value", ["' OR 1=1 --", "<script>alert(1)</script>", "9" * 500, "\x00", "0001-13-99"])
def test_what_is_unknown_is_refused_in_one_sentence(site: Site, name: str, value: str) -> None:
    for path in ("", ".csv", "/days.csv", "/costs.csv", "/files.csv"):
        response = get(site, f"/infrastructure{path}?{name}={quote(value)}")
        assert response.status_code == 400
        assert response.text.count('role="alert"') == 1
        assert "<script>alert(1)" not in response.text and "Traceback" not in response.text


@pytest.mark.parametrize("pair", [("cost_center=acme", "nothing"), (REGISTRY, "cost_center=acme"), ("a", "b", "c")])
def test_a_pair_that_was_not_compared_is_refused(site: Site, pair: Sequence[str]) -> None:
    assert get(site, f"/infrastructure?{urlencode([('pair', name) for name in pair])}").status_code == 400


# `test_looks` shows the page as it opens in all looks.
@pytest.mark.parametrize("look", (DARK, PRINT), ids=str)
def test_the_page_is_fine_in_every_look(open_page: OpenPage, screenshot: Screenshot, look: Look) -> None:
    page = open_page(look)
    page.goto(f"/infrastructure?{PAIR}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Infrastructure")
    if look in ACCESSIBLE_LOOKS:
        assert axe(page) == []
    assert overflow(page) == []
    screenshot(page, f"infrastructure-{look}")


def test_hostile_names_stay_text_in_the_browser(tmp_path: Path, browsing: Browsing, screenshot: Screenshot) -> None:
    cloud_file(tmp_path, HOSTILE)
    with served(tmp_path, *usage()) as site:
        page = browsing.open(site.origin, NARROW)
        page.goto(
            f"/infrastructure?pairs=all&{urlencode([('pair', 'cost_center=acme'), ('pair', f'cloud · {HOSTILE[0]}')])}"
        )
        expect(page.get_by_role("heading", level=2).first).to_contain_text(HOSTILE[0])
        assert overflow(page) == []
        assert axe(page) == []
        screenshot(page, "infrastructure-hostile")


def test_the_keyboard_alone_leads_to_a_pair_and_its_figures(page: Page) -> None:
    page.goto("/infrastructure")
    page.get_by_role("link", name=f"{REGISTRY} and cost_center=acme", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"{REGISTRY} and cost_center=acme")).to_be_visible()
    page.locator("#pair-figures summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Both series in USD a day")).to_be_visible()
