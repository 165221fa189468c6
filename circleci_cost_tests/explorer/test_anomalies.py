"""The page of anomalies: the figures of `anomalies --json`, its filters, one incident, and states without any."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import pytest

from circleci_cost.cli.main import run
from circleci_cost.explorer.pages.anomalies.drivers_table import drivers_table
from circleci_cost.explorer.pages.job_run_links import run_links
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.drivers.links import JobRun, job_run_name, job_run_url
from circleci_cost.model.incidents.scope import scope_of
from circleci_cost.model.reporting.report import Granularity, Question
from circleci_cost.text.amounts import signed
from circleci_cost.warehouse.incidents.course import read_course
from circleci_cost.warehouse.incidents.drivers import read_drivers
from circleci_cost.warehouse.incidents.incidents import INCIDENTS, read_incidents
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost.warehouse.reporting.report import answer
from circleci_cost_tests.explorer.incident_site import Visitor, make_folder, usage, visiting
from circleci_cost_tests.warehouse_tables import edit_generation

HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202e=1+1"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("incidents"), usage())


@pytest.fixture(scope="module")
def visitor(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A visitor who only reads."""
    with visiting(published, tmp_path_factory.mktemp("site")) as visitor:
        yield visitor


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def connected(folder: Path) -> duckdb.DuckDBPyConnection:
    return current_generation(open_lake(folder / "data")).connect()


def test_the_csv_has_the_figures_of_the_command_to_the_last_digit(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(visitor.folder)
    assert run(["anomalies", "--all", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["incidents"]
    expected = [{name: "" if value is None else str(value) for name, value in each.items()} for each in told]
    assert cells(visitor.get("/anomalies.csv?all=1").text) == expected
    assert [each["incident_id"] for each in told] == visitor.incident_ids()
    assert len(told) == 2


def test_the_drivers_of_an_incident_add_up_to_its_change_in_the_csv_and_as_they_are_shown(
    published: Path, visitor: Visitor
) -> None:
    with connected(published) as connection:
        for incident_id in visitor.incident_ids():
            drivers = read_drivers(connection, incident_id)
            assert drivers is not None and drivers.effects
            effects = cells(visitor.get(f"/anomalies.csv?incident={incident_id}").text)
            assert sum(Decimal(row["effect_usd"]) for row in effects) == drivers.change_usd
            assert effects[-1]["driver"] == "rest"
            table = drivers_table(drivers)
            shown = sum((row.effect for row in table.rows), start=table.residual)
            assert signed(shown) == signed(drivers.change_usd)
            assert signed(drivers.change_usd) in visitor.get(f"/anomalies?incident={incident_id}").text


def test_the_filters_of_an_incident_leave_the_costs_of_its_series_day_by_day(published: Path) -> None:
    generation = current_generation(open_lake(published / "data"))
    with generation.connect() as connection:
        for row in read_incidents(connection).to_dicts():
            judged = {day.date: day.value for day in read_course(connection, row)}
            days = sorted(judged)
            question = Question(days[0], days[-1], (), tuple(scope_of(row)), Granularity.DAY)
            report = answer(connection, generation, question, ["acme"], None)
            assert {each.period: each.amount.cost for each in report.rows} == judged


def test_why_asks_about_the_same_costs_and_days_as_the_drivers_of_an_incident(
    published: Path, visitor: Visitor
) -> None:
    for incident_id in visitor.incident_ids():
        with connected(published) as connection:
            drivers = read_drivers(connection, incident_id)
        (link,) = re.findall(r'href="/why(\?[^"]*)">Why\?<', visitor.get(f"/anomalies?incident={incident_id}").text)
        rows = cells(visitor.get(f"/why.csv{unescape(link)}").text)
        assert drivers is not None
        for name, exact in (
            ("before", drivers.before_usd),
            ("after", drivers.after_usd),
            ("change", drivers.change_usd),
        ):
            assert sum(Decimal(row[name]) for row in rows) == exact
        effects = {effect.driver: effect.effect_usd for effect in drivers.effects}
        assert {name: Decimal(row[name]) for row in rows for name in effects} == effects


def test_an_incident_has_its_course_its_sentences_and_the_ways_on(visitor: Visitor) -> None:
    (incident_id,) = visitor.incident_ids("status=open")
    page = visitor.get(f"/anomalies?incident={incident_id}")
    assert page.status_code == 200
    assert "Job acme / web / build / test cost" in page.text
    assert 'href="/why?from=2026-03-30&amp;to=2026-04-02&amp;where=cost_center%3Dacme&amp;' in page.text
    assert "charge_type%21%3Duser" in page.text
    assert 'href="/?from=' in page.text
    drawn = chart_of(page.text)
    assert drawn["bands"][0]["name"] == "expected range"
    assert [mark["text"] for mark in drawn["marks"]] == ["spike"] * 2 + ["level shift"] * 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["web", "api"]),
        ("status=open", ["web"]),
        ("status=ended", ["api"]),
        ("status=expected", []),
        ("direction=up&all=1", ["web", "api"]),
        ("direction=down&all=1", []),
        ("cost_center=acme", ["web", "api"]),
        ("organization=acme&sort=certainty", None),
        ("sort=impact", ["web", "api"]),
    ],
)
def test_filters_leave_what_they_ask_for(visitor: Visitor, query: str, expected: list[str] | None) -> None:
    listed = [row["project"] for row in cells(visitor.get(f"/anomalies.csv?{query}").text)]
    assert len(visitor.incident_ids(query)) == len(listed)
    assert listed == expected if expected is not None else sorted(listed) == ["api", "web"]


