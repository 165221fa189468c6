"""Companies of the third generator and their usual life: who works when, which workflows exist, what a day would run.

What happens to them is `anomaly_third_events`' job; how often each thing occurs stands in `anomaly_third`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np
import numpy.typing as npt

from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST

Matrix = npt.NDArray[np.float64]

COUNTRIES = ("US", "US", "DE", "GB", "FR", "JP", "BR", "IN", "PL")
CALENDAR_DAYS = [FIRST + timedelta(days=n) for n in range(DAYS)]
WEEKDAYS = np.array([day.weekday() for day in CALENDAR_DAYS])
_YEAR_END = np.array([(day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 2) for day in CALENDAR_DAYS])
_SUMMER = np.array([day.month in (6, 7, 8) for day in CALENDAR_DAYS])
_CLOCK_CHANGES = {
    "US": (date(2025, 11, 2), date(2026, 3, 8), date(2026, 11, 1)),
    **dict.fromkeys(("DE", "GB", "FR", "PL"), (date(2026, 3, 29), date(2026, 10, 25))),
}
_TESTS, _NIGHTLY, _HOURLY, _WEEKLY, _MONTHLY, _UPDATES, _RARE, _AD_HOC = range(8)
_SHARES = (0.46, 0.14, 0.08, 0.08, 0.06, 0.06, 0.08, 0.04)
_NAMES = ("tests", "nightly", "cron", "release", "batch", "updates", "deploy", "loadtest")
_CREDITS_PER_MINUTE = (5, 10, 10, 20, 20, 40, 100)


@dataclass(frozen=True)
class Company:
    """The jobs of an organization (rows) over the days (columns) before anything happens to them.

    `expected`: runs; `scheduled`: whether a job's runs follow a clock and come in exact numbers; `credits`: of a mean
    run; `spread`: of single runs, as a share of the mean; `luck`, `noise`, `pace`: the dice (a uniform number, two
    normal ones), the same whatever happens.
    """

    name: str
    country: str
    jobs: list[str]
    expected: Matrix
    scheduled: npt.NDArray[np.bool_]
    credits: Matrix
    spread: Matrix
    luck: Matrix
    noise: Matrix
    pace: Matrix

    def under(self, scope: str) -> npt.NDArray[np.bool_]:
        """Return which jobs are the scope or lie within it."""
        return np.array([f"{job}/".startswith(f"{scope}/") for job in self.jobs])


def company(number: int, draw: np.random.Generator, volatility: float) -> Company:
    """Draw an organization of about 95 series on all levels."""
    name, country = f"company-{number:02}", str(draw.choice(COUNTRIES))
    work = _work(country, draw)
    names: list[str] = []
    rows: list[Matrix] = []
    kinds: list[int] = []
    sizes: list[float] = []
    monorepo = draw.random() < 0.4
    for number_of_project in range(int(draw.integers(7, 12))):
        large = 8.0 if monorepo and number_of_project == 0 else 1.0
        scale = large * draw.lognormal(1.6, 1.0)
        own_work = work * _project_rhythm(draw, volatility)
        for workflow in range(int(draw.integers(2, 5))):
            kind = _TESTS if workflow == 0 else int(draw.choice(8, p=_SHARES))
            course = _course(kind, own_work, scale, country, draw)
            for job in range(int(draw.integers(1, 4))):
                names.append(f"{name}/project-{number_of_project:02}/{_NAMES[kind]}-{workflow}/job-{job}")
                rows.append(course)
                kinds.append(kind)
                sizes.append(draw.lognormal(1.3, 0.8) * float(draw.choice(_CREDITS_PER_MINUTE)))
    shape = (len(names), DAYS)
    scheduled = np.isin(kinds, (_NIGHTLY, _HOURLY, _WEEKLY, _MONTHLY))
    # Durations wander slowly as caches and dependencies do, and every job has good and bad days.
    wander = np.cumsum(draw.normal(0, 0.004, shape), axis=1)
    steady = np.where(
        scheduled, draw.choice((0.01, 0.05), len(names)), volatility * draw.uniform(0.02, 0.12, len(names))
    )
    return Company(
        name,
        country,
        names,
        np.array(rows),
        scheduled,
        np.array(sizes)[:, None] * np.exp(wander + steady[:, None] * draw.normal(size=shape)),
        np.where(scheduled, draw.uniform(0.02, 0.15, len(names)), volatility * draw.uniform(0.2, 0.9, len(names)))[
            :, None
        ],
        draw.random(shape),
        draw.normal(size=shape),
        draw.normal(size=shape),
    )


def _work(country: str, draw: np.random.Generator) -> Matrix:
    """Return how much the people of a company do each day; 1 on a usual working day at the first day."""
    weekend = float(draw.choice((0.02, 0.08, 0.25, 0.7), p=(0.4, 0.35, 0.15, 0.1)))
    week = np.array([1.0, 1.08, 1.06, 1.02, 0.85, weekend, weekend * 1.1])
    work = week[WEEKDAYS] * np.exp(0.07 * draw.normal(size=DAYS))
    free = _holidays(country)
    work[free] = np.minimum(work[free], draw.uniform(0.05, 0.35))
    if draw.random() < 0.25:  # A second site, whose calendar nobody entered.
        other = str(draw.choice([code for code in COUNTRIES if code != country]))
        work[_holidays(other)] *= draw.uniform(0.6, 0.85)
    at_year_end = draw.choice(("closed", "quiet", "open"), p=(0.4, 0.4, 0.2))
    factor = {"closed": 0.03, "quiet": draw.uniform(0.25, 0.5), "open": 0.85}[str(at_year_end)]
    work[_YEAR_END] = np.minimum(work[_YEAR_END], factor * week[WEEKDAYS][_YEAR_END])
    if draw.random() < 0.25:
        work[_SUMMER & (WEEKDAYS == 4)] *= 0.55
    if draw.random() < 0.3:  # Fewer people in July and August, gently.
        middle = (date(2026, 8, 5) - FIRST).days
        work *= 1 - 0.25 * np.exp(-0.5 * ((np.arange(DAYS) - middle) / 17) ** 2)
    if draw.random() < 0.3:  # Every second Thursday ends a sprint.
        work[(WEEKDAYS == 3) & (np.arange(DAYS) // 7 % 2 == 0)] *= 1.3
    if draw.random() < 0.3:  # New people join.
        work *= np.float64(1 + draw.uniform(0.02, 0.04)) ** (np.arange(DAYS) / 30)
    return np.asarray(work, np.float64)


def _holidays(country: str) -> npt.NDArray[np.bool_]:
    known = holidays.country_holidays(country, years=(2025, 2026))
    return np.array([day in known for day in CALENDAR_DAYS])


def _project_rhythm(draw: np.random.Generator, volatility: float) -> Matrix:
    """Return a project's own ups and downs: days that resemble their neighbours, and every tenth project in bursts."""
    steps = draw.normal(size=DAYS)
    steps[0] *= 1.25
    for day in range(1, DAYS):
        steps[day] = 0.6 * steps[day - 1] + 0.8 * steps[day]
    rhythm: Matrix = np.exp(volatility * draw.uniform(0.08, 0.28) * steps)
    if draw.random() < 0.1:
        rhythm *= draw.gamma(1.2, 1 / 1.2, DAYS)
    return rhythm


