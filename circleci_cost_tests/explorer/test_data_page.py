"""The page about the data: freshness, open days, prices, restatements, publications, and Dagster's record."""

import csv
import io
import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.days import days_between
from circleci_cost.explorer.dagster_record import DagsterRecord
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.publishing.generations import current_generation, finished_generations
from circleci_cost_tests.cli.conftest import northwind  # noqa: F401 - a fixture
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.warehouse_tables import edit_generation, publish_tables, tables_to_publish

FIRST, THROUGH = date(2026, 3, 1), date(2026, 3, 12)
NOW = datetime(2026, 3, 13, 12, tzinfo=UTC)
SECOND = """
[[cost_centers]]
name = "globex"
organization_id = "5a3c2f7e-84b1-4a6f-b0d9-71e6c9a4f899"
[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2020-01-01
effective_until = 2026-03-31
"""


def written(folder: Path, text: str) -> Settings:
    (folder / "circleci_cost.toml").write_text(text)
    return read_settings(folder / "circleci_cost.toml")


def rows(*days: date, **fields: object) -> list[dict[str, object]]:
    return [{"date": day, "compute": 1000, **fields} for day in days]


def get(site: Site, path: str = "/data", **parameters: str) -> httpx.Response:
    return httpx.get(f"{site.origin}{path}", params=parameters or None, timeout=30)


def table(site: Site, name: str) -> list[dict[str, str]]:
    response = get(site, f"/data/{name}")
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    return list(csv.DictReader(io.StringIO(response.text)))


@pytest.fixture(autouse=True)
def no_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("CIRCLECI_COST_CONFIG", raising=False)


def test_freshness_and_open_days_of_each_cost_center(tmp_path: Path) -> None:
    settings = written(tmp_path, configuration(FIRST) + SECOND)
    present = [day for day in days_between(FIRST, THROUGH) if day != date(2026, 3, 5)]
    late = days_between(date(2026, 3, 9), THROUGH)
    publish_rows(tmp_path / "data", rows(*present), unsettled=[date(2026, 3, 3), *late])
    with serving(settings, clock=ManualClock(NOW)) as site:
        acme, globex = table(site, "freshness.csv")
        days = table(site, "days.csv")
        page = get(site).text
        assert site.take_bugs() == []
    assert acme == {
        "cost_center": "acme",
        "is_configured": "true",
        "first_day": "2026-03-01",
        "complete_through": "2026-03-12",
        "settled_through": "2026-03-02",
        "exported_at": "2026-01-01T00:00:00+00:00",
        "days": "11",
        "jobs": "0",
        "runs": "0",
        "credits": "0",
    }
    assert (globex["days"], globex["first_day"], globex["complete_through"]) == ("0", "", "")
    assert [(each["cost_center"], each["from"], each["to"], each["state"], each["command"]) for each in days] == [
        ("acme", "2026-03-05", "2026-03-05", "missing", "circleci-cost backfill"),
        ("acme", "2026-03-03", "2026-03-03", "not final", "circleci-cost sync"),
        ("globex", "2026-03-01", "2026-03-12", "missing", "circleci-cost backfill"),
        ("acme", "2026-03-09", "2026-03-12", "not final", ""),
    ]
    assert "no day yet" in page
    assert "the price ends" not in page
    assert "CircleCI has changed no day after it was exported." in page


def test_days_that_age_out_or_are_awaited_and_data_that_end_long_ago_say_what_is_left_to_do(tmp_path: Path) -> None:
    settings = written(tmp_path, configuration(date(2025, 1, 1)))
    publish_rows(tmp_path / "data", rows(*days_between(FIRST, THROUGH)))
    # At midnight, before CircleCI brings the day that has just ended.
    with serving(settings, clock=ManualClock(NOW + timedelta(days=40, hours=-12))) as site:
        days = table(site, "days.csv")
        page = get(site).text
        assert site.take_bugs() == []
    assert [each["command"] for each in days] == ["circleci-cost backfill"] * 2 + ["circleci-cost import", ""]
    assert (days[0]["to"], days[1]["from"], days[1]["to"]) == ("2026-02-28", "2026-03-13", "2026-04-20")
    assert days[2]["from"] == "2025-01-01"
    assert (days[3]["from"], days[3]["state"]) == ("2026-04-21", "not there yet")
    assert "CircleCI brings a day between 08:00 and 10:00 UTC of the next one; the daily run fetches it" in page
    assert "The data end on 2026-03-12: run `circleci-cost sync`" in page
    assert "older than CircleCI serves" in page


