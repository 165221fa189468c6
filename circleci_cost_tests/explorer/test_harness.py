"""Each checker of pages finds what it is there to find, and nothing on a page that is as it should be."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from circleci_cost_tests.explorer.accessibility import AXE, axe
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.looks import (
    ACCESSIBLE_LOOKS,
    LIGHT,
    LOOKS,
    NARROW,
    WITHOUT_JAVASCRIPT,
    ZOOMED,
    Look,
)
from circleci_cost_tests.explorer.overflow import overflow
from circleci_cost_tests.explorer.problems import CONSOLE_ERROR, CSP_VIOLATION, FOREIGN_REQUEST, PAGE_ERROR
from circleci_cost_tests.explorer.small_site import SmallSite

Serve = Callable[..., SmallSite]
QUERIES = {
    "light": "(prefers-color-scheme: light) and (width: 1280px)",
    "dark": "(prefers-color-scheme: dark)",
    "forced-colors": "(forced-colors: active)",
    "390px": "(width: 390px) and (pointer: coarse)",
    "390px-dark": "(width: 390px) and (prefers-color-scheme: dark)",
    "200-percent": "(width: 640px) and (resolution: 2dppx)",
    "without-javascript": "(scripting: none)",
    "print": "print",
}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve some pages; "/" has the body that is given. Tests name it before `browsing`, whose pages close first."""
    with ExitStack() as stack:

        def start(body: str, policy: str | None = "", **pages: str) -> SmallSite:
            files = {f"/{name.replace('_', '.')}": text for name, text in pages.items()}
            content = {"/": whole(body), **files}
            site = SmallSite(content) if policy == "" else SmallSite(content, policy)
            return stack.enter_context(site)

        yield start


