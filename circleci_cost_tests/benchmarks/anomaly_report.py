"""The printed tables of the benchmark of anomalies, and its goals.

`anomaly_scores` and `anomaly_incident_scores` compute the figures, `anomalies` chooses the sets.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from typing import Any

import polars as pl

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.incidents.incidents import incidents
from circleci_cost_tests.benchmarks.anomaly_delays import WITHIN_DAYS, by_size, shift_delays
from circleci_cost_tests.benchmarks.anomaly_incident_misses import MISSES
from circleci_cost_tests.benchmarks.anomaly_incident_scores import incident_counts, incident_figures
from circleci_cost_tests.benchmarks.anomaly_peers import PEERS, alarmed, calibrated, peer_scores
from circleci_cost_tests.benchmarks.anomaly_scores import ALL, BATCHES, LARGE, OF_LARGE, SCHEDULES, counts, figures
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet

VISIBLE = 3.0
"""Effects of so many standard deviations of a series' own noise over the event's days can be seen in it at all."""

INCIDENT_SETTINGS = Anomalies(minimum_impact_usd=Decimal(0), minimum_impact_share=Decimal("0.03"))

Figures = dict[str, dict[str, Any]]
"""Rows of figures by slice."""


@dataclass(frozen=True)
class Run:
    """The results on sets of one kind.

    Of the detector over all labels, over the visible ones and on calm sets, the delays of shifts by size, of incidents
    here and on calm sets, and of the peers (over all labels, over the visible ones).
    """

    name: str
    series: int
    labels: int
    of_alarms: Figures
    of_visible: Figures
    of_calm: Figures
    of_sizes: Figures
    of_incidents: Figures
    of_calm_incidents: Figures
    of_peers: dict[str, tuple[Figures, Figures]]


def detected(labelled: LabelledSet) -> pl.DataFrame:
    """Run the detector over a set, once for each country."""
    organization = pl.col("series").str.split("/").list.first()
    return pl.concat(
        detect(
            labelled.daily.filter(organization.is_in(names["organization"].implode())),
            calendar=Calendar(country=country),
        )
        for (country,), names in labelled.countries.group_by("country", maintain_order=True)
    )


def scored(name: str, sets: list[LabelledSet], calm: list[LabelledSet], tuning: LabelledSet | None) -> Run:
    """Score the detector and its incidents on some sets and on calm ones, and the peers, if any, on the former.

    The peers' thresholds are chosen on `tuning`.
    """
    judged = [detected(labelled) for labelled in sets]
    judged_calm = [detected(labelled) for labelled in calm]
    delays = [shift_delays(days, labelled) for days, labelled in zip(judged, sets, strict=True)]
    return Run(
        name,
        sum(labelled.hierarchy.height for labelled in sets),
        sum(labelled.labels.height for labelled in sets),
        *_scored(judged, sets),
        _by_slice(figures([counts(days, labelled) for days, labelled in zip(judged_calm, calm, strict=True)])),
        {row["size"]: row for row in by_size(delays).iter_rows(named=True)},
        _of_incidents(judged, sets),
        _of_incidents(judged_calm, calm),
        {} if tuning is None else {peer: _of_peer(peer, sets, tuning) for peer in PEERS},
    )


def _of_peer(peer: str, sets: list[LabelledSet], tuning: LabelledSet) -> tuple[Figures, Figures]:
    """Return the figures of a peer's slices, each at its own threshold, over all labels and over the visible ones."""
    scores = [peer_scores(labelled, peer) for labelled in sets]
    of_all: Figures = {}
    of_visible: Figures = {}
    for slice_name, threshold in calibrated(tuning, peer).items():
        reached, reached_of_visible = _scored([alarmed(score, threshold) for score in scores], sets)
        of_all[slice_name], of_visible[slice_name] = reached[slice_name], reached_of_visible[slice_name]
    return of_all, of_visible


def _of_incidents(judged: list[pl.DataFrame], sets: list[LabelledSet]) -> Figures:
    """Return the figures of the incidents of some sets, by slice."""
    counted = [
        incident_counts(incidents(days, labelled.hierarchy, INCIDENT_SETTINGS), labelled, days)
        for days, labelled in zip(judged, sets, strict=True)
    ]
    return _by_slice(incident_figures(counted))


def print_run(run: Run) -> None:
    """Print the tables of a run."""
    print(f"\n{run.name}: {run.series:,} series, {run.labels:,} labels")
    print(f"F1v: F1 where only those labels count that reach {VISIBLE:g} standard deviations of their series' noise")
    print(f"{'':26}{'all series':^43}{LARGE:^43}")
    print(f"{'':26}{2 * '    F1   F1v  recall  precision  false/year '}")
    for name, (of_all, of_visible) in {"detector": (run.of_alarms, run.of_visible), **run.of_peers}.items():
        cells = [
            f"{row['f1']:>6.2f}{of_visible[slice_name]['f1']:>6.2f}{row['recall']:>8.2f}{row['precision']:>11.2f}"
            f"{row['false_per_series_year']:>12.2f}"
            for slice_name, row in ((slice_name, of_all[slice_name]) for slice_name in (ALL, LARGE))
        ]
        print(f"{name:26}{' '.join(cells)}")
    for slice_name in (SCHEDULES, BATCHES):
        row = run.of_alarms.get(slice_name)
        if row is not None:
            print(
                f"{f'detector, {slice_name}':26}{row['f1'] or 0:>6.2f}{'':6}{row['recall']:>8.2f}"
                f"{row['precision']:>11.2f}{row['false_per_series_year']:>12.2f}"
            )
    print(f"on calm sets: {run.of_calm[ALL]['false_per_series_year']:.2f} alarms a series-year", end="")
    print(f" ({run.of_calm[ALL]['year_end']:.0%} from 22 December to 2 January)", end=", ")
    print(f"{run.of_calm[LARGE]['false_per_series_year']:.2f} of {LARGE}", end=", ")
    print(f"{run.of_calm_incidents[ALL]['false_per_organization_month']:.2f} incidents an organization and month")
    _print_kinds(run)
    _print_sizes(run)
    _print_incidents(run)


