"""Charts as a reader has them: drawn, in words, under the hand, on paper, in every look."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from markupsafe import Markup
from playwright.sync_api import Page, expect

from circleci_cost.explorer import charts
from circleci_cost.explorer.charts import Axis, Band, Chart, Kind, Mark, Period, Role, Series
from circleci_cost.explorer.headers import CONTENT_SECURITY_POLICY
from circleci_cost.explorer.rendering import environment, static_files
from circleci_cost_tests.explorer.accessibility import axe
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.looks import (
    DARK,
    FORCED_COLORS,
    LIGHT,
    NARROW,
    NARROW_DARK,
    WITHOUT_JAVASCRIPT,
    Look,
)
from circleci_cost_tests.explorer.overflow import overflow
from circleci_cost_tests.explorer.small_site import SmallSite

STATIC = Path(charts.__file__).parent / "static"
NAMES = ["{a|bold} {b|x}", "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "x" * 300]
DAYS = [Period(f"{day} Oct 2026", f"{day} Oct", incomplete=day == 12) for day in range(1, 13)]
FLAT = [Decimal(amount) for amount in (60, 10, 30, 20)]
BLUE = {"light": "41,84,188", "dark": "108,153,252"}
PAPER = {"light": "255,255,255", "dark": "20,22,26"}
_TEMPLATE = """{% import "macros.html" as m %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Charts</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{{ static("charts.css") }}"><link rel="stylesheet" href="{{ static("explorer.css") }}">
<script src="{{ static("theme.js") }}"></script>
<script src="{{ static("vendor/echarts-6.1.0/echarts.common.min.js") }}" defer></script>
<script type="module" src="{{ static("charts.js") }}"></script>
</head><body><main><h1>Charts</h1>
{% for chart in charts %}{{ m.chart(chart) }}{% endfor %}
</main></body></html>"""
# How many pixels of the canvas have each colour.
_COLORS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = {};
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) {
      const color = `${data[at]},${data[at + 1]},${data[at + 2]}`;
      found[color] = (found[color] ?? 0) + 1;
    }
  }
  return found;
}"""


def always(amount: Decimal) -> list[Decimal | None]:
    return [amount] * len(DAYS)


def bars() -> Chart:
    """Four stacked keys with names that try to be more than names, the rest, and the period before."""
    links = ["/?where=project%3Da", "https://example.com/", "javascript:alert(1)", r"/\example.com/"]
    keys = [
        Series(name, always(amount), color=slot, href=href)
        for slot, (name, amount, href) in enumerate(zip(NAMES, FLAT, links, strict=True))
    ]
    rest = Series("(other)", always(Decimal("99.5")), Role.OTHER, href="/?limit=50")
    before = Series("12 days before", always(Decimal("123.4")), Role.PREVIOUS)
    return Chart("bars", "Cost fell 84 %.", DAYS, [*keys, rest, before], marks=[Mark(3, "{a|price} <b>up</b>")])


def lines() -> Chart:
    """What budgets, anomalies and infrastructure draw."""
    half: list[Decimal | None] = [*always(Decimal(5))[:6], *[None] * 6]
    alone: list[Decimal | None] = [None] * 11 + [Decimal(3)]
    series = [
        Series("actual", half, Role.ACTUAL, 0),
        Series("runs", always(Decimal(1500)), Role.ACTUAL, 1, axis=1),
        Series("forecast", alone, Role.FORECAST),
        Series("expected", always(Decimal(4)), Role.EXPECTED),
        Series("budget", always(Decimal(6)), Role.BUDGET),
    ]
    band = Band("80 % range", always(Decimal(2)), always(Decimal("8.5")))
    return Chart("lines", "Both rose.", DAYS, series, (Axis("USD", 2), Axis("runs", 0)), Kind.LINES, bands=[band])


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A page with both charts, under the policy that all pages have."""
    page = environment().from_string(_TEMPLATE).render(charts=[bars(), lines()])
    files = {
        static_files().address(path.relative_to(STATIC).as_posix()): path.read_text()
        for path in STATIC.rglob("*")
        if path.suffix in {".css", ".js"}
    }
    with SmallSite({"/": Markup(page)} | files, CONTENT_SECURITY_POLICY) as served:
        yield served.origin


def opened(browsing: Browsing, site: str, look: Look = LIGHT) -> Page:
    page = browsing.open(site, look)
    page.goto("/")
    for canvas in page.locator(".canvas").all():
        canvas.scroll_into_view_if_needed()
    expect(page.locator(".canvas[data-drawn]")).to_have_count(2)
    page.evaluate("scrollTo(0, 0)")
    return page


def colors(page: Page, chart: str = "bars") -> dict[str, int]:
    found: dict[str, int] = page.locator(f"#{chart} .canvas canvas").first.evaluate(_COLORS)
    return found


def point_at(page: Page, day: int, chart: str = "bars", height: float = 0.87) -> None:
    """Move the pointer to a day's column; at 0.87 of the height lies the lowest part of the stack."""
    box = page.locator(f"#{chart} .canvas").bounding_box()
    assert box is not None
    plot = box["width"] - 40
    page.mouse.move(box["x"] + 40 + plot * (day - 0.5) / len(DAYS), box["y"] + box["height"] * height)


@pytest.mark.parametrize("look", [LIGHT, FORCED_COLORS, NARROW_DARK], ids=str)
def test_every_kind_of_chart_is_drawn_and_accessible(browsing: Browsing, site: str, look: Look) -> None:
    page = opened(browsing, site, look)
    for chart in ("bars", "lines"):
        assert len(colors(page, chart)) > 20
    assert axe(page) == []
    assert overflow(page) == []


def test_the_legend_names_all_as_plain_text_and_links_stay_on_this_site(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site)
    names = [*NAMES, "(other)", "12 days before", "incomplete"]
    assert page.locator("#bars .legend .name").all_text_contents() == names
    addresses = page.locator("#bars .legend a").evaluate_all("(links) => links.map((link) => link.href)")
    assert addresses == [f"{site}/?where=project%3Da", f"{site}/?limit=50"]
    assert page.locator("#bars .marks").inner_text() == "1 4 Oct 2026: {a|price} <b>up</b>"
    names = ["actual", "runs", "forecast", "expected", "budget", "80 % range", "incomplete"]
    assert page.locator("#lines .legend .name").all_text_contents() == names


def test_the_tooltip_has_the_largest_first_then_the_rest_the_total_and_what_is_compared(
    browsing: Browsing, site: str
) -> None:
    page = opened(browsing, site)
    tooltip = page.locator("#bars .tooltip")
    point_at(page, 4, height=0.3)
    names = [NAMES[0], NAMES[2], NAMES[3], NAMES[1], "(other)", "Total", "12 days before"]
    values = ["$60.00", "$30.00", "$20.00", "$10.00", "$99.50", "$219.50", "$123.40"]
    assert tooltip.locator(".period").inner_text() == "4 Oct 2026"
    assert tooltip.locator(".row .name").all_text_contents() == names
    assert tooltip.locator(".row .value").all_text_contents() == values
    assert tooltip.locator(".remark").all_text_contents() == ["{a|price} <b>up</b>"]
    point_at(page, 12, height=0.3)
    expect(tooltip.locator(".period")).to_have_text("12 Oct 2026 · incomplete")
    page.keyboard.press("Escape")
    expect(tooltip).to_be_hidden()


def test_the_tooltip_of_lines_has_each_amount_in_its_own_unit_and_the_range(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site)
    point_at(page, 2, "lines", 0.5)
    rows = zip(
        page.locator("#lines .tooltip .name").all_text_contents(),
        page.locator("#lines .tooltip .value").all_text_contents(),
        strict=True,
    )
    assert dict(rows) == {
        "actual": "$5.00",
        "runs": "1,500 runs",
        "expected": "$4.00",
        "budget": "$6.00",
        "80 % range": "$2.00 – $8.50",
    }


def test_a_click_on_a_bar_and_the_keyboard_on_its_name_lead_to_the_same_page(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site)
    point_at(page, 6)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/?where=project%3Da")
    page = opened(browsing, site)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?where=project%3Da")
    assert len(browsing.problems.take()) == 0


def test_a_finger_shows_the_tooltip_and_leads_nowhere(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site, NARROW)
    box = page.locator("#bars .canvas").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8)
    expect(page.locator("#bars .tooltip")).to_be_visible()
    page.locator("h1").tap()
    expect(page.locator("#bars .tooltip")).to_be_hidden()
    assert page.url == f"{site}/"


