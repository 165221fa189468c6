"""What commands cost that people wait for: seconds of a processor, workers included, and of the clock.

    python -m circleci_cost_tests.benchmarks commands [--against CHECKOUT] [--pairs N] [NAME ...]

With `--against`, a folder with another version of the code, both versions run in turn, pair by pair, so that a busy
machine slows both; the ratios are medians over the pairs. Each version prepares the data of its own runs, and each run
begins with a copy of them. The simulator runs in this process and is not counted.
"""

import argparse
import compileall
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from circleci_cost.days import HISTORY_MONTHS, months_later
from circleci_cost.simulator import ACME_ID, Simulator, SimulatorServer, demo_scenario

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "circleci_cost_tests" / "data" / "usage_export_part_unquoted.csv.gz"
NORTHWIND = ROOT / "circleci_cost_tests" / "data" / "northwind.toml"
JOBS_PER_DAY = 40
TODAY = datetime.now(UTC).date()


@dataclass(frozen=True)
class Case:
    """A command, what is done beforehand, and the folder's configuration, given the simulator's address."""

    command: tuple[str, ...]
    prepared: tuple[tuple[str, ...], ...] = ()
    configuration: Callable[[str], str] | None = None


def _small(base_url: str, days: int = 30) -> str:
    return _organization(base_url, f"{TODAY - timedelta(days=days)}")


def _year(base_url: str) -> str:
    return _organization(base_url, f"{months_later(TODAY, -HISTORY_MONTHS)}")


def _organization(base_url: str, first: str) -> str:
    return (
        f'history_start = {first}\n[[cost_centers]]\nname = "acme"\norganization_id = "{ACME_ID}"\n'
        "[[cost_centers.pricing]]\nprice_per_credit = 0.0006\neffective_from = 2020-01-01\n"
        f'[api]\nbase_url = "{base_url}"\nposts_per_hour = 1000\n'
    )


_DEMO = (("--demo", "demo"),)
_FIFTEEN = tuple(f"{TODAY - timedelta(days=ago)}" for ago in (24, 10))
CASES = {
    "sync": Case(("sync",), (("sync",), ("backfill",)), _small),
    "sync-demo": Case(("--demo", "sync"), _DEMO),
    "reprice-demo": Case(("--demo", "reprice", "--from", _FIFTEEN[0], "--to", _FIFTEEN[1]), _DEMO),
    "apply-demo": Case(("--demo", "allocation", "apply"), _DEMO),
    "apply": Case(("allocation", "apply"), (("sync",), ("backfill",)), _small),
    "import": Case(("import", str(SAMPLE), "--cost-center", "northwind"), (), lambda _: NORTHWIND.read_text()),
    "backfill-13-months": Case(("backfill",), (), _year),
    "demo": Case(("--demo", "demo")),
}


def environment_as_installed() -> dict[str, str]:
    """This process's variables for another, without those of a deployment of ours.

    Nor that which has each process compile all modules anew, as no installed version does.
    """
    left_out = ("DAGSTER_", "CIRCLECI", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


@dataclass(frozen=True)
class Spent:
    """The seconds of one run."""

    processor: float
    clock: float


class Version:
    """One checkout of the code, with the prepared folders of its runs."""

    def __init__(self, checkout: Path, folder: Path, base_url: str) -> None:
        self._checkout = checkout.resolve()
        compileall.compile_dir(self._checkout / "circleci_cost", quiet=1)
        self._folder = folder
        self._base_url = base_url
        self._prepared: dict[tuple[object, ...], Path] = {}

    def measured(self, case: Case) -> Spent:
        """Run the command of a case in a copy of its folder."""
        source = self._prepare(case)
        with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
            folder = Path(temporary) / "site"
            shutil.copytree(source, folder)
            before, begun = _children(), time.perf_counter()
            self._run(case.command, folder)
            return Spent(_children() - before, time.perf_counter() - begun)

    def _prepare(self, case: Case) -> Path:
        key = (case.prepared, case.configuration)
        if key not in self._prepared:
            folder = self._folder / f"prepared-{len(self._prepared)}"
            folder.mkdir()
            if case.configuration:
                (folder / "circleci_cost.toml").write_text(case.configuration(self._base_url))
            for command in case.prepared:
                self._run(command, folder)
            self._prepared[key] = folder
        return self._prepared[key]

    def _run(self, command: Sequence[str], folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "circleci_cost.cli", *command],
            cwd=folder,
            env=environment_as_installed() | {"PYTHONPATH": str(self._checkout), "CIRCLECI_TOKEN": "a-token"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{self._checkout}: {' '.join(command)} ended with {done.returncode}\n{done.stderr}")


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(argv: list[str]) -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(prog="commands", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CASES, []], metavar="NAME", help=f"some of: {', '.join(CASES)}")
    parser.add_argument("--against", type=Path, help="a folder with the code before")
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args(argv)
    simulator = Simulator(
        demo_scenario(TODAY).with_jobs_per_day(JOBS_PER_DAY), posts_per_hour=10_000, gets_per_minute=10_000
    )
    checkouts = [checkout for checkout in (asked.against, ROOT) if checkout]
    print(f"{'':20}{'processor s':>24}{'clock s':>24}")
    with tempfile.TemporaryDirectory() as temporary, SimulatorServer(simulator) as server:
        versions = []
        for number, checkout in enumerate(checkouts):
            folder = Path(temporary) / f"{number}"
            folder.mkdir()
            versions.append(Version(checkout, folder, server.base_url))
        for name in asked.names or CASES:
            # One after the other within each pair.
            pairs = [[version.measured(CASES[name]) for version in versions] for _ in range(asked.pairs)]
            processor = _figures([[spent.processor for spent in pair] for pair in pairs])
            clock = _figures([[spent.clock for spent in pair] for pair in pairs])
            print(f"{name:20}{processor:>24}{clock:>24}", flush=True)


def _figures(pairs: Sequence[Sequence[float]]) -> str:
    """The medians of each version and, of two, the median ratio."""
    text = " → ".join(f"{statistics.median(seconds):.1f}" for seconds in zip(*pairs, strict=True))
    if len(pairs[0]) > 1:
        text += f" (× {statistics.median(after / before for before, after in pairs):.2f})"
    return text
