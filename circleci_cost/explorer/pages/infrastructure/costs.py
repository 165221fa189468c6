"""What infrastructure costs, by provider and service, against the days before, and over time."""

from collections import Counter
from collections.abc import Sequence
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
    names = _names(snapshot)
    shown = [each.key for each in services[:_KEYS]]
    colors = slots(list(names.values()), [names[key] for key in shown])
    rows = [
        ServiceRow(
            *each.key,
            cost=each.cost,
            share=WIDE.divide(each.cost, total) if total else None,
            before=None if each.source in reasons else earlier.get(each.key, Decimal(0)),
            slot=colors.get(names[each.key]),
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
        _chart(
            wanted,
            snapshot,
            [(key, names[key], colors[names[key]]) for key in shown],
            _sentence(total, whole, days, list(reasons.values())),
        ),
    )


def _incomparable(source: SourceDays, days: DayRange, before: DayRange) -> str | None:
    """Why the days of a source cannot be compared with those before; None where they can."""
    if source.first > before.first:
        return f"the costs of {source.source} begin on {source.first}"
    if source.last is None or source.last < days.last:
        return f"the costs of {source.source} are complete only through {source.last or 'no day'}"
    return None


def _names(snapshot: Snapshot) -> dict[Key, str]:
    """The names of all services, the dearest of all days first: a service keeps its colour by its rank.

    Where several sources or providers have a service of that name, they stand before it.
    """
    keys = [each.key for each in service_costs(snapshot.connection, DayRange(date.min, date.max))]
    counts = Counter(service for _, _, service in keys)
    return {key: key[-1] if counts[key[-1]] == 1 else " · ".join(key) for key in keys}


def _chart(wanted: Asked, snapshot: Snapshot, shown: Sequence[tuple[Key, str, int]], sentence: str) -> Chart:
    """The chart of the services that are shown, with their names and colours, and of all others together."""
    granularity = fitting_granularity(wanted.days)
    starts = starts_of(wanted.days, granularity)
    keys = {key for key, _, _ in shown}
    by_key: dict[Key | None, dict[date | None, Decimal]] = {}
    for each in service_costs(snapshot.connection, wanted.days, granularity):
        own = by_key.setdefault(each.key if each.key in keys else None, {})
        own[each.period] = add_exactly((own.get(each.period, Decimal(0)), each.cost))

    def course(key: Key | None) -> list[Decimal | None]:
        return [by_key[key].get(start) for start in starts]

    series = [Series(name, course(key), Role.KEY, color) for key, name, color in shown]
    if None in by_key:
        series.append(Series(REST, course(None), Role.OTHER))
    through = min((each.last for each in source_days(snapshot.connection) if each.last), default=date.min)
    periods = periods_of(wanted.days, granularity, lambda day: day <= through)
    return Chart("infrastructure-chart", sentence, periods, series)


def _sentence(total: Decimal, before: Decimal | None, days: DayRange, reasons: Sequence[str]) -> str:
    return change_sentence(
        "Infrastructure cost",
        total,
        before,
        unit="USD",
        against=f"the {days.days} days before",
        withheld="; ".join(reasons),
    )
