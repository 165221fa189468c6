"""axe-core on the present state of a page: the rules of WCAG 2.0 to 2.2, levels A and AA.

The script is vendored, unchanged, from npm's axe-core 4.14.1 (its NOTICE says more): PyPI's axe-playwright-python is a
wrapper of twenty lines around an older one.
"""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "data" / "axe-core-4.14.1" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# Through the debugger, so that the page's own policy on scripts stays as it is and does not refuse it.
_RUN = """
(tags) => axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})
"""


def axe(page: Page) -> list[str]:
    """Return the violations, one readable text for each element: `assert axe(page) == []`.

    AssertionError where JavaScript is off, without which axe-core waits forever, and where no rule found anything to
    look at, as on an empty page.
    """
    assert page.evaluate("matchMedia('(scripting: enabled)').matches"), "axe-core needs JavaScript: use another look"
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text("utf-8"))
    result = page.evaluate(_RUN, list(TAGS))
    assert result["passes"] or result["violations"], f"axe-core found nothing to look at on {page.url}"
    return [_told(violation, node) for violation in result["violations"] for node in violation["nodes"]]


def _told(violation: dict[str, Any], node: dict[str, Any]) -> str:
    where = " ".join(map(str, node["target"]))
    why = " ".join(node["failureSummary"].split())
    return f"{violation['id']} ({violation['impact']}) at {where}: {why} {node['html']}"
