"""Opens pages for one test, each in a browser context of its own, and fails the test on any problem.

Which problems there are is `problems`' matter, how people look at a page that of `looks`.
"""

from playwright.sync_api import Browser, BrowserContext, Page

from circleci_cost_tests.explorer.looks import LIGHT, Look
from circleci_cost_tests.explorer.problems import Problems

# Other workers and the making of the demo may keep the machine busy; a page that takes longer is broken.
_PATIENCE_MILLISECONDS = 30_000


class Browsing:
    """The pages that one test opens; `problems` is what they did wrong so far."""

    def __init__(self, browser: Browser) -> None:
        self.problems = Problems()
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def open(self, origin: str, look: Look = LIGHT) -> Page:
        """Return an empty page whose relative addresses belong to `origin`: `page.goto("/budgets")`."""
        context = self._browser.new_context(base_url=origin, **look.context)
        self._contexts.append(context)
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        self.problems.watch(context, origin)
        page = context.new_page()
        if look.media != "screen":
            page.emulate_media(media="print")
        return page

    def close(self) -> None:
        """Close all pages. Raises AssertionError that names each problem which the test has not taken."""
        left = [str(problem) for problem in self.problems]
        for context in self._contexts:
            context.close()
        assert not left, "\n".join(left)
