"""What a page of the explorer shows, read back from its HTML: cards, the table of groups, the chart's JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx

_CARD = re.compile(
    r'<div class="card[^>]*>\s*<dt>(.*?)</dt>\s*<dd class="value">(.*?)</dd>\s*(?:<dd class="note">(.*?)</dd>)?',
    re.DOTALL,
)
_CELL = re.compile(r"<(th|td)[^>]*>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """The cards by label, as value and note; the rows by their first name, as texts by column; and the chart."""

    cards: Mapping[str, tuple[str, str]]
    rows: Mapping[str, Mapping[str, str]]
    caption: str
    sentence: str
    chart: Mapping[str, Any]

    @property
    def incomplete(self) -> Sequence[str]:
        """The labels of the periods that are hatched."""
        return [self.chart["periods"][index]["label"] for index in self.chart["hatched"]]

    def line(self, role: str, name: str | None = None) -> Sequence[str | None]:
        """The values of the first series of a role, or of that with a name."""
        found = [each for each in self.chart["series"] if each["role"] == role and name in {None, each["name"]}]
        values: Sequence[str | None] = found[0]["values"]
        return values


def shown(origin: str, query: str) -> Shown:
    """Open the start page with a query string."""
    answer = httpx.get(f"{origin}/?{query}", timeout=60)
    assert answer.status_code == 200, answer.text
    html = answer.text
    table = html[html.index('aria-labelledby="figures"') :].split("</table>")[0]
    columns = _texts(table.split("</thead>")[0])
    rows = [_texts(row) for row in table.split("</thead>")[1].split("<tr")[1:]]
    return Shown(
        cards={_text(label): (_text(value), _text(note)) for label, value, note in _CARD.findall(html)},
        # The total has one cell for all names.
        rows={row[0]: dict(zip(columns[-len(row) :], row, strict=True)) for row in rows},
        caption=_text(table.split("<caption>")[1].split("</caption>")[0]),
        sentence=_text(html.split("<figcaption>")[1].split("</figcaption>")[0]),
        chart=json.loads(html.split('<script type="application/json" id="cost-chart-data">')[1].split("</script>")[0]),
    )


def _texts(html: str) -> list[str]:
    return [_text(body) for _, body in _CELL.findall(html)]


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