def _course(kind: int, work: Matrix, scale: float, country: str, draw: np.random.Generator) -> Matrix:
    """Return the expected runs of a job of one kind of workflow on each day."""
    course: Matrix
    if kind == _TESTS:
        course = work * scale * 3
    elif kind == _UPDATES:  # A bot opens its pull requests on Mondays, also where nobody works.
        course = work * 1.5 + np.where(WEEKDAYS == 0, draw.uniform(15, 50), 0.0)
    elif kind == _RARE:
        course = np.minimum(work, 1.5) * draw.uniform(0.15, 1.5)
    elif kind == _AD_HOC:
        course = np.where(work > 0.3, draw.uniform(0.05, 0.2), 0.0)
    elif kind == _NIGHTLY:
        count = float(draw.choice((1, 1, 1, 2, 3, 6)))
        course = np.where((WEEKDAYS < 5) | (draw.random() < 0.6), count, 0.0)
    elif kind == _HOURLY:
        per_hour = float(draw.choice((1, 1, 2, 4)))
        course = np.full(DAYS, 24 * per_hour)
        for day in _CLOCK_CHANGES.get(country, ()):
            course[(day - FIRST).days] += -per_hour if day.month == 3 else per_hour
    elif kind == _WEEKLY:
        course = np.where(int(draw.integers(5)) == WEEKDAYS, float(draw.integers(1, 4)), 0.0)
    else:
        course = _monthly(float(draw.integers(1, 5)), draw)
    return course


def _monthly(count: float, draw: np.random.Generator) -> Matrix:
    """Return the days of a monthly batch; every second one does three times as much at a quarter's end."""
    following = [day + timedelta(days=1) for day in CALENDAR_DAYS]
    rule = int(draw.integers(5))
    chosen = {
        0: [day.day == 1 for day in CALENDAR_DAYS],
        1: [day.day == 1 for day in following],
        2: [(day + timedelta(days=3)).month != day.month for day in CALENDAR_DAYS],
        3: [day.weekday() == 4 and 22 <= day.day <= 28 for day in CALENDAR_DAYS],
        4: [day.weekday() == 4 and (day + timedelta(days=7)).month != day.month for day in CALENDAR_DAYS],
    }[rule]
    quarter = np.array([day.month % 3 == (1 if rule == 0 else 0) for day in CALENDAR_DAYS])
    return np.where(chosen, count, 0.0) * np.where(quarter & (draw.random() < 0.5), 3.0, 1.0)
