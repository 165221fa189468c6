"""Card, table, CSV, `/api/report` and `report --json` give the same digits, whatever is asked."""

import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.explorer.pages.explore.figures import MOST_ROWS
from circleci_cost_tests.explorer.commands import answer_of
from circleci_cost_tests.explorer.serving import Site

_EXAMPLES = 100 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 10
_FIRST, _LAST = date(2025, 2, 19), date(2026, 3, 18)
_VALUES = {
    "organization": ["acme", "acme-labs", "globex"],
    "project": ["web-app", "storefront", "data-platform"],
    "job": ["unit-tests", "lint", "(none)"],
    "charge_type": ["compute", "user", "storage"],
    "team": ["web", "data", "unallocated"],
    "resource_class": ["large"],
}
_GROUPS = ["cost_center", "organization", "project", "workflow", "job", "branch", "charge_type", "team", "build_status"]


@dataclass(frozen=True)
class Asked:
    """The parameters of one report, as an address and as a command line."""

    by: tuple[str, ...]
    where: tuple[str, ...]
    first: date
    last: date

    @property
    def parameters(self) -> list[tuple[str, str]]:
        days = [("from", str(self.first)), ("to", str(self.last))]
        return [*days, *(("by", name) for name in self.by), *(("where", text) for text in self.where)]

    @property
    def options(self) -> list[str]:
        return [part for name, value in self.parameters for part in (f"--{name}", value)]


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    by = draw(st.lists(st.sampled_from(_GROUPS), min_size=1, max_size=2, unique=True))
    where = []
    for name in draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=2, unique=True)):
        operator = draw(st.sampled_from(["=", "!=", "~"]))
        value = draw(st.sampled_from(_VALUES[name]))
        where.append(f"{name}{operator}{value[:3] if operator == '~' else value}")
    first = draw(st.dates(_FIRST, _LAST))
    return Asked(tuple(by), tuple(where), first, min(_LAST, first + timedelta(days=draw(st.integers(0, 60)))))


def _page_sums(html: str) -> tuple[Decimal, Decimal, list[Decimal]]:
    """The exact figures of a page: of its first card, of the table's foot, and of each of its rows."""
    card = re.search(r'<div class="card main">.*?<data value="([^"]+)">', html, re.DOTALL)
    foot = re.search(r"<tfoot>.*?<data value=\"([^\"]+)\">", html, re.DOTALL)
    rows = re.findall(r"<tr(?: class=\"rest\")?>\s*<th scope=\"row\">.*?</tr>", html[: html.find("<tfoot>")], re.DOTALL)
    assert card and foot
    values = [re.search(r'<data value="([^"]+)">', row) for row in rows]
    return Decimal(card[1]), Decimal(foot[1]), [Decimal(value[1]) for value in values if value]


def _added(texts: Sequence[str]) -> Decimal:
    return sum((Decimal(text) for text in texts if text), start=Decimal(0))


@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions())
def test_every_view_of_a_question_gives_the_same_digits(
    site: Site, demo_folder: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    monkeypatch.chdir(demo_folder)
    expected = answer_of("--demo", "report", "--json", *asked.options, clock=site.clock)
    with httpx.Client(base_url=site.origin, params=tuple(asked.parameters), timeout=60) as client:
        assert client.get("/api/report").json() == expected
        rows = list(csv.DictReader(io.StringIO(client.get("/report.csv").text)))
        page = client.get("/", params=[("rows", "all"), ("compare", "off")]).text
    total = expected["total"]
    assert isinstance(total, dict)
    if "No usage on these days" in page:
        assert (rows, total["credits"]) == ([], "0")
        return
    card, foot, shown = _page_sums(page)
    cost = Decimal(total["cost"] or 0)
    assert (card, foot, sum(shown, start=Decimal(0)), _added([row["cost"] for row in rows])) == (cost,) * 4
    # Beyond a thousand groups the others are one row.
    assert len(shown) == min(len(rows), MOST_ROWS + 1)
    assert _added([row["credits"] for row in rows]) == Decimal(total["credits"])
