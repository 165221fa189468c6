"""Makes foreign text fit for a message: one line, short, no signature.

Our own sentences are written where the errors are raised.
"""

import re
import unicodedata

MAX_LENGTH = 200
_URL = re.compile(r"(?i)\bhttps?://([^\s/?#\"'<>@]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")


def one_line(text: str) -> str:
    """Return `text` without control characters, URLs reduced to their host, at most 200 characters."""
    text = _URL.sub(r"a URL at \2", text)
    text = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    text = " ".join(text.split())
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def size(count: int) -> str:
    """Return a count of bytes for people: `1.5 MiB`."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def duration(seconds: float) -> str:
    """Return a length of time for people: `45 s`, `12 min`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
