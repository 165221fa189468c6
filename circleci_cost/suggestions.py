"""Which known names a mistyped one resembles: the one rule of every "did you mean".

A name that resembles none gets no suggestion; what is said in its place is the caller's.
"""

import difflib
from collections.abc import Iterable

# One wrong letter of three is 0.67, a transposition in four is 0.75; unrelated names rarely share that much.
_SIMILAR = 0.66
# An abbreviation has at least so many letters.
_STEM = 3


def similar(given: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that `given` resembles or abbreviates, whatever its case, the nearest first."""
    by_form: dict[str, str] = {}
    for name in known:
        by_form.setdefault(_form(name), name)
    wanted = _form(given)
    found = difflib.get_close_matches(wanted, by_form, most, _SIMILAR)
    found += [form for form in by_form if form not in found and _abbreviates(wanted, form)]
    return [by_form[form] for form in found[:most]]


def did_you_mean(given: str, known: Iterable[str], most: int = 1) -> str | None:
    """The similar names as the question `did you mean 'team' or 'teams'?`; None where there are none."""
    found = similar(given, known, most)
    return f"did you mean {' or '.join(map(repr, found))}?" if found else None


def _form(name: str) -> str:
    return name.lower().replace("-", "_")


def _abbreviates(wanted: str, form: str) -> bool:
    return len(wanted) >= _STEM and form.startswith(wanted)
