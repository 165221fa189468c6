"""The start page and the list of runs by user and pipeline: names, hostile ones too, and the figures of `report`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from markupsafe import escape

from circleci_cost.clock import ManualClock
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.lake.builders import EXPORTED
from circleci_cost_tests.warehouse.reporting.run_folder import ANN, BOB, EVE, configured, publish_runs

NAME = "<img src=x onerror=alert(1)> & Ann"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("users")
    publish_runs(folder)
    (folder / "users.csv").write_text(f"id,name\n{ANN},{NAME}\n")
    return folder


@pytest.fixture(scope="module")
def users(folder: Path) -> Iterator[Site]:
    settings = configured(folder, folder / "data", '[actors]\ntrigger_user_names = "users.csv"\n')
    with serving(settings, clock=ManualClock(EXPORTED)) as site:
        yield site


def page(site: Site, path: str, **parameters: str | Sequence[str]) -> str:
    days = {"from": "2026-10-01", "to": "2026-10-02"}
    answer = httpx.get(f"{site.origin}{path}", params={**days, **parameters}, timeout=60)
    assert (answer.status_code, site.take_bugs()) == (200, []), answer.text
    return answer.text


def test_the_page_shows_users_by_name_and_the_figures_of_the_report(users: Site) -> None:
    html = page(users, "/", by=["trigger_user", "job"])
    assert (escape(NAME) in html, BOB in html, "<img" in html) == (True, True, False)
    report = json.loads(page(users, "/api/report", by="trigger_user"))
    assert {row.pop("trigger_user"): row for row in report["rows"]}.keys() == {NAME, BOB, EVE, "(none)"}
    assert report["total"] == json.loads(page(users, "/api/report"))["total"]


@pytest.mark.parametrize("user", [NAME, ANN])
def test_a_user_is_filtered_by_name_or_id_and_followed_to_the_runs(users: Site, user: str) -> None:
    rows = json.loads(page(users, "/api/report", by="trigger_user"))["rows"]
    (expected,) = [row for row in rows if row.pop("trigger_user") == NAME]
    only = json.loads(page(users, "/api/report", by="pipeline", where=f"trigger_user={user}"))
    assert only["total"] == expected
    assert all(row["pipeline"].startswith("shop #10") for row in only["rows"])
    html = page(users, "/", where=f"trigger_user={user}", by="job")
    # What a change comes from is not told by user.
    assert "/why?" not in html
    listed = page(users, "/runs", where=[f"trigger_user={user}", "pipeline!=shop #101"])
    assert listed.count(f"<br>{escape(NAME)}</td>") == sum(
        row["runs"] for row in only["rows"] if row["pipeline"][-1] != "1"
    )
    assert BOB not in listed


def test_a_file_of_names_that_cannot_be_used_is_named_on_the_pages(users: Site, folder: Path) -> None:
    names = folder / "users.csv"
    kept = names.read_bytes()
    names.write_text("id,name\nann,Ann\n")
    try:
        for path, parameters in (("/", {"by": "trigger_user"}), ("/runs", {})):
            html = page(users, path, **parameters)
            assert ("line 2: id = ann" in html, "Users go by their ids." in html, ANN in html) == (True, True, True)
    finally:
        names.write_bytes(kept)
