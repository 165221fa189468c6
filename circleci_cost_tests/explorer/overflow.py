"""Whether a page is wider than its window, and which elements are to blame.

Tables scroll by themselves, in an element of class `scroll`; what is in one that scrolls is not looked at.
"""

from playwright.sync_api import Page

_STICKING_OUT = """
() => {
  const root = document.documentElement;
  const width = root.clientWidth;
  const found = [];
  if (root.scrollWidth > width) found.push(`the page is ${root.scrollWidth - width} px wider than its ${width} px`);
  for (const element of document.body.querySelectorAll("*")) {
    const scroller = element.parentElement.closest(".scroll");
    const scrolls = scroller && getComputedStyle(scroller).overflowX !== "visible";
    // An SVG draws within its own borders, whatever the boxes of its parts are.
    if (scrolls || element.ownerSVGElement) continue;
    const box = element.getBoundingClientRect();
    const seen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    // What only screen readers are to find is a pixel wide, or left of the window, where nothing scrolls to it.
    if (!seen || box.width <= 1 || box.height <= 1 || box.right <= 0) continue;
    const out = Math.max(box.right + scrollX - width, -box.left - scrollX);
    if (out > 0.5) {
      const name = element.id ? `#${element.id}` : [element.localName, ...element.classList].join(".");
      found.push(`${name} sticks out by ${Math.ceil(out)} px: ${element.textContent.trim().slice(0, 60)}`);
    }
  }
  return found;
}
"""


def overflow(page: Page) -> list[str]:
    """Return what is wider than the window, the page itself first: `assert overflow(page) == []`."""
    found: list[str] = page.evaluate(_STICKING_OUT)
    return found
