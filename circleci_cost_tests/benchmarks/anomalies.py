"""How well anomalies and incidents are found in labelled series, against what people use today; seconds and memory.

    python -m circleci_cost_tests.benchmarks anomalies [--seeds N …] [--sets simulator|statistical|both] [--quick]

The sets are of the project's simulator and of a generator that shares no code with it (`anomaly_series`); the seeds 1
to 3 were used to choose the detector's constants and the peers' thresholds, so take others. The rules of labels are in
`anomaly_labels`, those of scoring in `anomaly_scores`.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from circleci_cost.model.anomalies import AnomalySettings, detect
from circleci_cost.model.incidents import incidents
from circleci_cost_tests.benchmarks.anomaly_incident_scores import incident_counts, incident_figures
from circleci_cost_tests.benchmarks.anomaly_peers import PEERS, alarmed, calibrated, peer_scores
from circleci_cost_tests.benchmarks.anomaly_scores import counts, figures
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet, labelled_set, real_like_set

_SETS: dict[str, Callable[[int], LabelledSet]] = {"simulator": labelled_set, "statistical": real_like_set}
_VISIBLE = 2.0
_MANY = 10_000


def main(argv: list[str]) -> None:
    """Print the tables of each kind of set, then seconds and memory."""
    parser = argparse.ArgumentParser(prog="anomalies", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--sets", choices=[*_SETS, "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="the first seed alone, without seconds and memory")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.measure:
        _measure(asked.measure)
        return
    seeds = asked.seeds[:1] if asked.quick else asked.seeds
    for name, make in _SETS.items():
        if asked.sets in (name, "both"):
            _report(name, [make(seed) for seed in seeds], make(1), seeds)
    if not asked.quick:
        _seconds(labelled_set(seeds[0]))


def detected(made: LabelledSet) -> pl.DataFrame:
    """Run the detector over a set, once for each country."""
    organization = pl.col("series").str.split("/").list.first()
    return pl.concat(
        detect(made.daily.filter(organization.is_in(names["organization"].implode())), AnomalySettings(country=country))
        for (country,), names in made.countries.group_by("country", maintain_order=True)
    )


def _report(name: str, sets: list[LabelledSet], tuning: LabelledSet, seeds: list[int]) -> None:
    series, labels = sum(each.hierarchy.height for each in sets), sum(each.labels.height for each in sets)
    print(f"\n{name}, seeds {' '.join(map(str, seeds))}: {series:,} series, {labels:,} labels", flush=True)
    print(f"{'':26}{'all series':^43}   {'organizations and projects':^43}")
    print(f"{'':26}{2 * '    F1  recall  precision  false per year   '}  F1 of visible")
    found = [detected(made) for made in sets]
    _line("detector", found, sets)
    for peer in PEERS:
        threshold = calibrated(tuning, peer)
        _line(peer, [alarmed(peer_scores(made.daily, peer), threshold) for made in sets], sets)
    print(f"\n{'detector, by kind':26}{'labels':>8}{'recall':>8}{'delay, days':>13}{'since 20 %':>12}")
    table = figures([counts(each, made) for each, made in zip(found, sets, strict=True)])
    for row in table.filter(pl.col("precision").is_null()).iter_rows(named=True):
        print(
            f"{row['slice']:26}{row['labels']:>8,}{row['recall']:>8.2f}{row['delay_days']:>13.1f}{row['late_days']:>12.1f}"
        )
    _incidents(found, sets)


def _incidents(found: list[pl.DataFrame], sets: list[LabelledSet]) -> None:
    """Print how well causes are told."""
    told = [incidents(each, made.hierarchy) for each, made in zip(found, sets, strict=True)]
    table = incident_figures([incident_counts(each, made) for each, made in zip(told, sets, strict=True)])
    print(f"\n{'incidents':26}{'causes':>8}{'recall':>8}{'delay, days':>13}")
    for row in table.iter_rows(named=True):
        print(f"{row['slice']:26}{row['causes']:>8,}{row['recall']:>8.2f}{row['delay_days']:>13.1f}")
    whole = table.row(by_predicate=pl.col("slice") == "all", named=True)
    print(
        f"precision {whole['precision']:.2f}, {whole['false_per_organization_month']:.2f} false per organization and "
        f"month, {whole['repeated']} told more than once"
    )


def _line(name: str, found: list[pl.DataFrame], sets: list[LabelledSet]) -> None:
    """Print the figures of one detector over all sets; the last column leaves out labels that noise hides."""
    pairs = list(zip(found, sets, strict=True))
    table = figures([counts(each, made) for each, made in pairs])
    visible = figures([counts(each, made, _VISIBLE) for each, made in pairs])
    slices = ("all", "organizations and projects")
    rows = [table.row(by_predicate=pl.col("slice") == each, named=True) for each in slices]
    cells = [
        f"{row['f1']:>6.2f}{row['recall']:>8.2f}{row['precision']:>11.2f}{row['false_per_series_year']:>16.2f}   "
        for row in rows
    ]
    clear = visible.row(by_predicate=pl.col("slice") == "all", named=True)["f1"]
    print(f"{name:26}{''.join(cells)}{clear:>14.2f}", flush=True)


def _seconds(made: LabelledSet) -> None:
    """Time the detector on 10,000 series in a process of its own, whose memory is then its own."""
    daily = made.daily
    copies = -(-_MANY // daily["series"].n_unique())
    wanted = pl.concat(
        daily.with_columns(pl.format("copy{}-{}", pl.lit(copy), pl.col("series")).alias("series"))
        for copy in range(copies)
    )
    kept = wanted.filter(pl.col("series").is_in(wanted["series"].unique().sort().head(_MANY).implode()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "daily.parquet"
        kept.write_parquet(path)
        command = [sys.executable, "-m", "circleci_cost_tests.benchmarks", "anomalies", "--measure", str(path)]
        subprocess.run(command, check=True)


def _measure(path: Path) -> None:
    daily = pl.read_parquet(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    detect(daily, AnomalySettings(country="US"))
    seconds = time.perf_counter() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{daily['series'].n_unique():,} series × {daily['date'].n_unique()} days: {seconds:.1f} s, ", end="")
    print(f"at most {most:,.0f} MB, of which the input {before:,.0f} MB")
