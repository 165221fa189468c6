"""The page of classes: the figures of the command, one job with all its classes, and states without advice."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.model.efficiency.advice_listing import as_json
from circleci_cost.model.efficiency.class_verdicts import verdicts
from circleci_cost_tests.cli.harness import configuration
from circleci_cost_tests.cli.test_classes import DAY, publish
from circleci_cost_tests.explorer.html_tables import tables
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.model.efficiency.class_days import days
from circleci_cost_tests.model.efficiency.test_advice import advice, usage

EVIL = "<script>alert(1)</script>"
ADVICE = advice(usage(), usage(key=2, project=EVIL, job="=HYPERLINK(1)"))
CHANGES = verdicts(days(["large"] * 28 + ["xlarge"] * 28))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("classes")
    path = folder / "circleci_cost.toml"
    path.write_text(configuration(DAY.replace(month=1)))
    publish(folder, {"class_advice": ADVICE, "class_changes": CHANGES})
    with serving(read_settings(path, ManualClock(NOW))) as served:
        yield served
        assert served.bugs == []


def get(site: Site, path: str, **parameters: str) -> httpx.Response:
    return httpx.get(f"{site.origin}{path}", params=parameters, timeout=60)


def rows_of(page: httpx.Response, number: int) -> list[dict[str, str]]:
    """The rows of one of the page's tables, by header."""
    assert page.status_code == 200
    header, *rows = tables(page.text)[number]
    names = [cell.text for cell in header]
    return [dict(zip(names, (cell.text for cell in row), strict=True)) for row in rows]


def test_the_best_class_of_each_job_and_the_changes_are_those_of_the_command(site: Site) -> None:
    page = get(site, "/classes")
    assert EVIL not in page.text
    assert {row["Job and class"].partition(" large ")[2] for row in rows_of(page, 0)} == {"→ small"}
    best = ADVICE.filter("best")
    ranges = {f"${low:.2f} to ${high:.2f}" for low, high in best.select("saving_low_usd", "saving_high_usd").rows()}
    assert {row["Saves a month"].partition(" ")[2] for row in rows_of(page, 0)} == ranges
    assert "do not add the two" in page.text
    (change,) = rows_of(page, 1)
    assert change["Job and change"].endswith("large → xlarge since 2026-06-29")
    assert change["Verdict"] == "revert"
    assert change["In words"] == f"{CHANGES['sentence'][0]}."


def test_a_job_has_all_its_classes_with_their_reasons(site: Site) -> None:
    rows = rows_of(get(site, "/classes", project="web", job="test"), 0)
    expected = ADVICE.filter(pl.col("project") == "web")
    assert [row["Job and class"] for row in rows] == [f"web / test large → {to}" for to in expected["candidate"]]
    assert rows[0]["Why"].startswith(expected["reason"][0])


def test_the_csv_has_every_column_exactly_and_no_formula(site: Site) -> None:
    answer = get(site, "/classes.csv", show="all")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == ADVICE.height
    own = next(row for row in rows if row["project"] == "web")
    wanted = as_json(ADVICE.row(by_predicate=(pl.col("project") == "web") & (pl.col("candidate") == own["candidate"]),
                                named=True))  # fmt: skip
    texts = {name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
             for name, value in wanted.items()}  # fmt: skip
    assert own == texts
    assert {row["job"] for row in rows} == {"test", "'=HYPERLINK(1)"}
    (change,) = csv.DictReader(io.StringIO(get(site, "/classes/changes.csv").text))
    assert (change["verdict"], change["current"]) == ("revert", "true")


@pytest.mark.parametrize("parameters", [{"job": "nothing"}, {"project": "nothing"}, {"show": "some"}, {"jobs": "test"}])
def test_what_there_is_not_is_refused_with_a_sentence(site: Site, parameters: dict[str, str]) -> None:
    answer = get(site, "/classes", **parameters)
    assert answer.status_code == 400
    assert "class" in answer.text


def test_a_publication_of_an_earlier_version_says_what_to_run(tmp_path: Path) -> None:
    path = tmp_path / "circleci_cost.toml"
    path.write_text(configuration(DAY.replace(month=1)))
    publish(tmp_path, {"class_advice": None})
    with serving(read_settings(path, ManualClock(NOW))) as served:
        assert "No advice on classes is published yet; run" in get(served, "/classes").text
        assert served.bugs == []