def print_goals(runs: list[Run]) -> None:
    """Print the goals, and the figure of each run."""
    print(f"\n{'goals':36}{'wanted':>10}", *(f"{run.name.split(' organizations')[0]:>24}" for run in runs))
    for goal in _GOALS:
        values = [goal.read(run) for run in runs]
        cells = [f"{value:.2f}, {goal.verdict(value):>7}" for value in values]
        print(f"{goal.name:36}{goal.sign:>5}{goal.wanted:>5.2f}", *(f"{cell:>24}" for cell in cells))


@dataclass(frozen=True)
class _Goal:
    """A lower or upper limit of a figure; `column` of a slice of one of a run's tables."""

    name: str
    sign: str
    wanted: float
    table: str
    slice: str
    column: str

    def read(self, run: Run) -> float:
        """Return a run's figure; not a number where there is none."""
        value = getattr(run, self.table).get(self.slice, {}).get(self.column)
        return float("nan") if value is None else float(value)

    def verdict(self, value: float) -> str:
        """Tell whether a figure reaches the goal."""
        if isnan(value):
            return "unknown"
        return "reached" if (value >= self.wanted if self.sign == "≥" else value <= self.wanted) else "missed"


_GOALS = (
    _Goal("F1, all series", "≥", 0.79, "of_alarms", ALL, "f1"),
    _Goal("false alarms a series-year", "≤", 0.5, "of_alarms", ALL, "false_per_series_year"),
    _Goal("alarms a series-year, calm sets", "≤", 0.4, "of_calm", ALL, "false_per_series_year"),
    _Goal("incidents, recall", "≥", 0.88, "of_incidents", ALL, "recall"),
    _Goal("incidents, precision", "≥", 0.86, "of_incidents", ALL, "precision"),
    _Goal("incidents, false a month", "≤", 0.1, "of_incidents", ALL, "false_per_organization_month"),
    _Goal("incidents, causes told twice", "≤", 0.1, "of_incidents", ALL, "repeats"),
)


def _scored(judged: list[pl.DataFrame], sets: list[LabelledSet]) -> tuple[Figures, Figures]:
    """Return the figures of alarms by slice, over all labels and over the visible ones."""
    pairs = list(zip(judged, sets, strict=True))
    of_all, of_visible = ([counts(days, labelled, least) for days, labelled in pairs] for least in (0.0, VISIBLE))
    return _by_slice(figures(of_all)), _by_slice(figures(of_visible))


def _by_slice(table: pl.DataFrame) -> Figures:
    return {row["slice"]: row for row in table.iter_rows(named=True)}


def _print_kinds(run: Run) -> None:
    """Print the results of the detector by kind; delays in days, from the first day and since 20 %."""
    print(f"\n{'alarms by kind':26}{'all series':^43}{LARGE:^43}")
    print(f"{'':26}{2 * ' labels  recall visible   delay since 20 %'}")
    kinds = sorted(name.removesuffix(OF_LARGE) for name in run.of_alarms if name.endswith(OF_LARGE))
    for kind in kinds:
        cells = []
        for slice_name in (kind, kind + OF_LARGE):
            row, visible = run.of_alarms[slice_name], run.of_visible.get(slice_name, {}).get("recall", float("nan"))
            cells.append(f"{row['labels']:>7,}{row['recall']:>8.2f}{visible:>8.2f}")
            cells.append(f"{row['delay_days']:>8.1f}{row['late_days']:>11.1f} ")
        print(f"{kind:26}{''.join(cells)}")


def _print_sizes(run: Run) -> None:
    """Print how soon shifts are found by their size; missed ones count as found never."""
    print(f"\n{'shifts by standard deviations':30}{'labels':>8}{'median delay':>14}{f'within {WITHIN_DAYS} days':>16}")
    for size, row in run.of_sizes.items():
        delay = "missed" if row["median_delay"] is None else f"{row['median_delay']:.1f}"
        print(f"{size:30}{row['labels']:>8,}{delay:>14}{row['within']:>16.2f}")


def _print_incidents(run: Run) -> None:
    """Print how well causes are reported, and why others were missed.

    Delays are in days, from the first day and since 5 % of the usual day; `twice` is of the causes that were found.
    """
    whole = run.of_incidents[ALL]
    print(f"\n{'incidents by kind':26}{'causes':>7}{'recall':>8}{'twice':>7}{'delay':>8}{'since 5 %':>11}", end="")
    print(*(f"{miss:>15}" for miss in MISSES), sep="")
    for row in run.of_incidents.values():
        print(
            f"{row['slice']:26}{row['causes']:>7,}{row['recall']:>8.2f}{row['repeats']:>7.2f}{row['delay_days']:>8.1f}"
            f"{row['late_days']:>11.1f}",
            *(f"{row[miss]:>15,}" for miss in MISSES),
            sep="",
        )
    missed = sum(whole[miss] for miss in MISSES)
    print(f"{'share of the missed ones':67}", *(f"{whole[miss] / max(1, missed):>15.2f}" for miss in MISSES), sep="")
    print(f"precision {whole['precision']:.2f}, {whole['false_per_organization_month']:.2f} ", end="")
    print("false per organization and month", flush=True)
