"""Which known names a mistyped one resembles: the rule behind every "did you mean".

A name that resembles none gets no suggestion; the caller words what to say instead.
"""

import difflib
from collections.abc import Iterable

# A transposition in a name of four letters is 0.75; unrelated names with a common ending reach 0.69.
_SIMILAR = 0.7
# The fewest letters of an abbreviation, or of a name with one wrong letter.
_STEM = 3


def similar(given: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that `given` resembles or abbreviates, whatever its case, the nearest first."""
    by_form: dict[str, str] = {}
    for name in known:
        by_form.setdefault(_form(name), name)
    wanted = _form(given)
    forms = difflib.get_close_matches(wanted, by_form, most, _SIMILAR)
    forms += [form for form in by_form if form not in forms and (_abbreviates(wanted, form) or _has_slip(wanted, form))]
    return [by_form[form] for form in forms[:most]]


def did_you_mean(given: str, known: Iterable[str], most: int = 1) -> str | None:
    """The similar names as the question `did you mean 'team' or 'teams'?`; None where there are none."""
    names = similar(given, known, most)
    return f"did you mean {' or '.join(map(repr, names))}?" if names else None


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


def _has_slip(wanted: str, form: str) -> bool:
    """Whether two names of one length differ in one letter, or in two adjacent ones exchanged."""
    if len(wanted) != len(form) or len(wanted) < _STEM:
        return False
    wrong = [place for place, (letter, other) in enumerate(zip(wanted, form, strict=True)) if letter != other]
    return len(wrong) == 1 or (len(wrong) == 2 and sorted(wanted) == sorted(form) and wrong[1] - wrong[0] == 1)
