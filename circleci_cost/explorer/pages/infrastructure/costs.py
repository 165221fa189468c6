"""What infrastructure costs, by provider and service, against the days before, and over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.chart_sentences import change_sentence
from circleci_cost.explorer.charts import Chart, Role, Series
from circleci_cost.explorer.pages.infrastructure.asked import Asked
from circleci_cost.explorer.palette import slots
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.explorer.time_axis import fitting_granularity, periods_of, starts_of
from circleci_cost.model.drivers.baseline import previous
from circleci_cost.model.reporting.report import REST, add_exactly
from circleci_cost.text.amounts import WIDE, change_text
from circleci_cost.warehouse.infrastructure.published_costs import (
    ServiceCost,
    SourceDays,
    service_costs,
    source_days,
)

_KEYS = 9

Key = tuple[str, str, str]


@dataclass(frozen=True)
class ServiceRow:
    """A service's cost in the days asked for and in those before; None where these cannot be compared."""

    source: str
    provider: str
    service: str
    cost: Decimal
    share: Decimal | None
    before: Decimal | None
    slot: int | None

    @property
    def difference(self) -> Decimal | None:
        """The change against the days before."""
        return None if self.before is None else WIDE.subtract(self.cost, self.before)

    @property
    def change(self) -> str:
        """The change in words; a dash where there is nothing to compare."""
        return "–" if self.before is None or self.difference is None else change_text(self.before, self.difference)


@dataclass(frozen=True)
class Costs:
    """All services, the dearest first, their exact total, and the chart; `withheld` says why no change is shown."""

    rows: Sequence[ServiceRow]
    total: ServiceRow
    previous: DayRange
    withheld: Sequence[str]
    chart: Chart


def costs_of(wanted: Asked, snapshot: Snapshot) -> Costs:
    """The costs of the days asked for."""
    connection, days = snapshot.connection, wanted.days
    before = previous(days)
    services = service_costs(connection, days)
    earlier = {each.key: each.cost for each in service_costs(connection, before)}
    reasons = {each.source: reason for each in source_days(connection) if (reason := _incomparable(each, days, before))}
    total = add_exactly(each.cost for each in services)
    ranked = _ranked(snapshot)
    colors = slots([_label(key) for key in ranked], [_label(each.key) for each in services[:_KEYS]])
    rows = [
        ServiceRow(
            *each.key,
            cost=each.cost,
            share=WIDE.divide(each.cost, total) if total else None,
            before=None if each.source in reasons else earlier.get(each.key, Decimal(0)),
            slot=colors.get(_label(each.key)),
        )
        for each in services
    ]
    gone = [
        ServiceRow(*key, cost=Decimal(0), share=Decimal(0), before=cost, slot=None)
        for key, cost in earlier.items()
        if key[0] not in reasons and cost and key not in {each.key for each in services}
    ]
    whole = None if reasons else add_exactly(earlier.values())
    return Costs(
        [*rows, *gone],
        ServiceRow("", "", "", total, Decimal(1) if total else None, whole, None),
        before,
        list(reasons.values()),
        _chart(wanted, snapshot, services, colors, _sentence(total, whole, days, list(reasons.values()))),
    )


def _incomparable(source: SourceDays, days: DayRange, before: DayRange) -> str | None:
    """Why the days of a source cannot be compared with those before; None where they can."""
    if source.first > before.first:
        return f"the costs of {source.source} begin on {source.first}"
    if source.last is None or source.last < days.last:
        return f"the costs of {source.source} are complete only through {source.last or 'no day'}"
    return None


def _ranked(snapshot: Snapshot) -> list[Key]:
    """The services by their cost over all days: a service keeps its colour by its rank."""
    return [each.key for each in service_costs(snapshot.connection, DayRange(date.min, date.max))]


def _label(key: Key) -> str:
    """A service's name in the chart; its source stands before it, as in the series that are compared."""
    return f"{key[0]} · {key[2]}"


def _chart(
    wanted: Asked, snapshot: Snapshot, services: Sequence[ServiceCost], colors: Mapping[str, int], sentence: str
) -> Chart:
    granularity = fitting_granularity(wanted.days)
    starts = starts_of(wanted.days, granularity)
    by_key: dict[str, dict[date | None, Decimal]] = {}
    for each in service_costs(snapshot.connection, wanted.days, granularity):
        label = _label(each.key)
        label = label if label in colors else REST
        own = by_key.setdefault(label, {})
        own[each.period] = add_exactly((own.get(each.period, Decimal(0)), each.cost))
    names = [name for name in dict.fromkeys(_label(each.key) for each in services[:_KEYS]) if name in by_key]
    series = [Series(name, [by_key[name].get(start) for start in starts], Role.KEY, colors[name]) for name in names]
    if REST in by_key:
        series.append(Series(REST, [by_key[REST].get(start) for start in starts], Role.OTHER))
    through = min((each.last for each in source_days(snapshot.connection) if each.last), default=date.min)
    return Chart(
        "infrastructure-chart",
        sentence,
        periods_of(wanted.days, granularity, lambda day: day <= through),
        series,
    )


def _sentence(total: Decimal, before: Decimal | None, days: DayRange, reasons: Sequence[str]) -> str:
    return change_sentence(
        "Infrastructure cost",
        total,
        before,
        unit="USD",
        against=f"the {days.days} days before",
        withheld="; ".join(reasons),
    )
