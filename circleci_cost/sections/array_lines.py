"""Finds the line of an entry in an array of TOML that is written over several lines, such as a list of ids.

The text is known to be valid TOML. Tables and keys are followed by `key_lines`.
"""

import re
from collections.abc import Sequence

# What a bracket, a comma or a # means nothing in, then those that do, then whatever else begins a value.
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
    line = found = number
    indices = [step for step in steps if isinstance(step, int)]
    # The position at each depth of arrays, None for an inline table; how many of the indices are met.
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
            at = [each for each in depths if each is not None]
            if at and at == indices[: len(at)]:
                found = line
                if at == indices or None in depths:
                    break
            if written in "[{":
                depths.append(0 if written == "[" else None)
            elif not depths:
                break
        line += written.count("\n") if len(written) > 1 else 0
    return found
