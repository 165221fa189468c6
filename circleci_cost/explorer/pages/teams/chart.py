"""The chart of a tag: the cost of its largest values by period, and the course of each value in the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.days import days_between
from circleci_cost.explorer.asking import ask, ranked_values
from circleci_cost.explorer.chart_sentences import change_sentence
from circleci_cost.explorer.charts import Chart, Role, Series
from circleci_cost.explorer.pages.teams.asked import ALL_ROWS
from circleci_cost.explorer.pages.teams.figures import Figures
from circleci_cost.explorer.palette import slots
from circleci_cost.explorer.periods import before_words
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.explorer.sparkline import Course
from circleci_cost.explorer.time_axis import fitting_granularity, periods_of, starts_of
from circleci_cost.model.reporting.report import REST, Question, Report, add_exactly
from circleci_cost.text.amounts import WIDE, percent
from circleci_cost.text.plain import cut

_KEYS = 9
# Values with a course in the table; the others have none.
_COURSES = 100
_NAME = 60


@dataclass(frozen=True)
class Courses:
    """The chart, the colour of each value in it, and the cost of values by period."""

    chart: Chart
    colors: Mapping[str, int]
    by_value: Mapping[str | None, Course]


def courses_of(figures: Figures, snapshot: Snapshot) -> Courses:
    """Draw the values over the days."""
    asked = figures.asked
    tag, days, granularity = asked.tag.name, asked.days, fitting_granularity(asked.days)
    starts = starts_of(days, granularity)
    report = ask(snapshot, Question(days.first, days.last, (tag,), granularity=granularity, limit=_COURSES))
    by_value = _by_value(report, starts)
    shown = [each.value for each in figures.values if each.amount.cost][:_KEYS]
    others = [course for value, course in by_value.items() if value not in shown]
    colors = slots(ranked_values(snapshot, tag), shown)
    series = [
        Series(value, by_value[value], Role.KEY, colors[value], str(asked.address.changed(value=value)))
        for value in shown
    ]
    if any(cost for course in others for cost in course):
        rest = [_sum(costs) for costs in zip(*others, strict=True)]
        series.append(Series(REST, rest, Role.OTHER, href=f"{asked.address.changed(rows=ALL_ROWS)}#values"))
    missing = _missing(figures.report)
    through = figures.report.data_through or date.min
    periods = periods_of(days, granularity, lambda day: day <= through and day not in missing)
    return Courses(Chart("teams-chart", _sentence(figures), periods, series), colors, by_value)


def _by_value(report: Report, starts: Sequence[date]) -> dict[str | None, Course]:
    """The cost of each value by period; None stands for the values beyond those with a course."""
    costs: dict[str | None, dict[date | None, Decimal | None]] = {}
    for row in report.rows:
        costs.setdefault(None if row.rest else row.values[0], {})[row.period] = row.amount.cost
    return {value: [own.get(start) for start in starts] for value, own in costs.items()}


def _missing(report: Report) -> set[date]:
    return {day for ranges in report.missing.values() for days in ranges for day in days_between(days.first, days.last)}


def _sum(costs: Course) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return add_exactly(known) if known else None


def _sentence(figures: Figures) -> str:
    total, before = figures.total.cost, figures.before
    change = before.compared.change if before else None
    sentence = change_sentence(
        "Cost",
        change.now if change else total,
        change.before if change else None,
        unit="USD",
        against=before_words(before.compared) if before else "",
    )
    sentence = f"{sentence} {figures.withheld}".rstrip()
    largest = figures.values[0] if figures.values else None
    if largest is None or not largest.amount.cost or not total:
        return sentence
    share = percent(WIDE.divide(largest.amount.cost, total))
    return f"{sentence} The largest part is {cut(largest.value, _NAME)} with {share}."
