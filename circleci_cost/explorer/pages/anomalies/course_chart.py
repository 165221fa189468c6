"""The chart of an incident: what its series cost day by day, and the range that was expected."""

from collections.abc import Sequence

from circleci_cost.explorer.charts import Band, Chart, Mark, Role, Series
from circleci_cost.explorer.rendering import day_text
from circleci_cost.explorer.time_axis import period_of
from circleci_cost.model.incidents.text import KIND_WORDS
from circleci_cost.text.units import counted, verb
from circleci_cost.warehouse.incidents.course import JudgedDay


def course_chart(days: Sequence[JudgedDay]) -> Chart:
    """Bars of cost, the expected cost as a line within its range, a mark at each alarm."""
    marks = [Mark(index, KIND_WORDS.get(day.kind or "", "unusual")) for index, day in enumerate(days) if day.is_anomaly]
    return Chart(
        "course",
        _sentence(days, len(marks)),
        [period_of(day.date) for day in days],
        [
            Series("cost", [day.value for day in days], Role.ACTUAL, 0),
            Series("expected", [day.expected for day in days], Role.EXPECTED),
        ],
        bands=[Band("expected range", [day.lower for day in days], [day.upper for day in days])],
        marks=marks,
    )


def _sentence(days: Sequence[JudgedDay], alarms: int) -> str:
    return (
        f"Cost per day from {day_text(days[0].date)} to {day_text(days[-1].date)}, and the range that was expected; "
        f"{counted(alarms, 'unusual day')} {verb(alarms, 'is', 'are')} marked."
    )
