"""A simulated year of daily runs on an adjustable clock: outages of machine and API, crashes, restatements, new prices.

The steps of a daily run are called as Dagster's assets call them, without Dagster: a year takes seconds. What is
expected comes from the generator's rows alone.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from circleci_cost.assets import DAILY_COSTS, PRICING_PERIODS
from circleci_cost.circleci import SILENT
from circleci_cost.clock import utc_today
from circleci_cost.days import days_between
from circleci_cost.defs.costs import RATES_AHEAD, Plan
from circleci_cost.defs.resources import UsageSource
from circleci_cost.errors import CircleciCostError
from circleci_cost.history.coverage import daily_windows, missing_days, overdue_days
from circleci_cost.history.ingestion import fetch_days
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake
from circleci_cost.model.pricing.price_periods import daily_rates
from circleci_cost.simulator import Scenario, generate
from circleci_cost.simulator.faults import Action
from circleci_cost.simulator.sources import ExportKey
from circleci_cost.warehouse.costs.daily_costs import changed_days, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import stale_prices, write_prices
from circleci_cost.warehouse.publishing.publish import publish
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.pipeline.harness import LIST_PRICE, Price, Site, running
from circleci_cost_tests.pipeline.scenarios import PAYING, SHARED, EditedSource, scenario
from circleci_cost_tests.simulator_faults import actions as say
from circleci_cost_tests.simulator_faults import damage
from circleci_cost_tests.simulator_faults.connection_actions import Drop

CENTER = "initech"
RESTATED_DAYS = 4
_AT = time(10, 30)
# What CircleCI may do to a day's requests: for good, or to some of them.
_LASTING: tuple[tuple[str, Action], ...] = (
    ("*", say.Respond(503)),
    ("create", say.Respond(401, {"message": "You must log in first."})),
    ("create", say.rate_limited("120")),
    ("poll", say.failed_export()),
    ("poll", say.completed_without_urls()),
    ("poll", say.completed_without_urls([])),
    ("download", damage.truncated()),
    ("download", say.html_page()),
    ("download", Drop("mid-body")),
)


class Crash(BaseException):
    """The end of the process: nothing may catch it."""


def restated(rows: pl.DataFrame, key: ExportKey) -> pl.DataFrame:
    """Let some jobs of each of the last four days arrive late: the younger the day, the more are missing."""
    age = (pl.lit(key.as_of.date()) - pl.col("JOB_RUN_DATE")).dt.total_days()
    late = (age <= RESTATED_DAYS) & (pl.col("JOB_ID").hash(7) % 100 < 5 * (RESTATED_DAYS + 1 - age))
    return rows.filter(~late)


@dataclass
class Day:
    """What is known of a day's run afterwards."""

    day: date
    failures: list[str] = field(default_factory=list)
    crashed: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether all of the run came to its end."""
        return not self.failures and not self.crashed


@dataclass
class Year:
    """An installation, what happens to it, and what was found on the way."""

    site: Site
    of: Scenario
    # Jobs and credits of each day once CircleCI no longer restates it.
    final: dict[date, tuple[int, Decimal]]
    draw: random.Random
    down: int = 0
    api_down: int = 0
    lasting: tuple[str, Action] | None = None
    # What happened, to tell an eventful year from a quiet one.
    events: dict[str, int] = field(default_factory=dict)
    # Days whose run came to its end and left something else than a rebuild would have.
    wrong: list[str] = field(default_factory=list)
    # Days that were short or missing, and that no check named.
    unreported: list[str] = field(default_factory=list)
    _known: dict[date, dict[date, tuple[int, Decimal]]] = field(default_factory=dict)

    def run(self, first: date, last: date) -> None:
        """Let days go by, one run each at 10:30 UTC; the last five are quiet, so that every day can become final."""
        for today in days_between(first, last):
            self.site.advance_to(max(self.site.clock.now(), datetime.combine(today, _AT, UTC)))
            quiet = (last - today).days <= RESTATED_DAYS + 1
            if not quiet and self._machine_is_down():
                continue
            self._note_unreported(today)
            done = self._daily_run(today, quiet=quiet)
            self.site.simulator.faults.clear()
            if done.succeeded:
                self._compare(today)

    def _machine_is_down(self) -> bool:
        if self.down == 0 and self.draw.random() < 0.03:
            self.down = self.draw.choice((1, 2, 5, 5, 9, 14, 40))
            self._happened("outage of the machine")
        self.down = max(0, self.down - 1)
        return self.down > 0

    def _daily_run(self, today: date, *, quiet: bool) -> Day:
        self._new_price(today)
        crash_at = None
        if not quiet:
            self._arm_faults()
            crash_at = self.draw.randrange(1, 30) if self.draw.random() < 0.08 else None
        done = Day(today)
        try:
            with crashing(crash_at):
                for window in daily_windows(self.site.settings, self.site.lake, CENTER, self.site.clock.now()):
                    try:
                        self._refresh(days_between(window.first_day, window.last_day))
                    except CircleciCostError as error:
                        # Another window's run is a run of its own.
                        done.failures.append(str(error))
                self._reprice()
        except Crash:
            done.crashed = True
            self._happened("crash")
        if done.failures:
            self._happened("failed run")
        return done

    def _arm_faults(self) -> None:
        if self.api_down == 0 and self.draw.random() < 0.05:
            self.api_down = self.draw.choice((1, 1, 2, 3, 6))
            self.lasting = self.draw.choice(_LASTING)
            self._happened("outage of CircleCI")
        if self.api_down and self.lasting:
            self.api_down -= 1
            self.site.fault(*self.lasting, times=None)
        elif self.draw.random() < 0.1:
            self.site.fault(*self.draw.choice(_LASTING), times=1)
            self._happened("single fault")

    def _new_price(self, today: date) -> None:
        if self.draw.random() < 0.02:
            price = f"0.000{self.draw.randrange(400, 800)}"
            # Often backdated: a contract is signed after it has begun.
            begins = today + timedelta(days=self.draw.randrange(-60, 20))
            center = self.site.centers[CENTER]
            kept = [each for each in center.prices if each.effective_from < begins.isoformat()]
            before = (begins - timedelta(days=1)).isoformat()
            ended = Price(kept[-1].price_per_credit, kept[-1].effective_from, before)
            center.prices = (*kept[:-1], ended, Price(price, begins.isoformat()))
            self._happened("new price")

    def _refresh(self, days: Any) -> None:
        """What the assets usage_exports, job_runs and daily_costs do."""
        site, settings = self.site, self.site.settings
        center = settings.cost_center(CENTER)
        source = UsageSource(settings, site.clock)
        with source.exports(CENTER, site.lake, SILENT) as exports:
            fetch_days(
                exports,
                site.lake,
                CENTER,
                days,
                site.clock,
                restatement_days=settings.restatement_days,
                organizations=center.organizations,
            )
        ingest_days(site.lake, CENTER, center.organizations, days, ingested_at=site.clock.now())
        self._price(days)

    def _price(self, days: Any) -> None:
        """What the assets `pricing_periods` and `daily_costs` do."""
        settings, clock, store = self.site.settings, self.site.clock, TableStore(self.site.lake)
        with store.writing(PRICING_PERIODS.name) as connection:
            write_prices(connection, settings.price_periods, settings.history_start, utc_today(clock) + RATES_AHEAD)
        asked: Any = {
            "lake": self.site.lake,
            "cost_center": CENTER,
            "days": days,
            "history_start": settings.history_start,
            "restatement_days": settings.restatement_days,
            "organizations": settings.cost_center(CENTER).organizations,
        }
        plan = Plan(partial(changed_days, **asked))
        with store.writing(DAILY_COSTS.name, CENTER, days=plan) as connection:
            write_daily_costs(connection, at=clock.now(), planned=plan.days, **asked)

    def _reprice(self) -> None:
        """What `reprice` does: compute the days again whose price was edited."""
        settings, clock = self.site.settings, self.site.clock
        rates = daily_rates(settings.price_periods, settings.history_start, utc_today(clock) + RATES_AHEAD)
        with TableStore(self.site.lake).reading() as opened:
            stale = stale_prices(opened.connection, rates)
        for ranges in stale.values():
            self._price([day for each in ranges for day in days_between(each.first, each.last)])

    def rebuild(self, folder: Path, first: date, last: date) -> Site:
        """A new installation that fetches everything at once, now; published."""
        site = Site(
            folder,
            self.site.clock,
            self.site.simulator,
            self.site.server,
            self.site.instance,
            self.site.centers,
            self.site.history_start,
        )
        folder.mkdir()
        other = Year(site, self.of, self.final, self.draw)
        for start in days_between(first, last)[::31]:
            other._refresh(days_between(start, min(last, start + timedelta(days=30))))
        other.publish()
        return site

    def publish(self) -> None:
        """What the asset `published` does."""
        with TableStore(self.site.lake).reading() as opened:
            publish(opened, self.site.lake, read_restatements(self.site.lake, [CENTER]), self.site.clock.now())

    def _compare(self, today: date) -> None:
        """After a run that came to its end: every day is as an export made now would have it, or it is final."""
        with TableStore(self.site.lake).reading() as opened:
            query = "SELECT date, sum(jobs), sum(credits) FROM daily_costs GROUP BY date"
            totals = {day: (int(jobs), credits) for day, jobs, credits in opened.connection.execute(query).fetchall()}
        expected = self._truth(today)
        first = min(totals, default=today)
        for day in days_between(first, today - timedelta(days=1)):
            if totals.get(day) != expected.get(day):
                self.wrong.append(f"after the run of {today}: {day} has {totals.get(day)}, not {expected.get(day)}")

    def _note_unreported(self, today: date) -> None:
        """Before the run: what the machine's outages left short or missing is named by the standing checks."""
        lake, settings, now = self.site.lake, self.site.settings, self.site.clock.now()
        there = lake.job_runs_days(CENTER)
        if not there:
            return
        named = {
            *missing_days(settings, lake, CENTER, now).fetchable,
            *overdue_days(settings, lake, CENTER, now).fetchable,
        }
        expected = self._truth(today)
        for day in days_between(there[0], today - timedelta(days=RESTATED_DAYS + 2)):
            if day not in named and job_run_sums(lake, day) != expected.get(day):
                self.unreported.append(f"on {today}: {day}")

    def _truth(self, today: date) -> dict[date, tuple[int, Decimal]]:
        """Jobs and credits of every day as an export made on `today` has them; days without jobs are left out."""
        young = today - timedelta(days=RESTATED_DAYS)
        if today not in self._known:
            moment = datetime.combine(today, _AT, UTC)
            last = today - timedelta(days=1)
            self._known = {today: _sums(self.of, max(young, self.site.history_start), last, moment)}
        final = {day: sums for day, sums in self.final.items() if day < young}
        return final | self._known[today]

    def _happened(self, what: str) -> None:
        self.events[what] = self.events.get(what, 0) + 1


