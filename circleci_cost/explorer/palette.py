"""Which colour a key has: the same on every page and in every period, by its rank over the whole history.

The colours themselves are custom properties of `static/charts.css`; series that compare, and `(other)`, have colours of
their own and no slot.
"""

from collections.abc import Iterable, Mapping, Sequence

SLOTS = 18


def slots(ranked: Sequence[str], shown: Iterable[str]) -> Mapping[str, int]:
    """The slot of each key that is shown.

    `ranked` holds all keys of the dimension, the largest of the whole history first: the first 18 have a colour of
    their own whatever is shown. A later one takes the colour of its rank modulo 18, or the nearest that no key before
    it has in this chart. Keys that `ranked` lacks come last, by name. From the nineteenth key shown on, colours repeat.
    """
    ranks = {key: rank for rank, key in enumerate(ranked)}
    order = sorted(set(shown), key=lambda key: (ranks.get(key, len(ranks)), key))
    newcomers = (key for key in order if key not in ranks)
    ranks |= {key: len(ranked) + place for place, key in enumerate(newcomers)}
    taken: set[int] = set()
    given: dict[str, int] = {}
    for key in order:
        given[key] = _nearest_free(ranks[key] % SLOTS, taken)
        taken.add(given[key])
    return given


def _nearest_free(slot: int, taken: set[int]) -> int:
    free = [each for each in range(SLOTS) if each not in taken]
    return min(free, key=lambda each: (_distance(each, slot), each), default=slot)


def _distance(one: int, other: int) -> int:
    apart = abs(one - other)
    return min(apart, SLOTS - apart)
