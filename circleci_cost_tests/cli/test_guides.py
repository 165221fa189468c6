"""`help`: every guide of the package is listed and shown, readable on a narrow terminal and exact in a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len

from circleci_cost.cli.guide_drawing import draw
from circleci_cost.cli.guides import first_sentence, read_guides
from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost_tests.cli.harness import Caller
from circleci_cost_tests.docs.documents import Document

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "circleci_cost" / "docs"
GUIDES = read_guides()
_LIST_INDENT = " " * 3


def drawn(guide: str, width: int = 80) -> list[str]:
    """The lines of a guide on a terminal without colours."""
    console = PlainConsole(
        file=StringIO(), force_terminal=True, color_system=None, width=width, highlight=False, markup=False, emoji=False
    )
    draw(console, guide)
    assert isinstance(console.file, StringIO)
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()


def test_help_lists_each_guide_with_its_first_sentence(call: Caller) -> None:
    output = call("help")
    assert (output.code, output.err) == (0, "")
    lines = output.out.splitlines()[2:-1]
    assert [line.split(maxsplit=1)[0] for line in lines] == sorted(path.stem for path in DOCS.glob("*.md"))
    assert [line.split(maxsplit=1)[1].strip() for line in lines] == [first_sentence(each) for each in GUIDES.values()]
    assert output.out.splitlines()[-1] == "`circleci-cost help TOPIC` shows one of them."


@pytest.mark.parametrize("topic", GUIDES)
def test_a_guide_begins_with_a_title_and_a_sentence_for_the_list(topic: str) -> None:
    assert GUIDES[topic].startswith("# ")
    sentence = first_sentence(GUIDES[topic])
    assert sentence.endswith(".")
    assert len(sentence) <= 120
    assert not re.search(r"[`*]|\]\(", sentence)


def test_the_first_sentence_is_without_marks_and_pictures() -> None:
    guide = "# Title\n\n![picture](x.png)\n\nSay *what* `it` is\nin [words](x.md). More.\n"
    assert first_sentence(guide) == "Say what it is in words."


def test_into_a_pipe_a_guide_is_its_markdown(call: Caller) -> None:
    output = call("help", "budgets")
    assert (output.code, output.err) == (0, "")
    assert output.out == (DOCS / "budgets.md").read_text("utf-8")


def test_an_unknown_topic_is_answered_with_the_nearest(call: Caller) -> None:
    output = call("help", "budgts")
    assert (output.code, output.out) == (2, "")
    assert output.err == "Error: There is no guide 'budgts'; did you mean 'budgets'?\n"


def test_a_topic_that_resembles_none_is_answered_with_all(call: Caller) -> None:
    output = call("help", "zzz")
    assert output.code == 2
    assert output.err == f"Error: There is no guide 'zzz'; there are: {', '.join(GUIDES)}.\n"


def test_a_command_without_a_guide_is_answered_with_its_help(call: Caller) -> None:
    output = call("help", "simulate")
    assert output.code == 2
    assert output.err == (
        "Error: There is no guide 'simulate'; `circleci-cost simulate --help` says what the command does.\n"
    )


@pytest.mark.parametrize("topic", GUIDES)
def test_a_guide_fits_a_terminal_of_80_columns(topic: str) -> None:
    lines = drawn(GUIDES[topic])
    assert max(map(cell_len, lines)) <= 80
    text = "\n".join(lines)
    assert "](" not in text
    assert "```" not in text
    assert "|---" not in text


@pytest.mark.parametrize("topic", GUIDES)
def test_code_of_a_guide_is_shown_as_it_is_written(topic: str) -> None:
    shown = [line.rstrip() for line in drawn(GUIDES[topic])]
    for fence in Document(DOCS / f"{topic}.md").fences:
        for line in fence.code.expandtabs().splitlines():
            # Within a list it stands as far to the right as the text of its item.
            assert {line.rstrip(), f"{_LIST_INDENT}{line.rstrip()}"} & set(shown)


def test_names_in_tables_are_never_broken() -> None:
    shown = {line.split(maxsplit=1)[0] for line in drawn(GUIDES["tables"]) if line and not line.startswith(" ")}
    columns = set(re.findall(r"^\| `(\w+)` ", GUIDES["tables"], re.MULTILINE))
    assert len(columns) > 100
    assert columns <= shown


def test_a_long_line_of_prose_stays_readable_on_a_wide_terminal() -> None:
    assert max(map(cell_len, drawn("# T\n\n" + "word " * 100, width=200))) <= 100


def test_links_are_shown_as_what_one_can_type_or_open() -> None:
    guide = "[Budgets](budgets.md#options), [here](#below), [page](https://x.example/y)\n\n```sh\n[a](b.md)\n```\n"
    assert [line.rstrip() for line in drawn(guide) if line.strip()] == [
        "Budgets (circleci-cost help budgets), here, page (https://x.example/y)",
        "[a](b.md)",
    ]


def test_on_a_terminal_a_guide_is_drawn(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "circleci_cost.cli", "help", "glossary"],
        stdout=theirs,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so that the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")
    assert [line.rstrip() for line in plain.splitlines()] == [line.rstrip() for line in drawn(GUIDES["glossary"])]
    assert b"\x1b[1m" in shown


def test_the_wheel_holds_every_guide(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name).name for name in archive.namelist() if name.startswith("circleci_cost/docs/")}
    assert {f"{topic}.md" for topic in GUIDES} <= names