def test_prices_are_those_of_check_and_former_or_missing_ones_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, configuration(FIRST))
    unpriced = rows(date(2026, 3, 2), price=None)
    publish_rows(tmp_path / "data", [*rows(*days_between(FIRST, date(2026, 3, 9))), *unpriced])
    changed = configuration(FIRST).replace(
        "effective_from = 2020-01-01\n",
        "effective_from = 2020-01-01\neffective_until = 2026-03-07\n"
        "[[cost_centers.pricing]]\nprice_per_credit = 0.0007\neffective_from = 2026-03-09\n",
    )
    settings = written(tmp_path, changed)
    monkeypatch.chdir(tmp_path)
    said = json.loads(Caller(tmp_path, capsys).at(NOW.isoformat())("check", "--json", "--offline").out)
    with serving(settings, clock=ManualClock(NOW)) as site:
        prices = table(site, "prices.csv")
        page = get(site).text
        assert site.take_bugs() == []
    assert [{**each, "price_per_credit": each["price_per_credit"] or None} for each in prices] == [
        {name: value if value is None else str(value) for name, value in each.items()} | {"until": each["until"] or ""}
        for each in said["prices"]
    ]
    assert said["stale_prices"] == [
        {"cost_center": "acme", "from": "2026-03-02", "to": "2026-03-02"},
        {"cost_center": "acme", "from": "2026-03-08", "to": "2026-03-09"},
    ]
    assert "acme: the costs of 2026-03-02, 2026-03-08 to 2026-03-09 rest on a former price" in page
    assert "acme: credits of 2026-03-02 have no price and are in no dollar amount" in page
    assert "no price</span>" in page
    assert "gap: usage stays unpriced" in page
    assert "circleci_cost.toml was edited after these numbers were published" in page


def test_restatements_say_what_changed_and_when(tmp_path: Path) -> None:
    settings = written(tmp_path, configuration(FIRST))
    publish_rows(tmp_path / "data", rows(*days_between(FIRST, THROUGH)))
    lake = open_lake(tmp_path / "data")
    change = {
        "cost_center": "acme",
        "export_id": "=cmd()",
        "jobs_added": 3,
        "jobs_removed": 1,
        "jobs_changed": 1234,
        "credits_added": Decimal("10.5"),
        "credits_removed": Decimal("2"),
        "credits_changed": Decimal("-20"),
    }
    found = [{**change, "date": day, "recorded_at": NOW} for day in days_between(date(2026, 2, 1), date(2026, 3, 2))]
    with tables_to_publish(lake) as connection:
        publish_tables(connection, lake, pl.DataFrame(found, schema=restatements.SCHEMA), NOW)
    with serving(settings, clock=ManualClock(NOW)) as site:
        listed = table(site, "restatements.csv")
        page = get(site).text
        assert site.take_bugs() == []
    assert len(listed) == 30
    assert (listed[0]["date"], listed[0]["credits_change"], listed[0]["export_id"]) == (
        "2026-03-02",
        "-11.5",
        "'=cmd()",
    )
    assert "the newest 25 of 30" in page
    assert page.count(">-11.5<") == 25
    assert page.count("1,234") == 25
    assert len(finished_generations(lake)) == page.count("<code>2026") == 2
    assert page.count("shown here") == 1


