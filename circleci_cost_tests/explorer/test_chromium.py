"""Which browser is taken, and what is said where there is none: by the tests, and by `.ci/chromium` before them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from circleci_cost_tests.explorer.chromium import VARIABLE, NoBrowserError, WrongBrowserError, find_chromium

ROOT = Path(__file__).parents[2]
HARNESS = Path(__file__).with_name("test_harness.py")
COPY = shutil.which("cp")
LACKING = "NO BROWSER: the browser tests of the explorer do not run; install chromium or set CIRCLECI_COST_CHROMIUM\n"


def program(path: Path, text: str = "") -> Path:
    """An executable script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_variable_comes_before_the_path_and_the_path_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chrome, chromium, shell = (
        program(tmp_path / name) for name in ("google-chrome", "chromium", "chromium-headless-shell")
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find_chromium() == shell
    shell.unlink()
    assert find_chromium() == chromium
    chromium.unlink()
    assert find_chromium() == chrome
    own = program(tmp_path / "own" / "browser")
    monkeypatch.setenv(VARIABLE, str(own))
    assert find_chromium() == own


def test_a_machine_without_a_browser_and_a_variable_that_names_none_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(NoBrowserError, match=r"none of chromium-headless-shell, chromium, .* is on the PATH"):
        find_chromium()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(WrongBrowserError, match=f"names {tmp_path}, which is no program"):
        find_chromium()


def test_a_session_without_a_browser_that_starts_passes_and_says_loudly_what_did_not_run(tmp_path: Path) -> None:
    program(tmp_path / "chromium", "exit 1")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", VARIABLE))}
    session = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "1", str(HARNESS), "-k", "axe and not refuses"],
        cwd=ROOT,
        env=environment | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert session.returncode == 0, session.stdout
    (line,) = (line for line in session.stdout.splitlines() if line.startswith("explorer: NO BROWSER FOUND ("))
    assert "chromium does not start" in line
    assert line.endswith("), 1 browser tests did not run; install chromium or set CIRCLECI_COST_CHROMIUM")


# What `.ci/chromium` runs besides apt; `id` and `sudo` are written by the tests.
TOOLS = ("env", "sh", "timeout", "true")


def machine(folder: Path, *, user: int, apt: str | None, sudo: str | None = None) -> dict[str, str]:
    """The environment of a machine without a browser, where apt-get and sudo are these scripts."""
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    program(folder / "id", f"echo {user}")
    for name, script in (("apt-get", apt), ("sudo", sudo)):
        if script is not None:
            program(folder / name, f'echo "{name} $*" >> "{folder}/calls"\n{script}')
    return {"PATH": str(folder)}


def prepare(environment: dict[str, str]) -> str:
    """Run `.ci/chromium`, which never fails; what it says of a lacking browser."""
    script = subprocess.run(
        ["/bin/sh", str(ROOT / ".ci" / "chromium")], env=environment, capture_output=True, text=True, check=False
    )
    assert script.returncode == 0, script.stderr
    return script.stdout


@pytest.mark.parametrize("package", ["chromium-headless-shell", "chromium"])
def test_a_chromium_is_installed_by_apt_where_nobody_is_asked_for_a_password(tmp_path: Path, package: str) -> None:
    for user, sudo in ((0, None), (1000, 'shift; exec "$@"')):
        folder = tmp_path / str(user)
        folder.mkdir()
        install = f'case "$*" in *" {package} "*) {COPY} "$0" {folder}/{package};; *" install "*) exit 100;; esac'
        environment = machine(folder, user=user, apt=install, sudo=sudo)
        assert prepare(environment) == ""
        calls = (folder / "calls").read_text().splitlines()
        asked = [call.split() for call in calls if call.startswith("apt-get -o")]
        # Other distributions have no headless shell.
        assert len(asked) == (2 if package == "chromium-headless-shell" else 3)
        assert calls[-1].endswith(f"install -yq --no-install-recommends {package} fonts-dejavu-core fonts-liberation")
        # The second time there is one.
        assert prepare(environment) == ""
        assert (folder / "calls").read_text().splitlines() == calls


@pytest.mark.parametrize(
    ("user", "apt", "sudo"),
    [(0, None, None), (0, "exit 100", None), (1000, "exit 0", None), (1000, "exit 0", "exit 1")],
    ids=["no apt", "apt fails", "no root, no sudo", "sudo wants a password"],
)
def test_where_no_chromium_can_be_installed_that_is_said_and_the_rest_goes_on(
    tmp_path: Path, user: int, apt: str | None, sudo: str | None
) -> None:
    assert prepare(machine(tmp_path, user=user, apt=apt, sudo=sudo)) == LACKING