def whole(body: str) -> str:
    """An HTML document as it should be, around a body."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/page.css"><script type="module" src="/page.js">'
        f"</script></head><body><main><h1>A page</h1>{body}</main></body></html>"
    )


def kinds(browsing: Browsing) -> set[str]:
    return {problem.kind for problem in browsing.problems.take()}


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_page_as_it_should_be_has_no_problem_in_any_look_and_each_look_is_what_its_name_says(
    serve: Serve, browsing: Browsing, look: Look
) -> None:
    site = serve("<p>Fine</p>", page_css="p { color: black; background: white }", page_js="export {};")
    page = browsing.open(site.origin, look)
    page.goto("/")
    assert overflow(page) == []
    if look in ACCESSIBLE_LOOKS:
        assert axe(page) == []
    assert page.evaluate("(query) => matchMedia(query).matches", QUERIES[look.name])
    # Neither axe-core nor what looks on has broken the page's policy.
    assert list(browsing.problems) == []


@pytest.mark.parametrize(
    ("look", "body"),
    [
        (LIGHT, '<p style="color: red">x</p>'),
        (LIGHT, "<script>document.title = 'x'</script>"),
        (WITHOUT_JAVASCRIPT, '<p style="color: red">x</p>'),
    ],
)
def test_what_the_policy_refuses_is_a_problem_with_and_without_javascript(
    serve: Serve, browsing: Browsing, look: Look, body: str
) -> None:
    page = browsing.open(serve(body, page_css="", page_js="").origin, look)
    page.goto("/")
    assert kinds(browsing) == {CSP_VIOLATION}


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("console.error('broken')", {CONSOLE_ERROR}),
        ("throw new Error('broken')", {PAGE_ERROR}),
        ("Promise.reject(new Error('broken'))", {PAGE_ERROR}),
        ("fetch('/missing')", {CONSOLE_ERROR}),
        ("eval('1')", {CSP_VIOLATION, CONSOLE_ERROR, PAGE_ERROR}),
        ("document.body.setAttribute('style', 'color: red')", {CSP_VIOLATION}),
        ("console.warn('odd'); console.log('fine')", set()),
    ],
)
def test_what_goes_wrong_in_a_script_is_a_problem(
    serve: Serve, browsing: Browsing, script: str, found: set[str]
) -> None:
    page = browsing.open(serve("<p>x</p>", page_css="", page_js=script).origin)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert kinds(browsing) == found


@pytest.mark.parametrize(
    ("body", "script"),
    [
        ('<img alt="" src="http://example.com/x.png">', ""),
        ('<img alt="" src="http://localhost:9/x.png">', ""),
        ('<form action="http://example.com/"><button>Send</button></form>', "document.forms[0].submit()"),
        ("", "fetch('https://example.com/').catch(() => 0)"),
        ("", "navigator.sendBeacon('https://example.com/', 'x')"),
        ("", "new WebSocket('ws://example.com/')"),
        ("", "open('http://example.com/')"),
    ],
)
def test_a_request_to_another_host_or_port_fails_the_test(
    serve: Serve, browser: Browser, body: str, script: str
) -> None:
    browsing = Browsing(browser)
    page = browsing.open(serve(body, None, page_css="", page_js=script).origin)
    page.goto("/", wait_until="commit")
    for _ in range(100):
        if any(problem.kind == FOREIGN_REQUEST for problem in browsing.problems):
            break
        page.wait_for_timeout(50)
    with pytest.raises(AssertionError, match=FOREIGN_REQUEST):
        browsing.close()


def test_a_page_that_never_stops_leaving_is_waited_for(serve: Serve, browsing: Browsing) -> None:
    site = serve("", page_css="", page_js="setTimeout(() => location.reload(), 20)")
    page = browsing.open(site.origin)
    page.goto("/")
    for _ in range(20):
        assert list(browsing.problems) == []
    # A browser asked to close a page in the moment it leaves may never do so: it comes to rest first.
    site.pages["/"] = "<!doctype html><title>At rest</title>"
    expect(page).to_have_title("At rest")


def test_a_status_of_the_page_itself_is_for_the_test_to_judge(serve: Serve, browsing: Browsing) -> None:
    page = browsing.open(serve("", page_css="", page_js="").origin)
    answer = page.goto("/nowhere")
    assert answer is not None and answer.status == 404
    assert list(browsing.problems) == []
    page.goto("/")
    page.evaluate("fetch('/nowhere/else').then(() => 0)")
    assert kinds(browsing) == {CONSOLE_ERROR}


def test_a_problem_that_no_test_takes_fails_it(serve: Serve, browser: Browser) -> None:
    site = serve("", page_css="", page_js="console.error('broken'); throw new Error('and more')")
    browsing = Browsing(browser)
    browsing.open(site.origin).goto("/")
    with pytest.raises(AssertionError) as caught:
        browsing.close()
    assert [line.partition(" on ")[0] for line in str(caught.value).splitlines()] == [CONSOLE_ERROR, PAGE_ERROR]
    assert "broken" in str(caught.value) and site.origin in str(caught.value)


def test_axe_names_the_element_and_what_is_wrong_with_it(serve: Serve, browsing: Browsing) -> None:
    body = '<input id="search"><p class="pale">Hardly to be read</p>'
    page = browsing.open(serve(body, page_css=".pale { color: #ccc; background: #fff }", page_js="").origin)
    page.goto("/")
    contrast, label = sorted(axe(page))
    assert contrast.startswith("color-contrast (serious) at p: ") and "contrast of 1.6" in contrast
    assert label.startswith("label (critical) at #search: ")


def test_axe_refuses_to_pass_what_it_cannot_look_at(serve: Serve, browsing: Browsing) -> None:
    page = browsing.open(serve("<p>x</p>", page_css="", page_js="").origin, WITHOUT_JAVASCRIPT)
    page.goto("/")
    with pytest.raises(AssertionError, match="needs JavaScript"):
        axe(page)


def test_axe_is_the_one_that_was_vendored() -> None:
    digest = hashlib.sha256(AXE.read_bytes()).hexdigest()
    assert digest == "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
    assert "Mozilla Public License, version 2.0" in AXE.with_name("LICENSE").read_text("utf-8")


@pytest.mark.parametrize("look", [NARROW, ZOOMED, WITHOUT_JAVASCRIPT], ids=str)
def test_what_is_wider_than_the_window_is_named(serve: Serve, browsing: Browsing, look: Look) -> None:
    site = serve('<p id="wide">x</p>', page_css="* { margin: 0 } #wide { width: 1400px }", page_js="")
    page = browsing.open(site.origin, look)
    page.goto("/")
    width = look.context["viewport"]["width"]
    assert overflow(page) == [
        f"the page is {1400 - width} px wider than its {width} px",
        f"#wide sticks out by {1400 - width} px: x",
    ]


def test_what_is_cut_off_instead_of_scrolled_is_named_too(serve: Serve, browsing: Browsing) -> None:
    css = "* { margin: 0 } body { overflow-x: hidden } .wide { width: 1400px }"
    page = browsing.open(serve('<p class="wide">x</p>', page_css=css, page_js="").origin, NARROW)
    page.goto("/")
    assert "p.wide sticks out by 1010 px: x" in overflow(page)


def test_a_table_that_scrolls_by_itself_is_no_overflow(serve: Serve, browsing: Browsing) -> None:
    css = ".scroll { overflow-x: auto } table { width: 1400px } .hidden { position: absolute; left: -9999px }"
    body = '<a class="hidden" href="#x">Skip</a><div class="scroll"><table><tr><td>x</td></tr></table></div>'
    page = browsing.open(serve(body, page_css=css, page_js="").origin, NARROW)
    page.goto("/")
    assert overflow(page) == []
