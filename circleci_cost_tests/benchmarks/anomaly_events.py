"""What happens in both sets beside the generators' own events: to schedules, to whole projects, at a price change.

When an event is a label is `anomaly_labels`'s job; what it does to runs and costs is the generators'.

Set before any detector ran on them. **Schedules**: .5 events each, of six kinds alike (`SCHEDULE_KINDS`). **Stops**:
.6 projects an organization, four in ten for good, others for 3 to 14 days; one organization in eight stops, half of
these for good, half for 2 to 10 days. **The year's end**: every second organization has a project's spike or stop in
it. **Prices** of one organization in four change; in four of five a drift, a shift, a spike or an outage of a project
begins from three days before to five days after that, in four of ten of those another one too. **Corrections**: .7 an
organization; a job's or project's day is credited 2 to 8 usual days: such a day is negative.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from circleci_cost_tests.benchmarks.anomaly_labels import (
    CORRECTION,
    DRIFT,
    PRICE_CHANGE,
    SCHEDULE_OFF,
    STOP,
    Happening,
)
from circleci_cost_tests.benchmarks.anomaly_rhythms import YEAR_END, Timetable
from circleci_cost_tests.benchmarks.anomaly_tables import FIRST, LAST

Scope = tuple[str, ...]
"""Names of an organization, a project, a workflow and a job, or the first few of them."""

Taken = list[tuple[Scope, date, date]]
"""Scopes and days of events, so that others above and below can be placed apart."""

SCHEDULE_KINDS: Mapping[str, tuple[float, bool, bool]] = {
    "schedule_runs": (0.0, False, True),
    "schedule_burst": (3.0, False, False),
    "schedule_dear_once": (5.0, True, False),
    "schedule_missed": (0.0, False, False),
    "schedule_dearer": (3.0, True, True),
    SCHEDULE_OFF: (0.0, False, True),
}
"""Of each kind: the factor (0 for `schedule_runs` stands for 1.5 or 2), whether it is of cost per run, whether it
stays."""

_USUAL = 35, 375
"""The days of the set on which events begin."""

_APART = timedelta(days=20)
_BESIDE_PRICE = ("drift", "level_shift", "spike", "outage")
_SINGLE_DAYS = ("schedule_burst", "schedule_dear_once", "schedule_missed", CORRECTION)


class Drawn(NamedTuple):
    """An event: its factor, and whether that multiplies the cost per run instead of the runs."""

    kind: str
    scope: Scope
    first_day: date
    last_day: date | None
    factor: float
    per_run: bool


class Correction(NamedTuple):
    """A credit note on a day: so many usual days of a scope."""

    happening: Happening
    days: float


def draw_special(
    draw: np.random.Generator, organization: str, projects: Sequence[str], has_price_change: bool, taken: Taken
) -> list[Drawn]:
    """Draw an organization's price change and what is beside it, stops, and events within the year's end."""
    own: list[Drawn] = []

    def project() -> Scope:
        return organization, str(draw.choice(list(projects)))

    def happen(kind: str, scope: Scope, window: tuple[int, int] = _USUAL, *, days: int | None = None) -> None:
        placed = place(draw, kind, scope, taken, window=window, days=days)
        if placed is not None:
            own.append(Drawn(kind, scope, *placed, draw_factor(draw, kind), False))

    if has_price_change:
        happen(PRICE_CHANGE, (organization,), (60, 360))
        day = (own[0].first_day - FIRST).days
        for _ in range(0 if draw.random() >= 0.8 else 1 + int(draw.random() < 0.4)):
            scope, kind = project(), str(draw.choice(_BESIDE_PRICE))
            first, last = draw_time(draw, kind, (day - 3, day + 6))
            own.append(Drawn(kind, scope, first, last, draw_factor(draw, kind), False))
            taken.append((scope, first, (last or first) + _APART))
    if draw.random() < 1 / 8:
        days = None if draw.random() < 0.5 else int(draw.integers(2, 11))
        # For good only late, so that the set is not mostly an organization that has ended.
        happen(STOP, (organization,), (250, _USUAL[1]) if days is None else _USUAL, days=days)
    for _ in range(int(draw.poisson(0.6))):
        happen(STOP, project(), days=None if draw.random() < 0.4 else int(draw.integers(3, 15)))
    if draw.random() < 0.5:
        begins = (YEAR_END[0] - FIRST).days
        if draw.random() < 0.5:
            happen("spike", project(), (begins, begins + 11))
        else:
            days = None if draw.random() < 0.4 else int(draw.integers(5, 15))
            happen(STOP, project(), (begins, begins + 7), days=days)
    return own


def draw_of_schedule(draw: np.random.Generator, scope: Scope, timetable: Timetable, taken: Taken) -> list[Drawn]:
    """Draw what happens to a schedule, beginning on a day on which it runs; nothing after it was switched off."""
    own: list[Drawn] = []
    for _ in range(int(draw.poisson(0.5))):
        kind = str(draw.choice(list(SCHEDULE_KINDS)))
        factor, per_run, stays = SCHEDULE_KINDS[kind]
        if kind == "schedule_runs":
            factor = 2.0 if max(timetable.runs) < 2 or draw.random() < 0.5 else 1.5
        placed = place(draw, kind, scope, taken)
        if placed is not None:
            first = timetable.next_run(placed[0])
            own.append(Drawn(kind, scope, first, None if stays else first, factor, per_run))
    off = min((event.first_day for event in own if event.kind == SCHEDULE_OFF), default=LAST)
    return [event for event in own if event.first_day <= off]


def draw_corrections(draw: np.random.Generator, jobs: Sequence[Scope], taken: Taken) -> list[Correction]:
    """Draw the credit notes of an organization, apart from its events."""
    drawn = []
    for number in range(int(draw.poisson(0.7))):
        scope = jobs[int(draw.integers(len(jobs)))][: 2 if draw.random() < 0.5 else 4]
        placed = place(draw, CORRECTION, scope, taken)
        if placed is not None:
            day = placed[0]
            happening = Happening(f"{scope[0]}#{CORRECTION}{number}", CORRECTION, "/".join(scope), day, day)
            drawn.append(Correction(happening, float(draw.uniform(2, 8))))
    return drawn


def booked(corrections: list[Correction], jobs: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that corrections add to the jobs' daily sums: no runs, and negative credits and cost.

    In: `series`, `date`, `runs`, `run_seconds`, `credits`, `cost`, `cost_squared`.
    """
    rows = [jobs.clear()]
    for happening, days in corrections:
        of_scope = pl.concat_str("series", pl.lit("/")).str.starts_with(happening.scope + "/")
        before = pl.col("date").is_between(
            happening.first_day - timedelta(days=28), happening.first_day - timedelta(days=1)
        )
        rows.append(
            jobs.filter(of_scope, before)
            .group_by("series")
            .agg(-pl.col("credits", "cost").sum() * days / 28)
            .select(
                "series",
                pl.lit(happening.first_day).alias("date"),
                pl.lit(0, pl.Int64).alias("runs"),
                pl.lit(0, pl.Int64).alias("run_seconds"),
                pl.col("credits").cast(pl.Int64),
                "cost",
                (pl.col("cost") ** 2).alias("cost_squared"),
            )
        )
    return pl.concat(rows)


