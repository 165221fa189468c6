"""The layout: who may import whom, and how large a folder and a module may grow."""

from collections import Counter
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "circleci_cost"


def test_imports_only_go_down_and_never_in_a_circle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert code == 0, capsys.readouterr().out


def test_no_module_is_longer_than_a_reader_can_keep_in_mind() -> None:
    lines = {path.relative_to(ROOT): path.read_bytes().count(b"\n") for path in PACKAGE.rglob("*.py")}
    assert len(lines) > 300
    assert {path: count for path, count in lines.items() if count > 320} == {}


@pytest.mark.parametrize("folder", ["model", "warehouse"])
def test_no_subject_has_more_modules_than_a_reader_can_survey(folder: str) -> None:
    modules = Counter(path.parent for path in (PACKAGE / folder).rglob("*.py") if path.name != "__init__.py")
    assert len(modules) > 5
    assert {path.relative_to(ROOT): count for path, count in modules.items() if count > 20} == {}
