"""What a page must never do, recorded as it happens: errors, violations of its policy, requests to other hosts.

`browsing` opens the pages and fails the test; here is only what counts as a problem.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response, WebError, WebSocket

CONSOLE_ERROR = "console error"
PAGE_ERROR = "page error"
CSP_VIOLATION = "CSP violation"
FOREIGN_REQUEST = "foreign request"

_BINDING = "circleciCostTestsViolation"
# It runs before any script of the page, and the page's policy does not bind it.
_LISTENER = f"""
document.addEventListener("securitypolicyviolation", (event) => {_BINDING}(
  `${{event.effectiveDirective}} refuses ${{event.blockedURI}} ${{event.sample}}`.trim()));
"""
_QUESTIONS = 10


@dataclass(frozen=True)
class Problem:
    """One problem, and the address of the page that had it."""

    kind: str
    text: str
    page: str

    def __str__(self) -> str:
        return f"{self.kind} on {self.page}: {self.text}"


class Problems:
    """The problems of one test's pages, in the order in which they came."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._refused: set[str] = set()
        self._contexts: list[BrowserContext] = []

    def watch(self, context: BrowserContext, origin: str) -> None:
        """Watch all pages of a context, those it opens later included; only `origin` may be asked for anything."""
        self._contexts.append(context)
        context.expose_binding(_BINDING, lambda source, text: self._add(CSP_VIOLATION, text, source["page"].url))
        context.add_init_script(_LISTENER)
        context.on("console", self._console)
        context.on("weberror", self._page_error)
        context.on("request", lambda request: self._request(request, origin))
        context.on("response", self._response)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._websocket(socket, page, origin)))

    def take(self) -> list[Problem]:
        """Return what was found so far and forget it: for a test that provokes a problem on purpose."""
        self._wait_for_reports()
        taken, self._found = self._found, []
        return taken

    def __iter__(self) -> Iterator[Problem]:
        self._wait_for_reports()
        return iter(tuple(self._found))

    def _wait_for_reports(self) -> None:
        """Let arrive what the pages have reported already."""
        for context in self._contexts:
            for page in context.pages:
                _ask(page)

    def _add(self, kind: str, text: str, page: str) -> None:
        self._found.append(Problem(kind, text, page))

    def _console(self, message: ConsoleMessage) -> None:
        # The status of the page itself is for the test to judge: it has the answer of `goto`.
        if message.type != "error" or message.location["url"] in self._refused:
            return
        kind = CSP_VIOLATION if "Content Security Policy" in message.text else CONSOLE_ERROR
        self._add(kind, f"{message.text} ({message.location['url']})", _address(message.page))

    def _page_error(self, error: WebError) -> None:
        self._add(PAGE_ERROR, str(error.error), _address(error.page))

    def _request(self, request: Request, origin: str) -> None:
        if _is_foreign(request.url, origin):
            self._add(FOREIGN_REQUEST, f"{request.method} {request.url}", request.headers.get("referer", ""))

    def _response(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status >= 400:
            self._refused.add(response.url)

    def _websocket(self, socket: WebSocket, page: Page, origin: str) -> None:
        if _is_foreign(socket.url, origin):
            self._add(FOREIGN_REQUEST, f"WebSocket {socket.url}", page.url)


def _ask(page: Page) -> None:
    """Ask a page for nothing: its answer comes after what it has reported before. It may just be leaving."""
    for attempt in range(_QUESTIONS):
        try:
            page.evaluate("0")
        except Error as error:
            if "navigation" not in error.message or attempt == _QUESTIONS - 1:
                raise
        else:
            return


def _address(page: Page | None) -> str:
    return page.url if page else "a page that is gone"


def _is_foreign(url: str, origin: str) -> bool:
    """Whether a request leaves for another host or port. `data:` and `blob:` addresses go nowhere."""
    asked = urlsplit(url)
    return bool(asked.netloc) and asked.netloc != urlsplit(origin).netloc
