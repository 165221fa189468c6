"""Rich's console, with text that is always text: no markup, and nothing that a terminal would obey.

Which console writes where is `streams`' business.
"""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from circleci_cost.plain_text import plain_lines


class PlainConsole(Console):
    """Styles come from the program alone; names in square brackets are no markup, and control characters are shown."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does; of what it did not make itself, only plain characters are left."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain_lines(segment.text), segment.style)
