"""Every link of the documents leads to a file and a heading that there are."""

from pathlib import Path

import pytest

from circleci_cost_tests.docs.documents import GUIDES, Document, documents


def broken(document: Document) -> list[str]:
    """The relative links that lead nowhere."""
    return [link for link in document.links if not _leads_somewhere(document, link)]


def _leads_somewhere(document: Document, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True
    file, _, anchor = link.partition("#")
    target = (document.path.parent / file).resolve() if file else document.path
    return target.exists() and (not anchor or anchor in Document(target).anchors)


@pytest.mark.parametrize("document", documents(), ids=lambda each: each.name)
def test_every_relative_link_leads_to_a_file_and_a_heading(document: Document) -> None:
    assert broken(document) == []


def test_the_guides_link_to_each_other() -> None:
    links = [link for path in GUIDES.glob("*.md") for link in Document(path).links]
    assert sum(link.partition("#")[0].endswith(".md") for link in links) >= 20


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A title, with `code` & 2nd part\n\n## Twice\n\n## Twice\n")
    (tmp_path / "guide.md").write_text(
        "[a](there.md) [b](there.md#a-title-with-code--2nd-part) [c](there.md#twice-1) [d](#here) [e](https://x.example)"
        "\n\n# Here\n\n[x](gone.md) [y](there.md#gone) ![z](gone.png) `[no](link.md)`\n\n```\n[no](link.md)\n```\n"
    )
    assert broken(Document(tmp_path / "guide.md")) == ["gone.md", "there.md#gone", "gone.png"]
