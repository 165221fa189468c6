"""Finds the line of an entry in a TOML array that is written over several lines, such as a list of ids.

The text is valid TOML already. `key_lines` finds tables and keys.
"""

import re
from collections.abc import Sequence

# Strings and comments, in which brackets and commas mean nothing; then brackets, commas and line ends; then values.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{},\n]"
    r"|[^\s\[\]{},\#\"']+",
    re.DOTALL,
)


def line_in_array(text: str, number: int, steps: Sequence[str | int]) -> int:
    """The line of the entry that `steps` lead to, where `text` begins with an array; `number` is its first line.

    Keys of inline tables stay on the line of their table.
    """
    line = entry_line = number
    indices = [step for step in steps if isinstance(step, int)]
    # The position in each open array, from the outermost; None for an inline table.
    depths: list[int | None] = []
    for token in _TOKEN.finditer(text):
        written = token.group()
        if written == "\n" or written.startswith("#"):
            line += written == "\n"
        elif written in "]}":
            depths.pop()
            if not depths:
                break
        elif written == ",":
            position = depths[-1]
            depths[-1] = None if position is None else position + 1
        else:
            at = [position for position in depths if position is not None]
            if at and at == indices[: len(at)]:
                entry_line = line
                if at == indices or None in depths:
                    break
            if written in "[{":
                depths.append(0 if written == "[" else None)
            elif not depths:
                break
        line += written.count("\n") if len(written) > 1 else 0
    return entry_line
