"""The published generation compared with the data: days without costs, days at former prices, sums of days.

Reads published generations only; the commands decide what to run.
"""

from collections.abc import Sequence
from datetime import date

from circleci_cost.cli.planned_runs import PlannedRun
from circleci_cost.cli.report_output import exact_sum
from circleci_cost.cli.streams import say, write_line
from circleci_cost.cli.unknown_organizations import say_unknown_organizations
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.lake.layout import Lake
from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.reporting.report import Question
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.publishing.generations import Generation, NothingPublishedError, current_generation
from circleci_cost.warehouse.reporting.outdated_days import days_of_earlier_versions, of_earlier_version
from circleci_cost.warehouse.reporting.report import answer, costed_days


def published(lake: Lake) -> Generation | None:
    """The current generation; None where nothing was published yet."""
    try:
        return current_generation(lake)
    except NothingPublishedError:
        return None


def say_earlier_versions(lake: Lake) -> None:
    """Say which published days an earlier version computed, if any."""
    generation = published(lake)
    if generation is None:
        return
    with generation.connect() as connection:
        unfilled = days_of_earlier_versions(connection, lake)
    if unfilled:
        say(f"Costs {of_earlier_version(unfilled)}.")


def days_without_costs(lake: Lake, generation: Generation | None, cost_center: str) -> list[date]:
    """The days that have job runs but no published costs: an earlier command was cut off in between."""
    days_with_job_runs = lake.job_runs_days(cost_center)
    if generation is None:
        return days_with_job_runs
    with generation.connect() as connection:
        costed = costed_days(connection, cost_center)
    return [day for day in days_with_job_runs if day not in costed]


def show_costs(settings: Settings, lake: Lake, runs: Sequence[PlannedRun]) -> None:
    """Write a line for each cost center: the days that its runs touched and what they hold now."""
    generation = published(lake)
    if generation is None:
        return
    with generation.connect() as connection:
        for name in dict.fromkeys(run.cost_center for run in runs):
            runs_of_center = [run for run in runs if run.cost_center == name]
            days = DayRange(min(run.first for run in runs_of_center), max(run.last for run in runs_of_center))
            if name not in {center.name for center in settings.cost_centers} or not costed_days(connection, name):
                continue
            question = Question(days.first, days.last, filters=(Filter("cost_center", FilterOperator.IS, (name,)),))
            report = answer(connection, generation, question, [name], None)
            if report.total.jobs:
                write_line(f"{name}, {days}: {exact_sum(report.total)}")
            else:
                write_line(f"{name}, {days}: no usage; CircleCI has none, or has not brought it yet")
            say_unknown_organizations(settings, lake, name, days.first, days.last)


def say_out_of_reach(cost_center: str, days: Sequence[date]) -> None:
    """Say which days only an import can bring."""
    if days:
        say(
            f"{cost_center}: {counted(len(days), 'day')} {verb(len(days), 'is', 'are')} older than CircleCI serves "
            f"({say_ranges(as_ranges(days))}); files that you have of "
            f"{verb(len(days), 'it', 'them')} can be imported with `circleci-cost import`."
        )
