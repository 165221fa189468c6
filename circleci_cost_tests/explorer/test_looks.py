"""Every page is as it should be in every look: no violation of axe-core's rules, nothing wider than the window.

The start page in the looks that differ, the others in those that differ most; with CIRCLECI_COST_LONG=1 every page in
every look.
"""

import os

import pytest

from circleci_cost.explorer.page import Page as ExplorerPage
from circleci_cost.explorer.pages import PAGES
from circleci_cost_tests.explorer.accessibility import axe
from circleci_cost_tests.explorer.conftest import OpenPage, Screenshot
from circleci_cost_tests.explorer.looks import (
    ACCESSIBLE_LOOKS,
    FORCED_COLORS,
    LIGHT,
    LOOKS,
    NARROW_DARK,
    PRINT,
    WITHOUT_JAVASCRIPT,
)
from circleci_cost_tests.explorer.overflow import overflow

_LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
_MOST_DIFFERENT = (LIGHT, NARROW_DARK, WITHOUT_JAVASCRIPT)
_DIFFERENT = (*_MOST_DIFFERENT, FORCED_COLORS, PRINT)


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_is_accessible_and_fits_in_every_look(
    open_page: OpenPage, screenshot: Screenshot, shown: ExplorerPage
) -> None:
    looks = LOOKS if _LONG else _DIFFERENT if shown.path == "/" else _MOST_DIFFERENT
    found = {}
    for look in looks:
        page = open_page(look)
        answer = page.goto(shown.path)
        assert answer is not None and answer.status == 200
        screenshot(page, f"{shown.name}-{look}")
        found[look.name] = overflow(page) + (axe(page) if look in ACCESSIBLE_LOOKS else [])
        page.close()
    assert found == {look.name: [] for look in looks}
