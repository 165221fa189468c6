"""What the explorer's pages take in a real Chromium, and beside them a Streamlit page that asks the same questions.

    python -m circleci_cost_tests.benchmarks explorer_page FOLDER … [--streamlit]

Each FOLDER is one that `explorer_data` has made, or that of a finished demo; the targets are those for its size. It
needs Playwright and Chromium (Debian: `apt-get install chromium`), as the explorer's tests do. `--streamlit` installs
Streamlit from PyPI into a temporary environment of its own, and measures its page, too. Other work on the machine is in
the figures: the load is printed before and after.
"""

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser

from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.benchmarks import measured_pages
from circleci_cost_tests.benchmarks.measured_server import Server, free_port, served

VISITS = 5
CHANGES = 20
USERS = 10
LARGE_ROWS = 5_000_000
GROUPS = ("project", "team", "job", "workflow", "resource_class", "organization", "executor", "trigger_source")
# What people look at: mostly the last weeks by something, at times a year, one project, or a download.
MIX = (
    "/",
    "/?by=team",
    "/?by=project,job",
    "/?by=branch",
    "/?where=project%3Dweb-app&by=job",
    "/?by=project&period=12m",
    "/?by=charge_type&metric=credits",
    "/report.csv?by=project",
    "/filter?dimension=branch",
    "/data",
)
DRAWN = "figure.chart [data-drawn]"
STREAMLIT_DRAWN = "[data-testid=stVegaLiteChart] svg"

Figures = dict[str, float]
# Each figure: its unit, and the most that it may be with a million daily costs, and with ten million.
TARGETS: dict[str, tuple[str, float | None, float | None]] = {
    "start": ("ms", 2000, 2000),
    "requests of the first page": ("", 10, 10),
    "transferred for the first page": ("kB", 350, 350),
    "first chart of a fresh server": ("ms", 1000, 2000),
    "first chart, median of new visitors": ("ms", 1000, 2000),
    "change of group, median": ("ms", 250, 700),
    "ten users at once, p95 of pages": ("ms", 3000, None),
    "of their 100 pages without an answer": ("", 0, 0),
    "ten browsers at once, last chart": ("ms", None, None),
    "memory, peak, libraries included": ("MB", 250, 250),
    "memory, private, at the end": ("MB", None, None),
}


def explorer_figures(folder: Path) -> Figures:
    """Serve the explorer in a folder and measure it."""
    port = free_port()
    command = [sys.executable, "-m", "circleci_cost.cli", "serve", "--port", str(port)]
    addresses = [f"/?by={GROUPS[change % len(GROUPS)]}" for change in range(CHANGES + 1)]
    with served(command, port, "/health", folder) as server, measured_pages.chromium() as browser:
        figures = _first_pages(browser, server, DRAWN)
        whole = [server.origin + address for address in addresses]
        figures["change of group, median"] = measured_pages.median_change(browser, whole, DRAWN)
        figures |= _users_at_once(server.origin)
        return figures | _after(browser, server, DRAWN)


def streamlit_figures(folder: Path, python: Path) -> Figures:
    """Serve the Streamlit page of a folder's data and measure it. It has no pages that a program could ask for."""
    port = free_port()
    options = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    command = [str(python), "-m", "streamlit", "run", f"--server.port={port}", "--server.address=127.0.0.1", *options]
    command += [str(Path(__file__).with_name("streamlit_page.py")), "--", str(folder.resolve() / DATA_DIRECTORY)]
    choices = [GROUPS[(change + 1) % len(GROUPS)] for change in range(CHANGES)]
    with served(command, port, "/_stcore/health", folder) as server, measured_pages.chromium() as browser:
        figures = _first_pages(browser, server, STREAMLIT_DRAWN)
        shown = [(choice, f".st-key-by-{choice} {STREAMLIT_DRAWN}") for choice in choices]
        figures["change of group, median"] = measured_pages.median_choice(
            browser, server.origin, STREAMLIT_DRAWN, shown
        )
        return figures | _after(browser, server, STREAMLIT_DRAWN)


