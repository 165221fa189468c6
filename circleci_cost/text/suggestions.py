"""Which known names a mistyped one resembles: the one rule of every "did you mean".

A name that resembles none gets no suggestion; what is said in its place is the caller's.
"""

import difflib
from collections.abc import Iterable

# A transposition in a name of four letters is 0.75; unrelated names with a common ending reach 0.69.
_SIMILAR = 0.7
# An abbreviation, or a name with one wrong letter, has at least so many letters.
_STEM = 3


def similar(given: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that `given` resembles or abbreviates, whatever its case, the nearest first."""
    by_form: dict[str, str] = {}
    for name in known:
        by_form.setdefault(_form(name), name)
    wanted = _form(given)
    found = difflib.get_close_matches(wanted, by_form, most, _SIMILAR)
    found += [form for form in by_form if form not in found and (_abbreviates(wanted, form) or _almost(wanted, form))]
    return [by_form[form] for form in found[:most]]


def did_you_mean(given: str, known: Iterable[str], most: int = 1) -> str | None:
    """The similar names as the question `did you mean 'team' or 'teams'?`; None where there are none."""
    found = similar(given, known, most)
    return f"did you mean {' or '.join(map(repr, found))}?" if found else None


def suggestion_or_all(given: str, known: Iterable[str], most: int = 1) -> str:
    """The question of `did_you_mean`, or all names where none is similar: `there are: a, b.`."""
    names = list(dict.fromkeys(known))
    return did_you_mean(given, names, most) or f"there are: {', '.join(names) or 'none'}."


def with_suggestion(sentence: str, given: str, known: Iterable[str], most: int = 3) -> str:
    """A sentence without its full stop, and the question of `did_you_mean` behind it where some name is similar."""
    hint = did_you_mean(given, known, most)
    return f"{sentence}; {hint}" if hint else sentence


def _form(name: str) -> str:
    return name.lower().replace("-", "_")


def _abbreviates(wanted: str, form: str) -> bool:
    return len(wanted) >= _STEM and form.startswith(wanted)


def _almost(wanted: str, form: str) -> bool:
    """Whether a short name has one wrong letter, or two next to each other exchanged."""
    if len(wanted) != len(form) or len(wanted) < _STEM:
        return False
    wrong = [place for place, (one, other) in enumerate(zip(wanted, form, strict=True)) if one != other]
    return len(wrong) == 1 or (len(wrong) == 2 and sorted(wanted) == sorted(form) and wrong[1] - wrong[0] == 1)
