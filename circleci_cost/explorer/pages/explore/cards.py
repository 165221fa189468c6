"""The figures on top of the page: total, change, daily average, month-end forecast, unpriced credits."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from circleci_cost.explorer.pages.explore import drill
from circleci_cost.explorer.pages.explore.figures import Figures
from circleci_cost.explorer.pages.explore.month_end import MonthEnd
from circleci_cost.explorer.pages.explore.table import Change
from circleci_cost.explorer.periods import before_words
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.text.amounts import WIDE, exact_dollars, exact_number
from circleci_cost.text.units import counted


@dataclass(frozen=True)
class Card:
    """One figure: what it is, its value, a note, where it leads, and where the reasons of a change are."""

    label: str
    value: str
    note: str | None = None
    href: str | None = None
    style: str = ""
    exact: Decimal | None = None
    why: str | None = None


def cards_of(figures: Figures, month_end: MonthEnd | None) -> list[Card]:
    """The cards of a state."""
    return list(_cards(figures, month_end))


def _cards(figures: Figures, month_end: MonthEnd | None) -> Iterator[Card]:
    metric, total = figures.state.metric, figures.groups.total
    count = (figures.state.days.last - figures.state.days.first).days + 1
    if metric is Metric.COST:
        exact = exact_dollars(total.cost)
    elif metric is Metric.CREDITS:
        exact = f"{exact_number(total.credits)} credits"
    else:
        exact = None
    label = f"{metric.words.capitalize()}, {counted(count, 'day')}"
    yield Card(label, metric.text(figures.total), exact, style="main", exact=figures.total)
    yield _change(figures)
    if metric.is_sum and figures.total is not None:
        average = WIDE.divide(figures.total, Decimal(count))
        yield Card("Average per day", metric.text(average))
    if month_end is not None:
        yield Card(
            f"Forecast for {month_end.month:%B %Y}",
            metric.text(month_end.median),
            f"{metric.text(month_end.low)} – {metric.text(month_end.high)} in 8 of 10 cases",
        )
    if total.unpriced_credits:
        yield Card(
            "Unpriced credits",
            exact_number(total.unpriced_credits),
            "in no dollar amount; add a price period",
            "/data",
            "bad",
        )


def _change(figures: Figures) -> Card:
    label = "Change"
    if figures.before is None:
        return Card(label, "–", figures.withheld or "comparison is off")
    compared = figures.before.compared
    if figures.change is None:
        return Card(label, "–", "there is no figure to compare")
    now, before = figures.change
    metric = figures.state.metric
    change = Change(metric, before, WIDE.subtract(now, before))
    note = f"against {metric.text(before)} in {before_words(compared)}"
    why = str(drill.why(figures.state, compared)) if metric is Metric.COST and change.difference else None
    return Card(label, change.text, note, why=why)
