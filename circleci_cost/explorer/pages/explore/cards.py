"""The figures on top of the page: total, change, daily average, month-end forecast, unpriced credits."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.explore import drill
from circleci_cost.explorer.pages.explore.figures import Figures
from circleci_cost.explorer.pages.explore.month_end import MonthEnd
from circleci_cost.explorer.pages.explore.table import Change
from circleci_cost.explorer.periods import before_words
from circleci_cost.model.reporting.comparison import Withheld
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.text.amounts import exact_dollars, exact_number
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
    why: Address | None = None


def cards_of(figures: Figures, month_end: MonthEnd | None) -> list[Card]:
    """The cards of a state."""
    return list(_cards(figures, month_end))


def _cards(figures: Figures, month_end: MonthEnd | None) -> Iterator[Card]:
    metric, total = figures.state.metric, figures.groups.total
    count = (figures.state.days.last - figures.state.days.first).days + 1
    exact: str | None = None
    if metric is Metric.COST:
        exact = exact_dollars(total.cost)
    elif metric is Metric.CREDITS:
        exact = f"{exact_number(total.credits)} credits"
    elif figures.unknown:
        exact = f"not known: {figures.unknown}"
    label = f"{metric.words.capitalize()}, {counted(count, 'day')}"
    yield Card(label, metric.text(figures.total), exact, style="main", exact=figures.total)
    yield _change(figures)
    if figures.average is not None:
        complete = len(figures.complete)
        note = None if complete == count else f"of the {counted(complete, 'complete day')}"
        yield Card("Average per day", metric.text(figures.average), note)
    if month_end is not None:
        yield _forecast(metric, month_end)
    if total.unpriced_credits:
        yield Card(
            "Unpriced credits",
            exact_number(total.unpriced_credits),
            "in no dollar amount; add a price period",
            "/data",
            "bad",
        )


def _forecast(metric: Metric, month_end: MonthEnd) -> Card:
    label, total = f"Forecast for {month_end.month:%B %Y}", month_end.total
    if isinstance(total, Withheld):
        return Card(label, "–", total.reason)
    low, high = metric.text(total.low), metric.text(total.high)
    return Card(label, metric.text(total.median), f"{low} – {high} in 8 of 10 cases")


def _change(figures: Figures) -> Card:
    label = "Change"
    if figures.before is None:
        return Card(label, "–", figures.withheld or "comparison is off")
    compared = figures.before.compared
    metric = figures.state.metric
    change = Change.of(metric, figures.before.now_total, figures.before.total)
    if change is None:
        return Card(label, "–", "there is no figure to compare")
    note = f"against {metric.text(change.before)} in {before_words(compared)}"
    if figures.is_cut:
        now = metric.text(metric.of(figures.before.now_total))
        note = f"{now} on the {counted(compared.current.days, 'complete day')}, {note}"
    why = drill.why(figures.state, compared) if metric is Metric.COST and change.difference else None
    return Card(label, change.text, note, why=why)
