"""All addresses of the explorer, taken from its pages: a page that is added is tried by itself."""

import re
from html import unescape

import httpx

from circleci_cost.explorer.pages import PAGES

READING = tuple(path for page in PAGES for path in (page.path, *(path for path, _ in page.more)))
ACTIONS = tuple(path for page in PAGES for path, _ in page.actions)


def parameters(client: httpx.Client, path: str) -> list[str]:
    """The parameters of an address, as its refusal of an unknown one names them."""
    answer = client.get(path, params={"no-such": "1"})
    assert answer.status_code == 400, path
    match = re.search(r"has no parameter 'no-such'; it has ([^.]*)\.", unescape(answer.text))
    assert match, f"{path} takes any parameter"
    return [name for name in match[1].split(", ") if name != "none"]