def _first_pages(browser: Browser, server: Server, drawn: str) -> Figures:
    address = f"{server.origin}/"
    fresh = measured_pages.first_page(browser, address, drawn)
    later = [measured_pages.first_page(browser, address, drawn).milliseconds for _ in range(VISITS)]
    return {
        "start": server.start_seconds * 1000,
        "requests of the first page": fresh.requests,
        "transferred for the first page": fresh.kilobytes,
        "first chart of a fresh server": fresh.milliseconds,
        "first chart, median of new visitors": statistics.median(later),
    }


def _after(browser: Browser, server: Server, drawn: str) -> Figures:
    return {
        "ten browsers at once, last chart": max(measured_pages.at_once(browser, f"{server.origin}/", drawn, USERS)),
        "memory, peak, libraries included": server.peak_megabytes(),
        "memory, private, at the end": server.private_megabytes(),
    }


def _users_at_once(origin: str) -> Figures:
    """Ten users ask for the pages of the mix, each from another one on."""

    def user(number: int) -> list[tuple[float, bool]]:
        answers = []
        with httpx.Client(base_url=origin, timeout=60) as client:
            for path in MIX[number:] + MIX[:number]:
                started = time.perf_counter()
                answered = client.get(path).is_success
                answers.append(((time.perf_counter() - started) * 1000, answered))
        return answers

    with ThreadPoolExecutor(USERS) as threads:
        answers = [answer for own in threads.map(user, range(USERS)) for answer in own]
    return {
        "ten users at once, p95 of pages": statistics.quantiles((time for time, _ in answers), n=20)[-1],
        "of their 100 pages without an answer": sum(not answered for _, answered in answers),
    }


@contextmanager
def streamlit_environment() -> Iterator[Path]:
    """A Python with Streamlit that can import what this one can; it goes with the block."""
    with tempfile.TemporaryDirectory() as temporary:
        environment = Path(temporary)
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "streamlit"], check=True)
        # After its own packages, so that Streamlit keeps the versions that it asks for.
        own = sysconfig.get_path("purelib", vars={"base": temporary})
        Path(own, "measured.pth").write_text("\n".join(path for path in sys.path if path.startswith("/")))
        yield python


def show(rows: int, columns: dict[str, Figures]) -> None:
    """Print the table of one size."""
    large = rows > LARGE_ROWS
    print(f"\n{rows:,} daily costs{'':24}{'target':>10}" + "".join(f"{name:>12}{'':8}" for name in columns))
    for name, (unit, million, ten_millions) in TARGETS.items():
        target = ten_millions if large else million
        line = f"{name:40}{'–' if target is None else f'{target:,.0f} {unit}':>10}"
        for figures in columns.values():
            value = figures.get(name)
            ratio = f"({value / target:.0%})" if value and target else ""
            line += f"{'–' if value is None else f'{value:,.0f} {unit}':>12} {ratio:7}"
        print(line.rstrip())


def measure(folders: Sequence[Path], python: Path | None) -> None:
    """Measure and show each folder."""
    for folder in folders:
        columns = {"explorer": explorer_figures(folder)}
        if python:
            columns["Streamlit"] = streamlit_figures(folder, python)
        show(current_generation(Lake(folder / DATA_DIRECTORY)).manifest.rows["daily_costs"], columns)


def main(argv: list[str]) -> None:
    """Print a table for each folder."""
    parser = argparse.ArgumentParser(prog="explorer_page", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--streamlit", action="store_true", help="measure a Streamlit page, too")
    asked = parser.parse_args(argv)
    print("load before:", *(f"{load:.1f}" for load in os.getloadavg()))
    if asked.streamlit:
        with streamlit_environment() as python:
            measure(asked.folders, python)
    else:
        measure(asked.folders, None)
    print("load after:", *(f"{load:.1f}" for load in os.getloadavg()))
