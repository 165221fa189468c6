"""Tests of the explorer, in a real Chromium where pages are looked at.

A browser test asks for `page` (light, on a desk) or for `open_page`, which takes a look of `looks`; `site` is the demo
as the real server serves it, at `moment.NOW`:

    @pytest.mark.parametrize("look", ACCESSIBLE_LOOKS, ids=str)
    def test_the_budgets_are_readable_in_every_look(open_page: OpenPage, screenshot: Screenshot, look: Look) -> None:
        page = open_page(look)
        page.goto("/budgets")
        expect(page.get_by_role("heading", level=1)).to_have_text("Budgets")
        assert axe(page) == []
        assert overflow(page) == []
        screenshot(page, f"budgets-{look}")

A console error, a page error, a violation of the page's policy, a request to another host, or a bug that the server
reported fails the test at its end. What a test provokes on purpose it takes: `problems.take()`, `site.take_bugs()`.
Nothing may use `asyncio.run` here, since Playwright's loop runs in the same thread; Starlette's TestClient may be used.

`serving(settings)` serves another configuration, `demo_folder` has the finished demo to copy. A test that needs no
browser asks `site.origin` with httpx. CIRCLECI_COST_SCREENSHOTS names a folder that keeps the pictures.
"""
