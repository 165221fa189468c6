"""Text from outside, made fit for eyes: no control character, no override of its direction, nothing invisible.

Who escapes for a markup of its own (a chat's, a page's, a spreadsheet's) does that itself, on top of this.
"""

import json
import unicodedata

# Control, format (bidirectional overrides, zero-width), unpaired surrogates, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joins the parts of one emoji.
_JOINER = "\u200d"
_REPLACEMENT = "\ufffd"


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE and character != _JOINER


def one_line(text: str) -> str:
    """The text as one line: each character that ends a line, hides, or turns the direction becomes U+FFFD."""
    return _cleaned(text, "")


def plain_lines(text: str) -> str:
    """The text with its line feeds and tabs; what `one_line` replaces else is replaced here, too."""
    return _cleaned(text, "\n\t")


def _cleaned(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(_REPLACEMENT if _is_unsafe(character) and character not in kept else character for character in text)


def same_name(value: str) -> str:
    """The one form (NFC) of a name that can be written in several: an é may be one character or two."""
    return unicodedata.normalize("NFC", value)


def json_text(content: object) -> str:
    r"""Indented JSON for people and programs: exact, and what a terminal would obey is written as `\uXXXX`."""
    written = json.dumps(content, ensure_ascii=False, indent=2)
    # Outside strings JSON has only line feeds and spaces; in strings, control characters below U+0020 are escaped.
    return "".join(
        _json_escape(character) if not character.isprintable() and character != "\n" and _is_unsafe(character)
        else character
        for character in written
    )  # fmt: skip


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"


def toml_string(value: str) -> str:
    r"""A TOML basic string of one line; what a terminal would obey is written as `\uXXXX` or `\UXXXXXXXX`."""
    return "".join(
        f"\\U{ord(character):08x}" if _is_unsafe(character) and not character.isascii() else character
        for character in json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    )
