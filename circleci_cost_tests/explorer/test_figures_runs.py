"""The job runs that a page lists, against the job runs of the lake, counted and added up in Python."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from circleci_cost_tests.explorer.serving import Site

_DAY = date(2026, 3, 17)
_PRICE = Decimal("0.0006")
_BOOKED = ("user_credits", "storage_credits", "network_credits", "ipranges_credits")
_ROW = re.compile(r"<tr>\s*<td class=\"nowrap\">(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)
_TEAMS = {"storefront": "web", "web-app": "web", "docs": "web", "design-system": "web"}


def _of_day(folder: Path) -> Iterable[Mapping[str, Any]]:
    """All job runs of one day, as the lake has them."""
    for file in sorted(folder.glob(f"demo-data/job_runs/*/date={_DAY}/data.parquet")):
        yield from pq.read_table(file, partitioning=None).to_pylist()


def _listed(site: Site, *where: str) -> tuple[int, list[list[str]]]:
    """The number of jobs that the page counts, and its rows as texts: day, project, workflow, job, …"""
    parameters = {"from": f"{_DAY}", "to": f"{_DAY}", "where": where}
    html = httpx.get(f"{site.origin}/runs", params=parameters, timeout=60).text
    count = re.search(r"<caption>(?:The \d+ dearest of )?([\d,]+) jobs?", html)
    rows = [
        [unescape(re.sub("<[^>]+>", "", cell)) for cell in _CELL.findall(f"<td>{row}")] for row in _ROW.findall(html)
    ]
    return int(count[1].replace(",", "")) if count else 0, rows


def _dollars(cost: Decimal) -> str:
    cents = cost.quantize(Decimal("0.01"))
    return f"${cents}" if cents or not cost else "<$0.01"


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        (["project=storefront"], lambda run: run["project_name"] == "storefront"),
        (
            ["project~a", "job!=lint", "branch=main"],
            lambda run: "a" in run["project_name"] and run["job_name"] != "lint" and run["vcs_branch"] == "main",
        ),
        (["charge_type=dlc"], lambda run: run["dlc_credits"] > 0),
        # Those of the shared infrastructure are the team's in part; seats make no run a team's.
        (
            ["team=web"],
            lambda run: run["project_name"] == "infrastructure" or _TEAMS.get(run["project_name"]) == "web",
        ),
        (["charge_type=user"], lambda _: False),
    ],
)
def test_the_runs_of_a_filter_are_those_of_the_lake(site: Site, demo_folder: Path, where: list[str], fits: Any) -> None:
    runs = [run for run in _of_day(demo_folder) if fits(run)]
    own = sorted((run["total_credits"] - sum(run[name] for name in _BOOKED) for run in runs), reverse=True)
    count, rows = _listed(site, *where)
    assert count == len(runs)
    assert [Decimal(row[8].replace(",", "")) for row in rows] == own[:200]
    assert [row[9] for row in rows] == [_dollars(credits * _PRICE) for credits in own[:200]]
