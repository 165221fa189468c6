"""Rich's console, with text that is always text: no markup and no control characters.

`streams` decides which console writes where.
"""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from circleci_cost.cli.called_as import as_called
from circleci_cost.text.plain import plain_lines


class PlainConsole(Console):
    """Styles come from the program alone; names in square brackets are no markup, and control characters are shown."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does, but keep only plain characters of texts that rich did not make itself."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain_lines(segment.text), segment.style)

    def paragraph(self, text: str, style: str = "", indent: int = 0) -> None:
        """Print a wrapped text; an address or a path in it stays whole, so that it can be opened or copied."""
        margin = " " * indent
        width = self.width if self.is_terminal else len(text) + indent
        lines = [margin]
        for word in re.findall(r"\S+\s*", as_called(text)):
            if lines[-1] != margin and _wide(lines[-1] + word) > width:
                lines.append(margin)
            lines[-1] += word
        for line in lines:
            self.print(Text(line.rstrip(), style=style), soft_wrap=True)


def _wide(line: str) -> int:
    return Text(line.rstrip()).cell_len
