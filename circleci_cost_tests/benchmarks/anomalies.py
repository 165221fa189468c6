"""How well anomalies and incidents are found in labelled series, against common tools; seconds and memory.

    python -m circleci_cost_tests.benchmarks anomalies [--seeds N …] [--sets …] [--volatility …] [--no-peers] [--quick]

The sets are of the project's simulator and of a statistical generator (`anomaly_series`), and of a third generator,
which was written last and apart (`anomaly_third`), each of usual and of volatile organizations; the seeds 1 to 3 were
used to choose the detector's constants, and seed 1 finds the peers' thresholds, so take others. On calm sets nothing
happens: every alarm is false. `anomaly_labels` defines labels, `anomaly_scores` false alarms, `anomaly_incident_scores`
false incidents; the tables belong in `anomaly_report`.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from circleci_cost_tests.benchmarks.anomaly_report import Run, print_goals, print_run, scored
from circleci_cost_tests.benchmarks.anomaly_scenario import ORGANIZATIONS
from circleci_cost_tests.benchmarks.anomaly_seconds import measure, write_many
from circleci_cost_tests.benchmarks.anomaly_series import USUAL, VOLATILE, LabelledSet, labelled_set, real_like_set
from circleci_cost_tests.benchmarks.anomaly_third import third_set

GENERATORS: dict[str, Callable[[int, float, int, bool], LabelledSet]] = {
    "simulator": labelled_set,
    "statistical": real_like_set,
    "third": third_set,
}
VOLATILITIES = {"usual": USUAL, "volatile": VOLATILE}
_PROCESSES = 2
_ALL = "all"
_OF_THRESHOLDS = 1
"""The seed on which the peers' thresholds are found."""


@dataclass(frozen=True)
class Wanted:
    """Which sets to make and to score."""

    generator: str
    volatility: str
    seeds: tuple[int, ...]
    organizations: int
    peers: bool

    def score(self) -> Run:
        """Make the sets, or read them, and score the detector and its peers."""
        name = f"{self.generator}, {self.volatility} organizations, seeds {' '.join(map(str, self.seeds))}"
        sets, calm_sets = ([self._make(seed, calm) for seed in self.seeds] for calm in (False, True))
        return scored(name, sets, calm_sets, self._make(_OF_THRESHOLDS, False) if self.peers else None)

    def _make(self, seed: int, calm: bool) -> LabelledSet:
        return GENERATORS[self.generator](seed, VOLATILITIES[self.volatility], self.organizations, calm)


def main(argv: list[str]) -> None:
    """Print seconds and memory, the tables of each kind of set, and which goals were reached."""
    parser = argparse.ArgumentParser(prog="anomalies", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--sets", choices=[*GENERATORS, _ALL], default=_ALL)
    parser.add_argument("--volatility", choices=[*VOLATILITIES, _ALL], default=_ALL)
    parser.add_argument("--organizations", type=int, default=ORGANIZATIONS, help="of each set")
    parser.add_argument("--no-peers", action="store_true", help="the detector alone, which takes a fifth of the time")
    parser.add_argument("--no-seconds", action="store_true", help="without seconds and memory")
    parser.add_argument("--quick", action="store_true", help="the first seed alone, without seconds and memory")
    asked = parser.parse_args(argv)
    seeds = tuple(asked.seeds[:1] if asked.quick else asked.seeds)
    wanted = [
        Wanted(generator, volatility, seeds, asked.organizations, not asked.no_peers)
        for volatility in _chosen(asked.volatility, VOLATILITIES)
        for generator in _chosen(asked.sets, GENERATORS)
    ]
    if not (asked.quick or asked.no_seconds):
        _seconds()
    runs = []
    for run in map(Wanted.score, wanted) if asked.quick else _scored_by_processes(wanted):
        print_run(run)
        runs.append(run)
    print_goals(runs)


def _chosen(name: str, known: Iterable[str]) -> list[str]:
    return list(known) if name == _ALL else [name]


def _scored_by_processes(wanted: list[Wanted]) -> Iterator[Run]:
    """Score with one process per core; sets of the simulator take longest and are started first."""
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        begun = {run: pool.submit(run.score) for run in sorted(wanted, key=lambda run: run.generator)}
        for run in wanted:
            yield begun[run].result()


def _seconds() -> None:
    """Measure; another process makes the input, because this one has to stay small (see `measure`)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "daily.parquet"
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(write_many, path, _OF_THRESHOLDS).result()
        measure(path)
