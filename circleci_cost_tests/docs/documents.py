"""The Markdown that users read, taken apart: headings as anchors, links, fenced code. What must hold is the tests'."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

import circleci_cost

PACKAGE = Path(circleci_cost.__file__).parent
ROOT = PACKAGE.parent
GUIDES = PACKAGE / "docs"


@dataclass(frozen=True)
class Fence:
    """Fenced code: what stands behind the fence, the code, and the line on which the fence begins."""

    info: str
    code: str
    line: int

    @property
    def language(self) -> str:
        """The first word behind the fence."""
        return self.info.partition(" ")[0]


@dataclass(frozen=True)
class Document:
    """One file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def tokens(self) -> list[Token]:
        """What Markdown makes of it."""
        return MarkdownIt("commonmark").enable("table").parse(self.path.read_text("utf-8"))

    @property
    def fences(self) -> Iterator[Fence]:
        """The fenced code."""
        for token in self.tokens:
            if token.type == "fence":
                yield Fence(token.info.strip(), token.content, token.map[0] + 1 if token.map else 0)

    @property
    def links(self) -> Iterator[str]:
        """Where links and pictures lead to."""
        for token in self._inline():
            if token.type in {"link_open", "image"}:
                yield str(token.attrs.get("href") or token.attrs.get("src"))

    @cached_property
    def anchors(self) -> set[str]:
        """What a link to one of the headings says behind its `#`, as GitHub makes it."""
        seen: Counter[str] = Counter()
        anchors = set()
        for opening, inline in zip(self.tokens, self.tokens[1:], strict=False):
            if opening.type == "heading_open":
                anchor = _anchor("".join(part.content for part in inline.children or []))
                anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
                seen[anchor] += 1
        return anchors

    def _inline(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or []


def _anchor(heading: str) -> str:
    kept = [each for each in heading.strip().lower() if each in "-_ " or unicodedata.category(each)[0] in "LNM"]
    return re.sub(" ", "-", "".join(kept))


def documents() -> list[Document]:
    """README, the guides, and what contributors read."""
    paths = [ROOT / "README.md", *sorted(GUIDES.glob("*.md")), *sorted((ROOT / ".github").glob("*.md"))]
    return [Document(path) for path in paths]