def test_hostile_names_and_unusable_files_stay_text(tmp_path: Path) -> None:
    text = configuration(FIRST) + '[[budget_files]]\nfile = "<b>missing</b>.csv"\n'
    settings = written(tmp_path, text)
    publish_rows(tmp_path / "data", rows(FIRST))
    lake = open_lake(tmp_path / "data")
    with edit_generation(current_generation(lake)) as connection:
        connection.execute("UPDATE usage_days SET cost_center = '<script>alert(1)</script>'")
        connection.execute("UPDATE daily_costs SET cost_center = '<script>alert(1)</script>'")
    with serving(settings, clock=ManualClock(NOW)) as site:
        page = get(site).text
        assert site.take_bugs() == []
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "no longer configured" in page
    assert "no longer names this cost center" in page
    assert "&lt;b&gt;missing&lt;/b&gt;.csv" in page
    assert "<b>missing" not in page


@pytest.mark.parametrize("path", ["/data", "/data/days.csv"])
def test_unknown_parameters_are_refused(tmp_path: Path, path: str) -> None:
    settings = written(tmp_path, configuration(FIRST))
    publish_rows(tmp_path / "data", rows(FIRST))
    with serving(settings, clock=ManualClock(NOW)) as site:
        answer = get(site, path, cost_center="' OR 1=1 --")
        assert (
            answer.status_code,
            "This page has no parameter &#39;cost_center&#39;; it has none." in answer.text,
        ) == (400, True)
        assert get(site, "/data/other.csv").status_code == 404


def test_without_an_instance_the_page_says_so(tmp_path: Path) -> None:
    settings = written(tmp_path, configuration(FIRST))
    publish_rows(tmp_path / "data", rows(FIRST))
    with serving(settings, clock=ManualClock(NOW)) as site:
        assert "There is no Dagster instance here yet" in get(site).text


@pytest.fixture
def recorded(northwind: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:  # noqa: F811
    """A copy of an instance in which a run succeeded and checks did not, with the configuration that it was made by."""
    folder = shutil.copytree(northwind, tmp_path / "northwind")
    monkeypatch.setenv("DAGSTER_HOME", str(folder / ".dagster_home"))
    source = folder / "circleci_cost.toml"
    source.write_text(f'{source.read_text()}\n[explorer]\ndagster_url = "https://dagster.example.com/"\n')
    return read_settings(source)


def shown(site: Site, text: str) -> Iterator[str]:
    deadline = time.monotonic() + 120
    while text not in (page := get(site).text):
        yield page
        assert time.monotonic() < deadline, page
        time.sleep(0.2)
    yield page


def test_runs_and_failed_checks_come_from_dagster_s_record(recorded: Settings) -> None:
    with serving(recorded, clock=ManualClock(NOW)) as site:
        *before, page = shown(site, "As of 2026-03-13 12:00 UTC.")
        assert site.take_bugs() == []
    assert all("being read, which takes a few seconds; reload this page" in each for each in before)
    assert len(before) >= 1
    assert '<span class="badge good">success</span>' in page
    assert 'href="https://dagster.example.com/runs/' in page
    assert "data_fresh" in page
    assert '<span class="badge warn">warned</span>' in page


def test_a_broken_instance_says_so_without_what_its_file_holds(recorded: Settings, tmp_path: Path) -> None:
    (tmp_path / "northwind" / ".dagster_home" / "dagster.yaml").write_text("storage:\n  secret: hunter2\n")
    with serving(recorded, clock=ManualClock(NOW)) as site:
        *_, page = shown(site, "cannot be read")
    assert "look at the dagster.yaml in it" in page
    assert "hunter2" not in page


def test_a_reading_that_takes_too_long_is_given_up(recorded: Settings) -> None:
    record = DagsterRecord(seconds=0.05)
    clock = ManualClock(NOW)
    assert record.get(recorded, clock).is_being_read
    record.wait()
    read = record.get(recorded, clock)
    assert (read.problem, read.is_being_read) == (
        "It was not read within 0.05 seconds; reload the page to try again.",
        False,
    )
    clock.advance(timedelta(seconds=61))
    again = record.get(recorded, clock)
    assert (again.problem, again.is_being_read) == (read.problem, True)
    record.wait()