def draw_time(
    draw: np.random.Generator, kind: str, window: tuple[int, int] = _USUAL, days: int | None = None
) -> tuple[date, date | None]:
    """Draw an event's first day, mostly a working day, and its last where it has one (`days`: of a stop)."""
    first = FIRST + timedelta(days=int(draw.integers(*window)))
    if kind == "weekend_leak":
        first += timedelta(days=(5 - first.weekday()) % 7)
        return first, first + timedelta(days=1 + 7 * int(draw.integers(2)))
    if first.weekday() >= 5 and draw.random() < 0.8:
        first += timedelta(days=2)
    if kind == DRIFT:
        return first, min(first + timedelta(days=int(draw.integers(10, 46))), LAST)
    if kind == STOP:
        return first, None if days is None else first + timedelta(days=days - 1)
    if kind in _SINGLE_DAYS:
        return first, first
    lasts = {"spike": int(draw.random() < 0.3), "outage": int(draw.integers(3))}
    return first, first + timedelta(days=lasts[kind]) if kind in lasts else None


def draw_factor(draw: np.random.Generator, kind: str) -> float:
    """Draw how strong an event is: the factor on the cost of its scope, or a leak's share of a working day."""
    if kind == "spike":
        return float(np.exp(draw.uniform(np.log(2.5), np.log(8))))
    if kind == "level_shift":
        return float(draw.uniform(0.4, 0.75) if draw.random() < 0.4 else draw.uniform(1.3, 2.2))
    if kind == DRIFT:
        return float(draw.uniform(0.45, 0.7) if draw.random() < 0.25 else draw.uniform(1.4, 2.2))
    if kind == PRICE_CHANGE:
        return float(1 + draw.uniform(0.08, 0.25))
    return float(draw.uniform(0.7, 1.0)) if kind == "weekend_leak" else 0.0


def place(
    draw: np.random.Generator,
    kind: str,
    scope: Scope,
    taken: Taken,
    *,
    window: tuple[int, int] = _USUAL,
    days: int | None = None,
) -> tuple[date, date | None] | None:
    """Find days clear of events above and below, or None, and add them to `taken`; a stop for good takes the rest."""
    for _ in range(20):
        first, last = draw_time(draw, kind, window, days)
        end = (last or first) + _APART
        if not any(_collide(scope, first, end, other) for other in taken):
            taken.append((scope, first, date.max if kind == STOP and last is None else end))
            return first, last
    return None


def _collide(scope: Scope, first: date, end: date, other: tuple[Scope, date, date]) -> bool:
    """Whether two events are close, one within the other; what is stopped for good is so for what lies in it only."""
    scope_of_other, since, until = other
    common = min(len(scope), len(scope_of_other))
    if until == date.max and len(scope_of_other) > len(scope):
        until = since + _APART
    return scope[:common] == scope_of_other[:common] and first <= until and end >= since
