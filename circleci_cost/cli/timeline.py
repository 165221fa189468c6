"""The pricing summary of all cost centers on a terminal and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import date

from rich.text import Text

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.tables import Column, fitted
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.model.pricing.price_gaps import gaps
from circleci_cost.model.pricing.timeline import timeline
from circleci_cost.text.amounts import credits_text


def gaps_of(settings: Settings, today: date) -> dict[str, list[DayRange]]:
    """The days of the history, up to today, without a price, by cost center."""
    unpriced = {
        center.name: gaps(center.price_periods, settings.history_start, today) for center in settings.cost_centers
    }
    return {name: ranges for name, ranges in unpriced.items() if ranges}


def print_timelines(console: PlainConsole, settings: Settings, today: date) -> None:
    """Draw all timelines in one table, for review."""
    columns = [
        Column("cost center", name=True),
        Column("USD per credit", right=True),
        Column("from"),
        Column("until"),
        Column("days", right=True),
        Column("", name=True),
    ]
    rows = []
    for center in settings.cost_centers:
        name = center.name
        for stretch in timeline(center, settings.history_start, today):
            style = "bold red" if stretch.price is None else ""
            rows.append(
                [
                    Text(name),
                    Text("none" if stretch.price is None else credits_text(stretch.price), style=style),
                    Text(str(stretch.first)),
                    Text(str(stretch.until or "ongoing")),
                    Text(f"{stretch.days(today):,}"),
                    Text(stretch.remark, style=style or "dim"),
                ]
            )
            name = ""
    console.print(fitted(columns, rows, console.width))


def as_json(settings: Settings, today: date) -> list[dict[str, object]]:
    """All timelines as values for JSON."""
    return [
        {
            "cost_center": center.name,
            "price_per_credit": None if stretch.price is None else credits_text(stretch.price),
            "from": stretch.first.isoformat(),
            "until": stretch.until.isoformat() if stretch.until else None,
            "days": stretch.days(today),
        }
        for center in settings.cost_centers
        for stretch in timeline(center, settings.history_start, today)
    ]


def ranges_json(ranges_by_center: Mapping[str, Sequence[DayRange]]) -> list[dict[str, str]]:
    """Ranges of days by cost center as values for JSON."""
    return [
        {"cost_center": name, "from": day_range.first.isoformat(), "to": day_range.last.isoformat()}
        for name, ranges in ranges_by_center.items()
        for day_range in ranges
    ]