def test_a_change_of_theme_draws_anew_whether_the_system_or_the_reader_asks(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site)
    assert (colors(page)[BLUE["light"]] > 500, BLUE["dark"] in colors(page)) == (True, False)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(50)
    assert (BLUE["light"] in colors(page), colors(page)[BLUE["dark"]] > 500) == (False, True)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_timeout(50)
    assert (colors(page)[BLUE["light"]] > 500, BLUE["dark"] in colors(page)) == (True, False)


def test_the_bar_of_an_incomplete_day_is_striped(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site)
    cut_out = """(canvas, day) => {
      const width = (canvas.width - 40) / 12;
      const strip = document.createElement("canvas");
      [strip.width, strip.height] = [width / 4, canvas.height / 20];
      strip.getContext("2d").drawImage(canvas, -40 - width * (day - 0.6), -canvas.height * 0.82);
      return strip;
    }"""
    share = {}
    for day in (11, 12):
        strip = page.locator("#bars .canvas canvas").first.evaluate_handle(cut_out, day)
        found = strip.evaluate(_COLORS)
        share[day] = found.get(PAPER["light"], 0) / sum(found.values())
    assert share[11] == 0
    assert 0.05 < share[12] < 0.8


def test_paper_has_all_charts_in_light_colours_also_those_not_yet_in_sight(browsing: Browsing, site: str) -> None:
    page = browsing.open(site, DARK)
    page.set_viewport_size({"width": 1280, "height": 300})
    page.goto("/")
    expect(page.locator("#bars .canvas[data-drawn]")).to_be_attached()
    page.evaluate("addEventListener('beforeprint', () => { window.drawn = document.querySelectorAll('[data-drawn]') })")
    printed = f"() => ({{drawn: window.drawn.length, colors: ({_COLORS})(document.querySelector('#bars canvas'))}})"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = ({printed})() }})")
    page.pdf()
    paper = page.evaluate("window.printed")
    assert paper["drawn"] == 2
    assert paper["colors"][BLUE["light"]] > 500
    assert BLUE["dark"] not in paper["colors"]
    assert colors(page)[BLUE["dark"]] > 500


def test_a_narrower_window_narrows_the_chart(browsing: Browsing, site: str) -> None:
    page = opened(browsing, site)
    page.set_viewport_size({"width": 420, "height": 800})
    # No `wait_for_function`: it evaluates a text in the page, which the policy forbids.
    for _ in range(100):
        if page.evaluate("document.querySelector('#bars canvas').clientWidth") < 420:
            break
        page.wait_for_timeout(100)
    else:
        raise AssertionError("the chart keeps its width")
    assert overflow(page) == []


def test_without_javascript_the_sentence_is_there_and_no_empty_place(browsing: Browsing, site: str) -> None:
    page = browsing.open(site, WITHOUT_JAVASCRIPT)
    page.goto("/")
    assert page.locator("figcaption").all_inner_texts() == ["Cost fell 84 %.", "Both rose."]
    assert page.locator(".canvas:visible").count() == 0
