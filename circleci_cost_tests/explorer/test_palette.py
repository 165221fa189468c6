"""A key keeps its colour, and the colours can be told from the page in every theme."""

import re
from importlib import resources
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.explorer.palette import SLOTS, slots

RANKED = [f"project-{rank}" for rank in range(40)]
STATIC = resources.files("circleci_cost.explorer") / "static"
CSS = "".join((STATIC / name).read_text() for name in ("charts.css", "explorer.css"))
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TOKENS = {name: {"light": light, "dark": dark} for name, light, dark in PAIR.findall(CSS)}
SERIES = [f"series-{slot}" for slot in range(SLOTS)]
DRAWN = [*SERIES, "other", "previous", "forecast", "expected", "budget", "mark"]


def test_the_largest_keys_have_their_own_colours_whatever_else_is_shown() -> None:
    assert slots(RANKED, ["project-4", "project-0", "project-17"]) == {"project-0": 0, "project-4": 4, "project-17": 17}


def test_a_later_key_takes_the_nearest_free_colour() -> None:
    assert slots(RANKED, ["project-22"]) == {"project-22": 4}
    assert slots(RANKED, ["project-22", "project-4"]) == {"project-4": 4, "project-22": 3}
    assert slots(RANKED, ["project-22", "project-4", "project-3"]) == {
        "project-3": 3,
        "project-4": 4,
        "project-22": 5,
    }
    assert slots(RANKED, ["project-18", "project-0", "project-1"])["project-18"] == 17


def test_keys_without_a_rank_come_last_by_name() -> None:
    assert slots(RANKED[:2], ["zeta", "alpha", "project-1"]) == {"project-1": 1, "alpha": 2, "zeta": 3}


@given(st.sets(st.sampled_from(RANKED), max_size=SLOTS))
def test_colours_of_one_chart_differ_and_do_not_depend_on_the_order_of_its_keys(shown: set[str]) -> None:
    given_slots = slots(RANKED, shown)
    assert given_slots == slots(RANKED, sorted(shown, reverse=True))
    assert given_slots.keys() == shown
    assert len(set(given_slots.values())) == len(shown)
    first = {key: rank for rank, key in enumerate(RANKED[:SLOTS]) if key in shown}
    assert {key: given_slots[key] for key in first} == first


def test_more_keys_than_colours_repeat_them() -> None:
    given_slots = slots(RANKED, RANKED)
    assert set(given_slots.values()) == set(range(SLOTS))
    assert given_slots["project-30"] == 12


def linear(color: str) -> list[float]:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    dark, light = sorted(
        sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear(color), strict=True))
        for color in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_stands_out_from_page_and_card_by_three_to_one(theme: str) -> None:
    faint = {
        (name, ground): round(contrast(TOKENS[name][theme], TOKENS[ground][theme]), 2)
        for name in DRAWN
        for ground in ("paper", "surface")
        if contrast(TOKENS[name][theme], TOKENS[ground][theme]) < 3
    }
    assert faint == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted", "accent"])
def test_text_stands_out_from_page_and_card_by_four_and_a_half_to_one(name: str, theme: str) -> None:
    for ground in ("paper", "surface"):
        assert contrast(TOKENS[name][theme], TOKENS[ground][theme]) >= 4.5


# Machado, Oliveira, Fernandes 2009, severity 1.
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def times(matrix: tuple[tuple[float, ...], ...], vector: list[float]) -> list[float]:
    return [sum(one * other for one, other in zip(row, vector, strict=True)) for row in matrix]


def seen(color: str, sight: str) -> list[float]:
    """A colour in OKLab, as someone with this sight has it."""
    light = [min(max(channel, 0), 1) for channel in times(SIGHTS[sight], linear(color))]
    return times(OKLAB, [cone ** (1 / 3) for cone in times(LMS, light)])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_no_two_colours_are_alike_for_any_sight(sight: str, theme: str) -> None:
    colors = {name: seen(TOKENS[name][theme], sight) for name in [*SERIES, "other"]}
    apart = {
        pair: sum((a - b) ** 2 for a, b in zip(*(colors[name] for name in pair), strict=True)) ** 0.5
        for pair in combinations(colors, 2)
    }
    # A difference of 0.02 is just seen where colours touch.
    assert {pair: round(distance, 3) for pair, distance in apart.items() if distance < 0.035} == {}
