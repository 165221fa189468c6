"""The page of waste: its figures are those of `waste`, to the last digit, and each leads to what is behind it."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.explorer.html_tables import table_with
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import small_folder

LAST = NOW.date() - timedelta(days=1)
ROWS = [
    {"date": LAST, "project": "web", "job": "test", "compute": 5000},
    {"date": LAST, "project": "web", "job": "test", "compute": 1000, "build_status": "failed"},
    {"date": LAST, "project": "api", "job": "lint", "compute": 2000, "build_status": "canceled"},
    {"date": LAST - timedelta(days=30), "project": "api", "job": "lint", "compute": 4000, "build_status": "canceled"},
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(small_folder(tmp_path_factory.mktemp("waste"), ROWS)) as site:
        yield site
        assert site.bugs == []


def get(site: Site, path: str) -> str:
    answer = httpx.get(site.origin + path, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_causes_and_jobs_stand_beside_the_cost_that_they_are_a_part_of(site: Site) -> None:
    page = get(site, "/waste?period=30d")
    assert "the first that applies of re-run, canceled, timed out, failed, bot branches, " in page
    causes = [[cell.text for cell in row[:4]] for row in table_with(page, "Cause")[1:]]
    assert causes == [
        ["canceled", "$1.20", "25.0 %", "1"],
        ["failed", "$0.60", "12.5 %", "1"],
        ["Total", "$1.80", "37.5 %", "2"],
    ]
    jobs = [[cell.text for cell in row[:3]] for row in table_with(page, "Job")[1:]]
    assert [row[1:] for row in jobs] == [["$1.20", "100.0 %"], ["$0.60", "16.7 %"]]
    assert "Waste fell 25 % to $1.80 against the 30 days before. That is 37.5 % of the cost." in page


def test_a_cause_is_left_alone_by_its_link_and_a_job_leads_to_its_runs(site: Site) -> None:
    page = get(site, "/waste?period=30d")
    (failed,) = re.findall(r'href="(/waste[^"]*failed)"', page)
    alone = table_with(get(site, failed.replace("&amp;", "&")), "Cause")
    assert [row[0].text for row in alone[1:]] == ["failed", "Total"]
    runs = re.findall(r'href="(/runs[^"]*)"', page)
    assert len(runs) == 2
    assert "Back to the sums" in get(site, runs[0].replace("&amp;", "&"))


def test_the_csv_has_all_jobs_and_causes_exactly(site: Site) -> None:
    rows = list(csv.DictReader(io.StringIO(get(site, "/waste.csv?period=all&where=cause%3Dcanceled"))))
    assert [(row["project"], row["job"], row["cause"], row["cost"]) for row in rows] == [
        ("api", "lint", "canceled", "3.600000")
    ]


def test_what_waste_does_not_have_is_refused(site: Site) -> None:
    answer = httpx.get(f"{site.origin}/waste?where=branch%3Dmain", timeout=60)
    assert (answer.status_code, "Waste has no branch" in answer.text) == (400, True)


def test_without_published_waste_the_page_says_how_to_get_it(tmp_path: Path) -> None:
    settings = small_folder(tmp_path, ROWS[:1])
    with serving(settings) as site:
        with site.explorer.snapshots.take(site.settings) as snapshot:
            lake = snapshot.lake
        manifest = current_generation(lake).manifest
        rows = {name: count for name, count in manifest.rows.items() if name != "waste"}
        point_to(lake, manifest.model_copy(update={"rows": rows, "generation": manifest.generation}))
    with serving(settings) as site:
        assert "No waste is published yet." in get(site, "/waste")
