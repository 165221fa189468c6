"""The ways in which people look at a page: each a browser context's options, by name.

What is checked in each of them belongs to the tests.
"""

from dataclasses import dataclass, field
from typing import Any

# Far from UTC: a page that shows a day of the browser's own clock or zone is found out.
_EVERYWHERE: dict[str, Any] = {"locale": "en-US", "timezone_id": "America/Los_Angeles", "reduced_motion": "reduce"}
_DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


@dataclass(frozen=True)
class Look:
    """One way to look at a page. `media` is "print" where the page is looked at on paper."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    media: str = "screen"

    @property
    def context(self) -> dict[str, Any]:
        """All options of the browser context."""
        return _EVERYWHERE | _DESK | self.options

    def __str__(self) -> str:
        return self.name


LIGHT = Look("light", {"color_scheme": "light"})
DARK = Look("dark", {"color_scheme": "dark"})
FORCED_COLORS = Look("forced-colors", {"forced_colors": "active"})
# `is_mobile` lets the page's own viewport element decide, as a phone does.
NARROW = Look(
    "390px",
    {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
)
NARROW_DARK = Look("390px-dark", NARROW.options | {"color_scheme": "dark"})
# A window of 1280 pixels at 200 %: half as many CSS pixels, each twice as large.
ZOOMED = Look("200-percent", {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2})
WITHOUT_JAVASCRIPT = Look("without-javascript", {"java_script_enabled": False})
# The width of a sheet of A4 within its margins.
PRINT = Look("print", {"viewport": {"width": 718, "height": 1000}}, media="print")

# What axe-core has to pass in; it needs JavaScript itself.
ACCESSIBLE_LOOKS = (LIGHT, DARK, FORCED_COLORS, NARROW, NARROW_DARK, ZOOMED)
LOOKS = (*ACCESSIBLE_LOOKS, WITHOUT_JAVASCRIPT, PRINT)
