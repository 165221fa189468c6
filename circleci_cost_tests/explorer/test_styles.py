"""The stylesheets are whole: a brace that is lost in a merge would leave all rules behind it to paper."""

import re
from importlib import resources

import pytest


@pytest.mark.parametrize("name", ["explorer.css", "charts.css"])
def test_every_block_of_a_stylesheet_is_closed_before_the_next_media_query(name: str) -> None:
    text = (resources.files("circleci_cost.explorer") / "static" / name).read_text("utf-8")
    bare = re.sub(r'/\*.*?\*/|"[^"]*"', "", text, flags=re.DOTALL)
    depth = 0
    for piece in re.findall(r"@media|[{}]", bare):
        assert piece != "@media" or depth == 0
        depth += {"{": 1, "}": -1}.get(piece, 0)
        assert depth >= 0
    assert depth == 0
