"""Literals of SQL, TOML and JSON: exact, and those of TOML and JSON harmless in a terminal.

`csv_text` escapes the cells of a spreadsheet; each renderer in `notify` escapes its own markup.
"""

import json

from circleci_cost.text.plain import is_unsafe


def sql_text(value: str) -> str:
    """A SQL literal, for places that take no parameter: the file of ATTACH and COPY, the text of an expression."""
    return "'" + value.replace("'", "''") + "'"


def toml_string(value: str) -> str:
    r"""A TOML basic string of one line; characters that control a terminal become `\uXXXX` or `\UXXXXXXXX`."""
    return "".join(
        f"\\U{ord(character):08x}" if is_unsafe(character) and not character.isascii() else character
        for character in json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    )


def json_text(content: object) -> str:
    r"""Indented JSON for people and programs: exact, with characters that control a terminal as `\uXXXX`."""
    written = json.dumps(content, ensure_ascii=False, indent=2)
    # Outside strings JSON has only line feeds and spaces; in strings, control characters below U+0020 are escaped.
    return "".join(
        _json_escape(character) if not character.isprintable() and character != "\n" and is_unsafe(character)
        else character
        for character in written
    )  # fmt: skip


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"