def _sums(of: Scenario, first: date, last: date, as_of: datetime) -> dict[date, tuple[int, Decimal]]:
    key = ExportKey((PAYING, SHARED), first, last, as_of)
    rows = pl.concat(
        restated(frame, key).select("JOB_RUN_DATE", "TOTAL_CREDITS")
        for frame in generate(of, key.organization_ids, first, last, as_of)
    )
    by_day = rows.group_by("JOB_RUN_DATE").agg(pl.len(), pl.col("TOTAL_CREDITS").sum())
    return {day: (jobs, Decimal(str(credits))) for day, jobs, credits in by_day.iter_rows()}


def job_run_sums(lake: Lake, day: date) -> tuple[int, Decimal] | None:
    """Jobs and credits of a day's file; None where there is none, or where it is empty."""
    path = lake.job_runs_file(CENTER, day)
    if not path.exists():
        return None
    rows = pl.read_parquet(path, columns=["total_credits"], hive_partitioning=False)
    return (rows.height, Decimal(rows["total_credits"].sum())) if rows.height else None


@contextmanager
def crashing(at: int | None) -> Iterator[None]:
    """Let the process end at the `at`-th rename: what it has written before stays, nothing after it comes about."""
    original, left = os.replace, at

    def replace(source: Any, target: Any, **options: Any) -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left == 0:
                raise Crash
        original(source, target, **options)

    os.replace = replace  # type: ignore[assignment]
    try:
        yield
    finally:
        os.replace = original


@contextmanager
def lived(folder: Path, first: date, last: date, seed: int) -> Iterator[Year]:
    """Live through the days from `first` to `last` with the accidents of a seed."""
    of = scenario(10.0)
    start = datetime.combine(first, _AT, UTC)
    history_start = first - timedelta(days=RESTATED_DAYS)
    with running(folder, source=EditedSource(of, restated), now=start, history_start=history_start) as site:
        site.centers[CENTER].prices = LIST_PRICE
        late = datetime.combine(last + timedelta(days=2 * RESTATED_DAYS), _AT, UTC)
        year = Year(site, of, _sums(of, history_start, last, late), random.Random(seed))
        year.run(first, last)
        yield year