@pytest.mark.parametrize(
    "query",
    [
        "status=closed",
        "direction=sideways",
        "cost_center=nobody",
        "organization=%27%3B%20DROP%20TABLE%20x",
        "all=yes",
        "sort=%22%3E%3Cscript%3E",
        "status=open&status=ended",
        "incident=0000000000",
        "incident=%00",
        "incident=../../etc/passwd",
        "colour=red",
        "incident=" + "x" * 7000,
    ],
)
def test_an_unknown_value_is_a_sentence_within_the_frame(visitor: Visitor, query: str) -> None:
    for path in ("/anomalies", "/anomalies.csv"):
        page = visitor.get(f"{path}?{query}")
        assert page.status_code == 400
        assert '<p class="note bad" role="alert">' in page.text and "<nav" in page.text
        assert "<script>" not in page.text and "Traceback" not in page.text


def test_a_hostile_name_is_text_everywhere(tmp_path: Path) -> None:
    published = make_folder(tmp_path / "published", usage(HOSTILE))
    with visiting(published, tmp_path / "site") as visitor:
        (incident_id,) = visitor.incident_ids("status=ended")
        for path in ("/anomalies?all=1", f"/anomalies?incident={incident_id}"):
            text = visitor.get(path).text
            assert "<img" not in text and "\u202e" not in text
            assert "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;\ufffd=1+1" in text
        row = next(row for row in cells(visitor.get("/anomalies.csv").text) if row["incident_id"] == incident_id)
        assert row["project"] == HOSTILE
        # Its name holds the signs of the filters' grammar; the links still ask for its own costs.
        assert "project%3D%3Cimg+src%3Dx" in visitor.get(f"/anomalies?incident={incident_id}").text


def test_without_incidents_it_says_what_is_watched_since_when(tmp_path: Path) -> None:
    quiet = (row for row in usage() if row["project"] == "docs")
    with visiting(make_folder(tmp_path / "published", quiet), tmp_path / "site") as visitor:
        page = visitor.get("/anomalies")
        assert (page.status_code, "No anomalies." in page.text) == (200, True)
        assert "series have been watched since Mon 2 Feb 2026" in page.text
        assert visitor.get("/anomalies.csv").text.count("\n") == 1


def test_where_no_anomalies_are_published_it_says_what_to_run(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    shutil.copytree(published, folder)
    lake = open_lake(folder / "data")
    manifest = current_generation(lake).manifest
    rows = {name: count for name, count in manifest.rows.items() if name != INCIDENTS}
    point_to(lake, manifest.model_copy(update={"rows": rows}))
    with visiting(folder, tmp_path / "site") as visitor:
        page = visitor.get("/anomalies")
    assert page.status_code == 503
    assert "No anomalies are published yet; run `circleci-cost" in unescape(page.text)


def test_a_list_that_filters_empty_says_how_to_see_all(visitor: Visitor) -> None:
    page = visitor.get("/anomalies?status=ignored")
    assert "None of the 2 incidents is in this list." in page.text
    assert '<a href="/anomalies?all=1">Show all</a>' in page.text


def test_only_addresses_of_the_form_of_job_runs_become_links() -> None:
    url = job_run_url(JobRun("GitHub", "https://github.com/acme/web", "o", "p", 7, "w-1", 12))
    assert url is not None
    assert [(run.url, run.text) for run in run_links([url])] == [(url, "job 12 of pipeline 7")]
    for other in (
        "javascript:alert(1)",
        f"{url}?x=1",
        f" {url}",
        f"{url}\n",
        url.replace("https", "http"),
        url.replace("app.circleci.com", "app.circleci.com.example"),
        url.replace("app.circleci.com", "user@app.circleci.com"),
        url.replace("/acme/", "/../"),
        url.replace("/12", "/1x"),
    ):
        assert job_run_name(other) is None, other


def test_an_old_incident_has_the_costs_of_days_that_are_no_longer_judged(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    shutil.copytree(published, folder)
    with edit_generation(current_generation(open_lake(folder / "data"))) as connection:
        connection.execute("DELETE FROM cost_anomalies WHERE NOT is_anomaly")
    with visiting(folder, tmp_path / "site") as visitor:
        (incident_id,) = visitor.incident_ids("status=ended")
        drawn = chart_of(visitor.get(f"/anomalies?incident={incident_id}").text)
    labels = [each["label"] for each in drawn["periods"]]
    costs = dict(zip(labels, drawn["series"][0]["values"], strict=True))
    # Six times 20,000 credits, and 100 of its rhythm, at $0.0006.
    assert costs["Thu 19 Mar 2026"] == "72.06"
    assert len(costs) == 57
    assert [mark["index"] for mark in drawn["marks"]] == [labels.index("Thu 19 Mar 2026")]


def chart_of(text: str) -> dict[str, Any]:
    begin = text.index('id="course-data">') + len('id="course-data">')
    drawn: dict[str, Any] = json.loads(text[begin : text.index("</script>", begin)])
    return drawn
