"""A small site with two incidents, one about `web` and one about another project, and a client of its own pages."""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.explorer.access import Access
from circleci_cost_tests.cli.harness import configuration
from circleci_cost_tests.cli.incident_usage import FIRST, LAST, SHIFT, publish_incidents
from circleci_cost_tests.explorer.serving import Site, serving

SPIKE = FIRST + timedelta(days=45)
CLOCK = ManualClock(datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC) + timedelta(days=1))
DECISIONS = '[anomalies]\ndecisions = "decisions.csv"\n'


def usage(other: str = "api") -> Iterable[dict[str, Any]]:
    """Sixty days of three projects: `web` takes five times as much since four days, the other did six times once."""
    for number in range(60):
        day = FIRST + timedelta(days=number)
        busy, spike = 5 if day >= SHIFT else 1, 6 if day == SPIKE else 1
        yield {"date": day, "project": "web", "compute": 20_000 * busy + 100 * (number % 3), "runs": 40 * busy}
        yield {"date": day, "project": other, "compute": 20_000 * spike + 100 * (number % 4), "runs": 60 * spike}
        yield {"date": day, "project": "docs", "compute": 30_000 + 100 * (number % 4), "runs": 60}


def make_folder(folder: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """A folder with published incidents and a configuration that names a file of decisions."""
    folder.mkdir(parents=True, exist_ok=True)
    publish_incidents(folder, rows)
    (folder / "circleci_cost.toml").write_text(configuration() + DECISIONS)
    return folder


@dataclass(frozen=True)
class Visitor:
    """Someone who looks at the pages of a site, with forms as a browser sends them."""

    site: Site
    folder: Path
    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """Ask for a page."""
        return self.client.get(path)

    def incident_ids(self, query: str = "all=1") -> list[str]:
        """The incidents that the list shows, in its order."""
        return re.findall(
            r'<th scope="row">\s*<a href="/anomalies\?incident=(\w+)"', self.get(f"/anomalies?{query}").text
        )

    def form(self, incident_id: str) -> dict[str, str]:
        """The hidden fields of the form on an incident's page."""
        text = self.get(f"/anomalies?incident={incident_id}").text
        form = text[text.index('<form class="decide"') : text.index("</form>")]
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
        return {name: unescape(value) for name, value in fields}

    def send(self, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send the form as a page of this site does, unless other headers are given."""
        named = {name.replace("_", "-"): value for name, value in ({"origin": self.site.origin} | headers).items()}
        return self.client.post("/anomalies/decide", data=dict(fields), headers=named)

    def decide(self, incident_id: str, decision: str, reason: str = "", until: str = "") -> httpx.Response:
        """Open the page of an incident, fill in its form and send it."""
        filled = {"decision": decision, "reason": reason, "until": until}
        return self.send(self.form(incident_id) | filled)

    @property
    def decisions(self) -> str | None:
        """The content of the file of decisions; None where there is none."""
        file = self.folder / "decisions.csv"
        return file.read_text() if file.exists() else None


@contextmanager
def visiting(
    published: Path, folder: Path, *, access: Access | None = None, extra: str | None = None, **headers: str
) -> Iterator[Visitor]:
    """Serve a copy of a published folder; `extra` replaces the part of the configuration about decisions."""
    shutil.copytree(published, folder, dirs_exist_ok=True)
    if extra is not None:
        (folder / "circleci_cost.toml").write_text(configuration() + extra)
    settings = read_settings(folder / "circleci_cost.toml", CLOCK)
    with serving(settings, access=access, clock=CLOCK) as site:
        with httpx.Client(base_url=site.origin, headers=headers, timeout=30) as client:
            yield Visitor(site, folder, client)
        assert site.bugs == []
