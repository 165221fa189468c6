"""What pages take in a real Chromium: requests, bytes, and the time until charts are drawn. New visitors have no cache.

Times are the browser's own, from the start of a navigation to the frame after the chart is there.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from circleci_cost_tests.explorer.chromium import launch

_PATIENCE_MILLISECONDS = 60_000
# Settles in the frame after an element fits: what was drawn is on the screen then.
_WATCH = """
window.drawn = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no chart on ${location}`)), %d);
    (function look() {
        if (document.querySelector(%s)) requestAnimationFrame(() => resolve(performance.now()));
        else requestAnimationFrame(look);
    })();
});
"""
# Clicks an option and waits until the page says that it shows it.
_CHANGE = """
([option, shown]) => new Promise((resolve) => {
    const started = performance.now();
    option.click();
    (function look() {
        const element = document.querySelector(shown);
        if (element) requestAnimationFrame(() => resolve(performance.now() - started));
        else requestAnimationFrame(look);
    })();
})
"""


@dataclass(frozen=True)
class FirstPage:
    """What a visitor with an empty cache waits for and transfers, WebSockets included."""

    milliseconds: float
    requests: int
    kilobytes: float


class Transfer:
    """What a page has asked for and received."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        """Count from now on."""
        self.requests = 0
        self.bytes = 0
        session = context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._request)
        session.on("Network.webSocketCreated", self._request)
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", self._frame)
        session.send("Network.enable")

    def _request(self, event: dict[str, Any]) -> None:
        if not event.get("request", {}).get("url", "").startswith(("data:", "blob:")):
            self.requests += 1

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

    def _frame(self, event: dict[str, Any]) -> None:
        self.bytes += len(event["response"]["payloadData"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for one server's measurements."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(browser: Browser, drawn: str) -> Iterator[tuple[BrowserContext, Page]]:
    """Somebody who has never been there; `drawn` is the selector of what is there once a chart is drawn."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_PATIENCE_MILLISECONDS)
    context.add_init_script(_WATCH % (_PATIENCE_MILLISECONDS, json.dumps(drawn)))
    try:
        yield context, context.new_page()
    finally:
        context.close()


def first_page(browser: Browser, address: str, drawn: str) -> FirstPage:
    """Open a page as a new visitor."""
    with visitor(browser, drawn) as (context, page):
        transfer = Transfer(context, page)
        milliseconds = time_to_chart(page, address)
        page.wait_for_load_state("networkidle")
        return FirstPage(milliseconds, transfer.requests, transfer.bytes / 1000)


def time_to_chart(page: Page, address: str) -> float:
    """Go to an address; milliseconds until its chart is drawn."""
    response = page.goto(address, wait_until="commit")
    if response is None or not response.ok:
        raise SystemExit(f"{address} is answered with {response.status if response else 'nothing'}")
    return _drawn_at(page)


def _drawn_at(page: Page) -> float:
    return float(page.evaluate("() => window.drawn"))


def median_change(browser: Browser, addresses: Sequence[str], drawn: str) -> float:
    """One visitor goes from address to address; the median time to a chart, the first visit left out."""
    with visitor(browser, drawn) as (_, page):
        return statistics.median([time_to_chart(page, address) for address in addresses][1:])


def median_choice(browser: Browser, address: str, drawn: str, choices: Sequence[tuple[str, str]]) -> float:
    """One visitor chooses options in the first list of a page; the median time to the charts, by their selectors."""
    with visitor(browser, drawn) as (_, page):
        time_to_chart(page, address)
        milliseconds = []
        for choice, shown in choices:
            page.get_by_role("combobox").first.click()
            option = page.get_by_role("option", name=choice, exact=True).element_handle()
            milliseconds.append(float(page.evaluate(_CHANGE, [option, shown])))
        return statistics.median(milliseconds)


def at_once(browser: Browser, address: str, drawn: str, visitors: int) -> list[float]:
    """That many new visitors open a page at the same time; milliseconds until each has its chart."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(visitors)]
    try:
        pages = []
        for context in contexts:
            context.set_default_timeout(_PATIENCE_MILLISECONDS)
            context.add_init_script(_WATCH % (_PATIENCE_MILLISECONDS, json.dumps(drawn)))
            pages.append(context.new_page())
        for page in pages:
            # The call returns before the navigation begins.
            page.evaluate("address => { setTimeout(() => location.assign(address)); }", address)
        return [_drawn_at_address(page, address) for page in pages]
    finally:
        for context in contexts:
            context.close()


def _drawn_at_address(page: Page, address: str) -> float:
    page.wait_for_url(address, wait_until="commit")
    return _drawn_at(page)
