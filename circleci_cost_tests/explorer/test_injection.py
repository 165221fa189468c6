"""Hostile values for every parameter of every address: each answer is a page, a redirection of ours, or a sentence."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote, urlsplit

import httpx
import pytest

from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.routes import ACTIONS, READING, parameters
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import small_folder

HOSTILE = (
    "0001-01-01",
    "9999-12-31",
    "0001-01-01:9999-12-31",
    "' OR 1=1 --",
    "project='; DROP TABLE daily_costs; --",
    "{schema.x}{0.__class__}{{7*7}}${7*7}%s%n",
    "a\r\nX-Evil: 1\r\n\r\n<script>alert(1)</script>",
    "//evil.example/?by=job",
    "https://evil.example/",
    "/\\evil.example",
    "/?%0d%0aX-Evil:1",
    '"><img src=x onerror=alert(1)>',
    "\x00",
    "\u202e\uff50roject=proj\u0435ct",
    "9" * 400,
    "project~[",
    "__class__",
)
MORE = (
    "`", ";", "=", "!=", "~", "=x", "project=", "project!=", "project~%", "project=a=b", "NaN", "-1", "1e999", "null",
    "٣", "2026-13-45", "2026-03-10:2026-03-01", "../../etc/passwd", "javascript:alert(1)", "all", "none", "(other)",
    "project,project,job", "x" * 3000, "\ud7ff\uffff",
)  # fmt: skip
_VALUES = HOSTILE + MORE if os.environ.get("CIRCLECI_COST_LONG") == "1" else HOSTILE[2:8]
_TRACES = ("Traceback", "Error:", "duckdb", "jinja2", "site-packages")
_MARKUP = ("<script>alert", "onerror=alert(1)>")
_SENTENCE = re.compile(r'<p class="note bad" role="alert">.+</p>|^\{\s*"error": ".+"\s*\}$', re.DOTALL)
_FILE = re.compile(r'attachment; filename="[\w.-]+"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    days = [NOW.date() - timedelta(days=back) for back in range(1, 11)]
    rows = [{"date": day, "project": name, "compute": 100} for day in days for name in ("web", "api")]
    tag = '[[virtual_tags]]\nname = "team"\n[[virtual_tags.rules]]\nvalue_of = "project"\n'
    with serving(small_folder(tmp_path_factory.mktemp("small"), rows, tag)) as site:
        yield site
        assert site.take_bugs() == []


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.origin, timeout=60) as client:
        yield client


def harmless(answer: httpx.Response) -> bool:
    """Whether an answer is one of those that a hostile address may have."""
    assert answer.status_code in {200, 303, 400, 404}, (str(answer.url), answer.status_code)
    assert not any(text in answer.text for text in _TRACES), str(answer.url)
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert not any(text in answer.text for text in _MARKUP), str(answer.url)
    assert "x-evil" not in answer.headers
    if answer.status_code == 303:
        place = urlsplit(answer.headers["location"])
        assert (place.scheme, place.netloc) == ("", "")
        assert answer.headers["location"].startswith("/") and not answer.headers["location"].startswith(("//", "/\\"))
    if answer.status_code in {400, 404}:
        assert _SENTENCE.search(answer.text.strip()), str(answer.url)
    if "content-disposition" in answer.headers:
        assert _FILE.fullmatch(answer.headers["content-disposition"])
    return True


def test_no_value_of_any_parameter_of_any_address_is_more_than_a_value(client: httpx.Client) -> None:
    asked = [
        f"{path}?{quote(name, safe='')}={quote(value, safe='')}"
        for path in READING
        for name in parameters(client, path)
        for value in _VALUES
    ]
    assert len(asked) > 60 * len(_VALUES)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda address: harmless(client.get(address)), asked))


def test_no_name_of_a_parameter_is_more_than_a_name(client: httpx.Client) -> None:
    for path in READING:
        for name in HOSTILE[:6]:
            answer = client.get(f"{path}?{quote(name, safe='')}=1")
            assert harmless(answer) and answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "by=%", "by=%zz", "by=%ff", "by=%c0%af", "by=%ed%a0%80", "by=%00", "by", "&&&", "=", "by=project;by=job",
        "by=a&by=b&by=c", "period=30d&period=7d", "from=2026-01-01&period=7d", "&".join(["where=project=web"] * 101),
        "where=" + "x" * 9000, "where=" + "%41" * 3000, "a=1&" * 1000,
    ],
    ids=lambda query: query[:24],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_a_sentence(client: httpx.Client, query: str) -> None:
    for path in READING:
        assert harmless(client.get(f"{path}?{query}"))


@pytest.mark.parametrize("target", ["//evil.example/", "/\\evil.example", "https://evil.example/", "/?%0d%0aX-Evil:1"])
def test_the_form_of_filters_leads_to_no_other_server(client: httpx.Client, target: str) -> None:
    form = {"dimension": "project", "operator": "is", "value": "web", "to": target}
    answer = client.get("/filter/apply", params=form)
    assert harmless(answer)
    assert answer.status_code == 400 or "evil.example" not in urlsplit(answer.headers["location"]).netloc


def test_what_is_asked_for_in_the_form_of_filters_comes_back_encoded(client: httpx.Client) -> None:
    form = {"dimension": "project", "operator": "contains", "text": "a\r\nX-Evil: 1&by=job#x", "to": "/?by=team"}
    answer = client.get("/filter/apply", params=form)
    assert answer.headers["location"] == "/?by=team&where=project~a%0AX-Evil%3A+1%26by%3Djob%23x"
    assert harmless(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../app.py", "/static/x/..%2fapp.py", "/static/x/%2e%2e/%2e%2e/app.py", "/static/x//etc/passwd",
        "/static/../../etc/passwd", "/static/x/..\\app.py", "/static/x/explorer.css%00", "/static/x/.", "/static/x/",
        "/static/x/vendor", "//evil.example", "//evil.example/runs/", "/runs/", "/%2f%2fevil.example",
        "/\\evil.example",
        "/runs%00", "/RUNS", "/runs;x=1", "/data/%2e%2e/runs", "/api/", "/api/report/", "/templates/base.html",
    ],
)  # fmt: skip
def test_no_other_path_leads_anywhere(site: Site, path: str) -> None:
    answer = httpx.get(f"{site.origin}{path}", timeout=60)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "There is no such" in answer.text


def test_the_actions_answer_hostile_forms_with_a_refusal(client: httpx.Client, site: Site) -> None:
    for path in ACTIONS:
        for value in HOSTILE:
            answer = client.post(path, data={"token": value, value: value}, headers={"origin": site.origin})
            assert answer.status_code in {400, 403}
            assert not any(text in answer.text for text in _TRACES)
