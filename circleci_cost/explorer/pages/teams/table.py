"""The table of a tag's values: cost, direct and shared apart, share, change, and where each leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.teams.asked import ALL_ROWS, Sort
from circleci_cost.explorer.pages.teams.figures import Figures
from circleci_cost.explorer.sparkline import Course, Sparkline, sparkline
from circleci_cost.model.reporting.comparison import Change, Compared
from circleci_cost.text.amounts import WIDE, change_text
from circleci_cost.warehouse.allocation.value_costs import ValueCost

_SHOWN = 50


@dataclass(frozen=True)
class TeamChange:
    """A change against the days before, and the address of its reasons; None where nothing changed."""

    change: Change
    why: Address | None

    @property
    def text(self) -> str:
        """The change with its sign and, where it is a share of something, that share."""
        return change_text(self.change.before, self.change.difference)

    @property
    def direction(self) -> str:
        """The style of the change."""
        return "up" if self.change.difference > 0 else "down" if self.change.difference < 0 else ""


@dataclass(frozen=True)
class TeamRow:
    """A value. `has_none` marks the costs that no rule fits, `slot` is its colour in the chart."""

    cost: ValueCost
    share: Decimal | None
    change: TeamChange | None
    has_none: bool
    slot: int | None
    course: Sparkline
    origins: Address
    explore: Address


@dataclass(frozen=True)
class TeamTable:
    """Every value in order, those of them that the page shows, and the change of the total."""

    every: Sequence[TeamRow]
    rows: Sequence[TeamRow]
    change: TeamChange | None
    all_rows: Address


def table_of(figures: Figures, colors: Mapping[str, int], courses: Mapping[str | None, Course]) -> TeamTable:
    """The table of the figures. In: the colours of the chart's values, and the cost of values by period."""
    asked = figures.asked
    rows = [
        TeamRow(
            cost=each,
            share=_share(each.amount.cost, figures.total.cost),
            change=_change(figures, each.value),
            has_none=each.value in asked.without_value,
            slot=colors.get(each.value),
            course=sparkline(courses.get(each.value, ())),
            origins=asked.address.changed(value=each.value),
            explore=Address("/", (*_days(figures), ("where", f"{asked.tag.name}={each.value}"), ("by", "project"))),
        )
        for each in figures.values
    ]
    ordered = _sorted(rows, asked.sort)
    return TeamTable(
        ordered,
        ordered if asked.shows_all_rows else ordered[:_SHOWN],
        _change(figures, None),
        asked.address.changed(rows=ALL_ROWS),
    )


def _change(figures: Figures, value: str | None) -> TeamChange | None:
    """The change of a value, or of the whole."""
    if figures.before is None:
        return None
    change = figures.before.compared.change if value is None else figures.before.of(value)
    if change is None:
        return None
    return TeamChange(
        change, _why(figures.before.compared, figures.asked.tag.name, value) if change.difference else None
    )


def _why(comparison: Compared, tag: str, value: str | None) -> Address:
    """The address of the reasons for a change."""
    now, before = comparison.current, comparison.before
    days = (
        ("from", now.first.isoformat()),
        ("to", now.last.isoformat()),
        ("against", f"{before.first}:{before.last}"),
    )
    return Address("/why", days if value is None else (*days, ("where", f"{tag}={value}")))


def _days(figures: Figures) -> tuple[tuple[str, str], ...]:
    """The days as the address has them: a preset stays one."""
    return tuple(pair for pair in figures.asked.address.parameters if pair[0] in {"period", "from", "to"})


def _share(cost: Decimal | None, total: Decimal | None) -> Decimal | None:
    return WIDE.divide(cost, total) if cost is not None and total else None


def _sorted(rows: Sequence[TeamRow], sort: Sort) -> list[TeamRow]:
    """The rows in an order; those without such a figure last, equal ones by name."""
    by_name = sorted(rows, key=lambda row: row.cost.value.casefold())
    if sort is Sort.NAME:
        return by_name
    known = [(figure, row) for row in by_name if (figure := _figure(row, sort)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=True)
    return [row for _, row in known] + [row for row in by_name if _figure(row, sort) is None]


def _figure(row: TeamRow, sort: Sort) -> Decimal | None:
    change = row.change
    return {
        Sort.COST: row.cost.amount.cost,
        Sort.DIRECT: row.cost.direct.cost,
        Sort.SHARED: row.cost.shared.cost,
        Sort.BEFORE: change.change.before if change else None,
        Sort.CHANGE: change.change.difference if change else None,
    }.get(sort)
