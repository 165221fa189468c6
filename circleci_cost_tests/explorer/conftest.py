"""A finished demo, shared by a whole session, and a real browser: `__init__` shows how they are used."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from circleci_cost.clock import ManualClock
from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.config.settings import demo_settings
from circleci_cost.lake.turns import turn
from circleci_cost_tests.explorer.browsing import Browsing
from circleci_cost_tests.explorer.chromium import NoBrowserError, launch
from circleci_cost_tests.explorer.looks import LIGHT, Look
from circleci_cost_tests.explorer.missing_browser import NO_BROWSER
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.problems import Problems
from circleci_cost_tests.explorer.serving import Site, serving

_DONE = "made"
# Some 20 s of a processor; with the other workers beside it, and on a slow machine, many times that.
_DEMO_SECONDS = 900
_SCREENSHOTS = "CIRCLECI_COST_SCREENSHOTS"

OpenPage = Callable[..., Page]
Screenshot = Callable[[Page, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test that needs the demo, and those that wait for it, the time to make it on a busy machine."""
    for item in items:
        if isinstance(item, pytest.Function) and "demo_folder" in item.fixturenames:
            item.add_marker(pytest.mark.timeout(_DEMO_SECONDS))


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished demo in `demo-data`, as of `moment.NOW`; read only: copy it to change anything."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _made(tmp_path_factory.mktemp("demo"))
    # All workers of one test session share it; whoever comes first makes it.
    folder = tmp_path_factory.getbasetemp().parent / "demo"
    with turn(folder.with_suffix(".lock")):
        return folder if (folder / _DONE).exists() else _made(folder)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    left_out = {"DAGSTER_HOME", "CIRCLECI_COST_CONFIG"}
    process = subprocess.run(
        [sys.executable, "-m", "circleci_cost_tests.explorer.demo", str(folder)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in left_out}
        | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    (folder / _DONE).touch()
    return folder


@pytest.fixture(scope="session")
def served_demo(demo_folder: Path) -> Iterator[Site]:
    """The demo, served for all tests of one worker."""
    settings = demo_settings(demo_folder / DATA_DIRECTORY, ManualClock(NOW))
    with serving(settings) as site:
        yield site


@pytest.fixture
def site(served_demo: Site) -> Iterator[Site]:
    """The demo as the real server serves it; an error that no page expects fails the test that caused it."""
    yield served_demo
    bugs = served_demo.take_bugs()
    if bugs:
        raise ExceptionGroup("the server reported", [bug for bug in bugs if isinstance(bug, Exception)])


# For the tests of this package and no longer: while Playwright runs, this thread has an event loop of its, and other
# tests could not use asyncio.run.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser process for each worker; where there is none, the tests that ask for it are skipped."""
    with sync_playwright() as playwright:
        try:
            started = launch(playwright)
        except NoBrowserError as error:
            pytest.skip(f"{NO_BROWSER}: {error}")
        yield started
        started.close()


@pytest.fixture
def browsing(browser: Browser) -> Iterator[Browsing]:
    """What opens pages of any origin; at its end the test fails if one of them had a problem."""
    opened = Browsing(browser)
    yield opened
    opened.close()


@pytest.fixture
def problems(browsing: Browsing) -> Problems:
    """What the pages of this test did wrong; `problems.take()` forgets what was provoked on purpose."""
    return browsing.problems


@pytest.fixture
def open_page(site: Site, browsing: Browsing) -> OpenPage:
    """Opens an empty page for the demo in a look, by default light: `open_page(NARROW).goto("/budgets")`."""

    def opened(look: Look = LIGHT) -> Page:
        return browsing.open(site.origin, look)

    return opened


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """An empty page for the demo on a desk, in light colours: `page.goto("/")`."""
    return open_page()


@pytest.fixture
def screenshot() -> Screenshot:
    """Takes a picture of a whole page where CIRCLECI_COST_SCREENSHOTS names a folder for them."""

    def taken(page: Page, name: str) -> None:
        if folder := os.environ.get(_SCREENSHOTS):
            path = Path(folder) / f"{re.sub(r'[^a-zA-Z0-9-]+', '-', name)}.png"
            page.screenshot(path=path, full_page=True, animations="disabled")

    return taken
