"""The page that explains a change: the figures of `explain --json`, sums to the last digit, its form, hostile input."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import polars as pl
import pytest

from circleci_cost.cli.main import run
from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.explorer.pages.why.steps import WIDTH, waterfall
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.drivers.decomposition import decompose
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.usage import restatements
from circleci_cost_tests.cli.harness import configuration
from circleci_cost_tests.explorer.serving import serving
from circleci_cost_tests.model.drivers.builders import period
from circleci_cost_tests.warehouse.allocation.builders import fill
from circleci_cost_tests.warehouse.budgets.builders import known
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST = date(2026, 3, 2)
DAYS = [FIRST + timedelta(days=number) for number in range(-28, 7)]
WEEK = "from=2026-03-02&to=2026-03-08"
HOSTILE = '<script>alert("x")</script>&=~!=\u202e'


def usage() -> list[dict[str, Any]]:
    """Five weeks: in the last one a job is dearer, one runs more, one is new, one gone, one has seats on it."""
    rows: list[dict[str, Any]] = []
    for day in DAYS:
        last = day >= FIRST
        usual = {"date": day, "compute": 1001, "runs": 10, "run_seconds": 6000}
        rows.append(
            usual | {"job": "build", "compute": 2000 if last else 1000, "resource_class": "large" if last else "medium"}
        )
        more = {"runs": 13, "compute": 1303} if last else {}
        rows.append(usual | {"job": "lint", "project": HOSTILE} | more)
        rows.append(usual | {"job": "docs", "project": "docs", "user": 25_000 if day == FIRST else 0})
        rows.append(usual | {"job": "fresh" if last else "stale", "project": "jobs"})
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_usage(tmp_path_factory.mktemp("why"), DAYS)


def publish_usage(folder: Path, complete: list[date]) -> Path:
    (folder / "circleci_cost.toml").write_text(configuration())
    lake = open_lake(folder / "data")
    with tables_to_publish(lake) as connection:
        fill(connection, usage())
        known(connection, complete, ["acme"])
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> Mapping[str, Any]:
    """What the command says, asked before the server opens the same files in this process."""
    return explain_json(folder, "--from", "2026-03-02", "--to", "2026-03-08")


def explain_json(folder: Path, *arguments: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        output = io.TextIOWrapper(io.BytesIO())
        patch.setattr("sys.stdout", output)
        assert run(["explain", *arguments, "--json", "--limit", "1000"]) == 0
    output.seek(0)
    answer: dict[str, Any] = json.load(output)
    return answer


@pytest.fixture(scope="module")
def client(folder: Path, told: Mapping[str, Any]) -> Iterator[httpx.Client]:
    yield from visiting(folder)


def visiting(folder: Path) -> Iterator[httpx.Client]:
    clock = ManualClock(datetime(2026, 3, 9, 12, tzinfo=UTC))
    with serving(read_settings(folder / "circleci_cost.toml", clock), clock=clock) as site:
        with httpx.Client(base_url=site.origin, timeout=30) as client:
            yield client
        assert site.bugs == []


def csv_rows(client: httpx.Client, query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(f"/why.csv?{query}").text)))


def tables(text: str) -> list[list[Decimal]]:
    """The effects in each table of the page, the last one its change."""
    found = []
    for table in re.findall(r'<table class="data">.*?</table>', text, re.DOTALL):
        cells = re.findall(r'<td class="number">([+-]?)\$([\d,.]+)</td>', table)
        found.append([Decimal(sign + amount.replace(",", "")) for sign, amount in cells])
    return found


def test_the_csv_has_the_figures_of_the_command_to_the_last_digit(
    client: httpx.Client, told: Mapping[str, Any]
) -> None:
    rows = csv_rows(client, WEEK)
    levels = ["organization", "project", "workflow", "job"]
    for row, contributor in zip(rows, told["contributors"], strict=True):
        assert [row[name] for name in levels] == [contributor[name] for name in levels]
        assert [row[name] for name in ("before", "after", "change")] == [
            contributor[name] for name in ("before", "after", "change")
        ]
        assert {name: row[name] for name in DRIVERS} == contributor["drivers"]
        assert sum(Decimal(row[name]) for name in DRIVERS) == Decimal(row["change"])
    assert sum(Decimal(row["change"]) for row in rows) == Decimal(told["change"])
    assert {row["job"]: row["movement"] for row in rows} == {
        "build": "up",
        "lint": "up",
        "fresh": "new",
        "stale": "gone",
        "(seats)": "new",
    }


def test_every_table_adds_up_to_the_cent_and_the_page_has_the_exact_sums(
    client: httpx.Client, told: Mapping[str, Any]
) -> None:
    text = client.get(f"/why?{WEEK}").text
    whole, *movers = tables(text)
    for *effects, change in (whole, *movers):
        assert sum(effects) == change
        assert effects
    assert sum(change for *_, change in movers) == whole[-1] == round(Decimal(told["change"]), 2)
    assert len(movers) == len(told["contributors"])
    assert f"${Decimal(told['change']):f}" in text.replace(",", "")
    for title in ("New", "Gone", "Up"):
        assert f"<h3>{title} " in text


@pytest.mark.parametrize("by", ["project", "job,branch", "resource_class", "cost_center", "workflow"])
@pytest.mark.parametrize("against", ["weekdays", "previous", "2026-02-02:2026-02-12"])
def test_groups_of_any_kind_add_up_to_the_whole_change_and_each_to_its_own(
    client: httpx.Client, by: str, against: str
) -> None:
    rows = csv_rows(client, f"{WEEK}&by={by}&against={against}")
    for row in rows:
        assert sum(Decimal(row[name]) for name in DRIVERS) == Decimal(row["change"])
    text = client.get(f"/why?{WEEK}&by={by}&against={against}").text
    whole = re.search(r"they add up to (-?)\$([\d,.]+)\.</p>", text)
    assert whole is not None
    assert Decimal(whole[1] + whole[2].replace(",", "")) == sum(Decimal(row["change"]) for row in rows)


def test_the_steps_of_a_waterfall_go_from_nothing_to_the_change() -> None:
    before = period({"job": "a", "compute": 10_000}, {"job": "b", "compute": 50_000, "dlc": 9_000})
    after = period({"job": "a", "compute": 60_000, "runs": 3}, {"job": "c", "compute": 1_000})
    drawn = waterfall(decompose(before, after, []).to_dicts()[0])
    assert len(drawn.steps) >= 4
    zero = float(drawn.zero)
    at = zero
    for step in drawn.steps:
        left, right = float(step.bar.x), float(step.bar.x) + float(step.bar.width)
        begins, ends = (left, right) if step.bar.direction == "up" else (right, left)
        assert begins == pytest.approx(at, abs=2.2)
        assert (step.amount > 0) == (step.bar.direction == "up")
        assert -0.1 <= left <= right <= WIDTH + 0.1
        at = ends
    edges = (float(drawn.total.x), float(drawn.total.x) + float(drawn.total.width))
    assert min(abs(edge - zero) for edge in edges) < 2.2 and min(abs(edge - at) for edge in edges) < 2.2


def test_a_mover_leads_to_its_own_reasons_and_costs(client: httpx.Client) -> None:
    text = unescape(client.get(f"/why?{WEEK}").text)
    links = re.findall(r'<a href="(/why\?[^"]*)">Why, within it</a>', text)
    assert len(links) == len(csv_rows(client, WEEK))
    hostile = next(link for link in links if "script" in link)
    within = client.get(hostile)
    assert within.status_code == 200
    assert ("where", f"project={HOSTILE}") in parse_qsl(urlsplit(hostile).query)
    (change,) = {row["change"] for row in csv_rows(client, urlsplit(hostile).query)}
    assert change in {row["change"] for row in csv_rows(client, WEEK)}
    seats = next(link for link in links if "charge_type%3Duser" in link)
    assert tables(client.get(seats).text)[0] == [Decimal("15.00"), Decimal("15.00")]


def test_a_hostile_name_is_text(client: httpx.Client) -> None:
    for query in (WEEK, f"{WEEK}&by=project", f"{WEEK}&where=project~script"):
        page = client.get(f"/why?{query}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text and "\u202e" not in page.text
        assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&amp;=~!=\ufffd" in page.text


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("from=0001-01-01", 400, "No cost is possible on all of 0001-01-01"),
        ("from=9999-12-31&to=9999-12-31", 400, "is yet to come"),
        ("from=2026-03-08&to=2026-03-02", 400, "exchange them"),
        ("from=2026-02-30", 400, "is no day"),
        ("from=2026-W10-1", 400, "is no day"),
        ("to=%27%3B--", 400, "is no day"),
        ("against=2026-03-01", 400, "is no period"),
        ("against=20260201:20260202", 400, "is no period"),
        ("against=0001-01-01:0001-01-02", 400, "No cost is possible"),
        ("against=2026-03-01:2026-02-01", 400, "begins after it ends"),
        ("by=colour", 400, "There is no dimension 'colour'"),
        ("by=charge_type", 400, "Charge types are drivers"),
        ("by=job,project,branch", 400, "2 dimensions at most"),
        ("by=%22%3E%3Cimg%20src%3Dx%3E", 400, "There is no dimension"),
        ("where=project", 400, "has no value"),
        ("where=project=nobody", 400, "nobody"),
        ("where=1=1", 400, "There is no dimension '1'"),
        ("where=project%3D%27%20OR%201=1--", 400, "OR 1=1--"),
        ("limit=0", 400, "is no number from 1 to 1,000"),
        ("limit=201", 400, "200 groups at most"),
        ("limit=-1", 400, "is no number"),
        ("limit=%D9%A1", 400, "is no number"),
        ("limit=1e9", 400, "is no number"),
        ("colour=red", 400, "This page has no parameter 'colour'"),
        ("from=2026-03-02&from=2026-03-03", 400, "2 times"),
        ("from=2011-01-01&to=2011-01-02", 400, "No cost center has complete and priced days"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_sentence(
    client: httpx.Client, query: str, status: int, words: str
) -> None:
    for path in ("/why", "/why.csv"):
        page = client.get(f"{path}?{query}")
        assert page.status_code == status
        assert words in unescape(page.text)
        assert "<nav" in page.text and 'role="alert"' in page.text
        assert "<img" not in page.text and "Traceback" not in page.text


def test_a_question_that_cannot_be_answered_keeps_its_form(client: httpx.Client) -> None:
    text = client.get("/why?from=2026-03-08&to=2026-03-02&where=project%3Ddocs").text
    assert 'name="from" value="2026-03-08"' in text and 'name="to" value="2026-03-02"' in text
    assert 'name="where" value="project=docs"' in text


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (f"{WEEK}&against=weekdays&against_from=&against_to=&by=&where=", WEEK),
        (f"{WEEK}&against=previous&against_from=&against_to=&by=project&where=", f"{WEEK}&by=project&against=previous"),
        (
            f"{WEEK}&against=days&against_from=2026-02-02&against_to=2026-02-08",
            f"{WEEK}&against=2026-02-02%3A2026-02-08",
        ),
        # Days that were filled in count; days that stood there do not when something else is chosen.
        (
            f"{WEEK}&against=weekdays&against_from=2026-02-02&against_to=2026-02-08",
            f"{WEEK}&against=2026-02-02%3A2026-02-08",
        ),
        (
            f"{WEEK}&against=previous&against_was=days&against_from=2026-02-02&against_to=2026-02-08",
            f"{WEEK}&against=previous",
        ),
        (f"{WEEK}&where=project%3Ddocs&where=job%3Ddocs&where=", f"{WEEK}&where=project%3Ddocs&where=job%3Ddocs"),
    ],
)
def test_a_sent_form_becomes_the_address_that_it_stands_for(client: httpx.Client, sent: str, meant: str) -> None:
    answer = client.get(f"/why?{sent}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/why?{meant}")
    assert client.get(f"/why?{meant}").status_code == 200


def test_the_two_periods_and_what_is_compared_stand_on_the_page(client: httpx.Client) -> None:
    text = client.get(f"/why?{WEEK}&against=2026-02-02:2026-03-01&where=project%3Dweb").text
    assert "Mon 2 Mar 2026 – Sun 8 Mar 2026 against 2026-02-02 to 2026-03-01 · project web" in text
    assert "Before" in text and "Expected" not in text
    assert tables(text)[0] == [Decimal("4.20"), Decimal("4.20")]
    assert "resource class medium → large" in text


def test_without_a_question_the_last_seven_days_are_explained(client: httpx.Client) -> None:
    assert tables(client.get("/why").text) == tables(client.get(f"/why?{WEEK}").text)


def test_nothing_that_changed_is_said(client: httpx.Client) -> None:
    text = client.get("/why?from=2026-02-09&to=2026-02-09&against=2026-02-10:2026-02-10").text
    assert "Nothing has changed." in text


def test_the_limit_leaves_out_the_smaller_ones_and_says_so(client: httpx.Client) -> None:
    text = client.get(f"/why?{WEEK}&limit=1").text
    assert len(tables(text)) == 2
    assert "not listed" in text and "limit=200" in text


def test_days_that_are_left_out_are_named(tmp_path: Path) -> None:
    for client in visiting(publish_usage(tmp_path, [day for day in DAYS if day != FIRST])):
        text = client.get(f"/why?{WEEK}").text
        assert "Partial: days without complete data are left out, acme: 2026-03-02" in unescape(text)
        whole, *movers = tables(text)
        assert sum(change for *_, change in movers) == whole[-1]
