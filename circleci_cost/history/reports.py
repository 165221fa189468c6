"""A report with what the history knows of its days, and the sentences about what it lacks.

The sums are `warehouse.reporting`'s; which days there are and which are due is `coverage`'s subject.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import duckdb

from circleci_cost.circleci import plan_windows
from circleci_cost.clock import Clock, utc_today, utc_yesterday
from circleci_cost.config.settings import Settings
from circleci_cost.config.trigger_user_names import usable_user_names
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.history.coverage import is_due, missing_sentences
from circleci_cost.lake.layout import Lake
from circleci_cost.model.pricing.price_gaps import say_gaps
from circleci_cost.model.reporting.report import Question, Report
from circleci_cost.text.amounts import exact_number
from circleci_cost.warehouse.drivers.compared_costs import Costs
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.report import answer
from circleci_cost.warehouse.reporting.rollup import Rollup
from circleci_cost.warehouse.reporting.run_costs import make_run_costs


def answered(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    question: Question,
    settings: Settings,
    clock: Clock,
    *,
    rollup: Rollup | None = None,
) -> Report:
    """The report of a question, with the days that lack data or should be final by now.

    In: a connection of the generation; a `rollup` is used where it can answer. Raises `UsageError` for a value that no
    usage has.
    """
    if rollup is None or not rollup.answers(question):
        have_run_costs(connection, question, [DayRange(question.first, question.last)], settings)
    yesterday = utc_yesterday(clock)
    # Days before the history, and today, can have no data.
    expected = DayRange(settings.history_start, yesterday) if settings.history_start <= yesterday else None
    centers = [center.name for center in settings.cost_centers]
    report = answer(connection, generation, question, centers, expected, rollup=rollup)
    return replace(report, overdue=overdue_ranges(report.unsettled, utc_today(clock), settings.restatement_days))


def have_run_costs(
    connection: duckdb.DuckDBPyConnection, question: Question, days: Sequence[DayRange], settings: Settings
) -> None:
    """Have `run_costs` of some days, where a question asks for what only job runs tell."""
    if question.of_runs:
        names = usable_user_names(settings).by_id
        make_run_costs(connection, Lake(settings.data_dir), question.of_runs, days, names)


def report_shortfalls(report: Report, lake: Lake, clock: Clock) -> list[str]:
    """What a report lacks, a sentence each that says what to do: prices, days, final exports. Empty where nothing."""
    sentences = []
    unpriced = report.total.unpriced_credits
    if unpriced:
        sentences.append(
            f"Partial: {exact_number(unpriced)} credits have no price and are in no dollar amount; add a price period "
            "for their days (`circleci-cost check` names them), then run `circleci-cost reprice`."
        )
    sentences += missing_sentences(lake, report.missing, "Partial: days without data", clock.now())
    if report.untold:
        days = "; ".join(f"{name}: {say_ranges(ranges)}" for name, ranges in report.untold.items())
        sentences.append(
            "Partial: days whose published costs do not fit their job runs (changed since, or an earlier version "
            f"computed them), {days}: their costs are counted and have no {' and no '.join(report.question.of_runs)}; "
            "run `circleci-cost reprice --from DAY --to DAY` for them, which fetches nothing."
        )
    return sentences + _unfinished(report, clock)


def comparison_shortfalls(costs: Costs, lake: Lake, clock: Clock) -> list[str]:
    """What a comparison of two periods had to leave out, a sentence each that says what to do."""
    words = "Partial: days without complete data are left out"
    sentences = missing_sentences(lake, costs.missing, words, clock.now())
    unpriced = "; ".join(f"{name}: {say_gaps(ranges)}" for name, ranges in costs.unpriced.items())
    if unpriced:
        sentences.append(
            f"Partial: days with credits that have no price are left out, {unpriced}; add a price period for "
            "them, then run `circleci-cost reprice`."
        )
    return sentences


def overdue_ranges(
    unsettled: Mapping[str, Sequence[DayRange]], today: date, restatement_days: int
) -> dict[str, list[DayRange]]:
    """The days, by cost center, whose last export was made too early."""
    due = {
        name: [day for day in _days(ranges) if is_due(day, today, restatement_days)]
        for name, ranges in unsettled.items()
    }
    return {name: as_ranges(days) for name, days in due.items() if days}


def _unfinished(report: Report, clock: Clock) -> list[str]:
    """A sentence about the overdue days that CircleCI still serves."""
    now = clock.now()
    fetchable_ranges = []
    for name, ranges in report.overdue.items():
        days = set(_days(ranges))
        if fetchable := days - set(plan_windows(sorted(days), now).out_of_reach):
            fetchable_ranges.append(f"{name}: {say_ranges(as_ranges(fetchable))}")
    if not fetchable_ranges:
        return []
    return [
        f"Partial: days that were exported before CircleCI had finished them, {'; '.join(fetchable_ranges)}; run "
        "`circleci-cost sync` to fetch them again."
    ]


def _days(ranges: Iterable[DayRange]) -> list[date]:
    return [day for day_range in ranges for day in days_between(day_range.first, day_range.last)]
