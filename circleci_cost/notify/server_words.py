"""The text of a mail server's reply, made safe for a message: one short line without any form of the password.

Some servers repeat the line that they refuse, and the line of a login holds the password. `email_channel` writes the
sentence around the text.
"""

import base64
import binascii
import re
from html import escape
from urllib.parse import quote

from circleci_cost.text.plain import QUOTABLE_LENGTH, cut, squeezed
from circleci_cost.text.secrets import without_secrets

_HIDDEN = "***"
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_STANDARD = str.maketrans("-_", "+/")
_REST = 4
# By RFC 2034 each line of a reply repeats the status of its first line.
_REPEATED_STATUS = re.compile(r"\n[245]\.\d{1,3}\.\d{1,3}(?!\S)")


def server_words(reply: bytes, password: str = "", user: str = "") -> str:
    """The server's words as one line of at most `QUOTABLE_LENGTH` characters."""
    try:
        text = reply.decode()
    except UnicodeDecodeError:
        text = reply.decode("latin-1")
    text = squeezed(_REPEATED_STATUS.sub(" ", text))
    if password:
        for form in _forms(password, user):
            text = form.sub(_HIDDEN, text)
        text = _BASE64.sub(lambda run: _HIDDEN if _holds(run[0], password) else run[0], text)
    return cut(without_secrets(text), QUOTABLE_LENGTH)


def _forms(password: str, user: str) -> list[re.Pattern[str]]:
    """Patterns of the password and of the login lines, also with spaces or line breaks inside."""
    raw = password.encode()
    lines = [raw, f"\0{user}\0{password}".encode(), f"{user}\0{user}\0{password}".encode()]
    encoded = [base64.b64encode(line).decode().rstrip("=") for line in lines]
    plain = [password, raw.hex(), quote(password, safe=""), escape(password), repr(password)[1:-1]]
    forms = sorted({*encoded, *plain}, key=len, reverse=True)
    return [re.compile(r"\s*".join(map(re.escape, "".join(form.split()))) + "=*", re.IGNORECASE) for form in forms]


def _holds(run: str, password: str) -> bool:
    """Whether a run of base64 holds the password, at whatever offset its encoding begins."""
    characters = run.rstrip("=").translate(_STANDARD)
    for start in range(_REST):
        part = characters[start:]
        part = part[:-1] if len(part) % _REST == 1 else part
        try:
            decoded = base64.b64decode(part + "=" * (-len(part) % _REST))
        except binascii.Error:
            continue
        if password.encode() in decoded:
            return True
    return False
