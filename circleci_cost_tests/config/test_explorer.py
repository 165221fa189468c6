"""`[explorer]`: saved views lead to the explorer's own pages only, and every mistake names its line."""

from pathlib import Path

import pytest

from circleci_cost.config.explorer import VIEW_PAGES, Explorer, View
from circleci_cost.config.settings import read_settings
from circleci_cost_tests.config.test_settings import VALID, refusal, write

HOW = 'write what follows the host in the address of one of the explorer\'s pages, such as "/?by=project&period=90d".'
LINE = VALID.count("\n")


def view(url: str) -> str:
    quoted = url.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\0", "\\u0000")
    return f'{VALID}[[explorer.views]]\nname = "quarter"\nurl = "{quoted}"\n'


def read(folder: Path, text: str) -> Explorer:
    return read_settings(write(folder, f"{VALID}{text}")).explorer


def test_the_whole_section_is_read(tmp_path: Path) -> None:
    explorer = read(
        tmp_path,
        '[explorer]\nannotations = "releases.csv"\ndagster_url = "https://dagster.example.com/"\n'
        'public_url = "https://ci-cost.example.com:8443/"\nquery_seconds = 5\nmax_days = 400\n'
        '[[explorer.views]]\nname = "Projects"\nurl = "?by=project"\ndescription = "for Monday"\n',
    )
    assert explorer == Explorer(
        annotations=Path("releases.csv"),
        dagster_url="https://dagster.example.com",
        public_url="https://ci-cost.example.com:8443",
        query_seconds=5,
        max_days=400,
        views=(View(name="Projects", url="/?by=project", description="for Monday"),),
    )


def test_without_the_section_the_defaults_hold(tmp_path: Path) -> None:
    explorer = read(tmp_path, "")
    assert explorer == Explorer()
    assert (explorer.views, explorer.query_seconds, explorer.max_days) == ((), 20, 1200)


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/?by=project&period=90d",
        "/?where=project%3Dweb-app&where=branch!=main&by=team,project",
        "/?where=project=caf\u00e9",
        "/?compare=2026-01-01:2026-01-31#table",
        "/why?from=2026-01-01",
        "/anomalies/91480b138c",
        *(f"/{page}" for page in VIEW_PAGES),
    ],
)
def test_a_view_is_an_address_within_the_explorer(tmp_path: Path, url: str) -> None:
    (saved,) = read_settings(write(tmp_path, view(url))).explorer.views
    assert saved.url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "by=project",
        "why",
        "https://evil.example/",
        "http://127.0.0.1:8000/?by=project",
        "//evil.example/why",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2F/evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "?by=project\nx",
        "/?by=\0",
        "/?by=\u202eproject",
        "/?by=a b",
        " /",
        '/?by="><script>',
        "/why/../..",
        "/./why",
        "/why//x",
        "/why;x",
        "/@evil.example",
        "/why#javascript:x",
    ],
)
def test_f111_a_view_that_leads_elsewhere_is_refused(tmp_path: Path, url: str) -> None:
    assert refusal(tmp_path, view(url)) == f"FILE, line {LINE + 3}: explorer.views[0].url: {HOW}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[explorer.views]]\nname = "a"\nurl = "/budget"\n',
            "3: explorer.views[0].url: 'budget' is no page of the explorer; did you mean 'budgets'?",
        ),
        (
            '[[explorer.views]]\nname = "a"\nurl = "/settings/x"\n',
            "3: explorer.views[0].url: a name here is no page of the explorer; there are: why, budgets, credits, "
            "anomalies, teams, classes, waste, infrastructure, data.",
        ),
        (
            f'[[explorer.views]]\nname = "a"\nurl = "/?by={"x" * 2000}"\n',
            "3: explorer.views[0].url: write at most 2000 characters.",
        ),
        (
            '[[explorer.views]]\nname = "a"\nurl = "/"\n[[explorer.views]]\nname = "a"\nurl = "/why"\n',
            "5: explorer.views[1].name: the view 'a' is defined twice; give each its own name.",
        ),
        ('[[explorer.views]]\nname = "a"\n', "1: explorer.views[0].url is missing; add it."),
        (
            '[[explorer.views]]\nname = "a\\u202eb"\nurl = "/"\n',
            "2: explorer.views[0].name: write at most 200 printable characters.",
        ),
        (
            '[explorer]\ndagster_url = "javascript:alert(1)"\n',
            "2: explorer.dagster_url: write the https:// (or http://) address of your Dagster or explorer.",
        ),
        (
            '[explorer]\ndagster_url = "https:///runs"\n',
            "2: explorer.dagster_url: write an address such as https://example.com/path.",
        ),
        (
            '[explorer]\npublic_url = "https://ci-cost.example.com/costs"\n',
            "2: explorer.public_url: write the address without a path, such as https://ci-cost.example.com.",
        ),
        (
            "[explorer]\nquery_seconds = 0\n",
            "2: explorer.query_seconds = 0: input should be greater than or equal to 1.",
        ),
        ("[explorer]\nmax_days = 7\n", "2: explorer.max_days = 7: input should be greater than or equal to 31."),
        ("[explorer]\nannotation = 'x'\n", "2: unknown key 'explorer.annotation'; did you mean 'annotations'?"),
    ],
)
def test_a_mistake_names_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    head, _, tail = message.partition(":")
    assert refusal(tmp_path, VALID + text) == f"FILE, line {LINE + int(head)}:{tail}"


@pytest.mark.parametrize("port", ["0", "99999", "x"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    message = refusal(tmp_path, f'{VALID}[explorer]\npublic_url = "https://ci-cost.example.com:{port}"\n')
    assert message == (
        f"FILE, line {LINE + 2}: explorer.public_url: there is no such port; write the one that the explorer is "
        "reached at."
    )
