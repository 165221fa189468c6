"""The chart of the start page: the largest groups of each period, the days before, the forecast, what happened."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.asking import ranked_groups
from circleci_cost.explorer.charts import Axis, Band, Chart, Kind, Mark, Role, Series
from circleci_cost.explorer.pages.explore import drill
from circleci_cost.explorer.pages.explore.figures import Figures, Values
from circleci_cost.explorer.pages.explore.month_end import MonthEnd
from circleci_cost.explorer.pages.explore.sentence import sentence_of
from circleci_cost.explorer.pages.explore.state import Form, State
from circleci_cost.explorer.palette import slots
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.explorer.time_axis import period_of, periods_of, start_of, starts_of
from circleci_cost.model.reporting.annotations import Mark as Noted
from circleci_cost.model.reporting.report import REST, Amount, Granularity
from circleci_cost.text.amounts import WIDE
from circleci_cost.warehouse.forecast.month_end import Range

Amounts = list[Decimal | None]
_JOINED = " · "


def colors_of(figures: Figures, snapshot: Snapshot) -> dict[Values, int]:
    """The colour of each group of the chart: a value has the same one on all pages."""
    state = figures.state
    names = {row.values: _name(state, row.values) for row in figures.series.rows if not row.rest}
    ranked = [_name(state, values) for values in ranked_groups(snapshot, state.by)] if state.by else []
    given = slots(ranked, names.values())
    return {values: given[name] for values, name in names.items()}


def chart_of(
    figures: Figures,
    month_end: MonthEnd | None,
    colors: Mapping[Values, int],
    marks: Sequence[Noted],
) -> Chart:
    """Draw the figures; the forecast goes on where the days end with the last complete one."""
    state = figures.state
    starts = starts_of(state.days, state.granularity)
    ahead = _ahead(figures, month_end)
    known = periods_of(state.days, state.granularity, figures.complete.__contains__)
    periods = [*known, *(period_of(day) for day, _ in ahead)]
    blank: Amounts = [None] * len(ahead)
    series = [_extended(each, blank) for each in [*_keys(figures, starts, colors), *_before(figures, starts)]]
    bands = []
    if ahead:
        past: Amounts = [None] * len(starts)
        series.append(Series("forecast", [*past, *(day.median for _, day in ahead)], Role.FORECAST))
        low, high = [day.low for _, day in ahead], [day.high for _, day in ahead]
        bands.append(Band("80 % range", [*past, *low], [*past, *high]))
    stacked = _is_stacked(state)
    return Chart(
        id="cost-chart",
        sentence=sentence_of(figures),
        periods=periods,
        series=series,
        axes=(Axis(state.metric.unit, state.metric.decimals),),
        kind=Kind.BARS if stacked else Kind.LINES,
        stacked=stacked,
        bands=bands,
        marks=_marks(state, starts, marks),
    )


def _keys(figures: Figures, starts: Sequence[date], colors: Mapping[Values, int]) -> list[Series]:
    state = figures.state
    unknown = _unknown(figures, starts)
    amounts: dict[tuple[Values, bool], dict[date, Amount]] = {}
    for row in figures.series.rows:
        if row.period is not None:
            amounts.setdefault((row.values, row.rest), {})[row.period] = row.amount
    keys = [values for values, rest in amounts if not rest]
    series = []
    # In the order of the table, whatever the first period holds.
    for values in [row.values for row in figures.groups.rows if row.values in keys]:
        line = _line(state, amounts[values, False], starts, unknown)
        series.append(Series(_name(state, values), line, Role.KEY, colors[values], str(drill.deeper(state, values))))
    for (_, rest), others in amounts.items():
        if rest:
            line = _line(state, others, starts, unknown)
            series.append(Series(REST, line, Role.OTHER, href=drill.others(state, keys)))
    return series


def _name(state: State, values: Values) -> str:
    return _JOINED.join(values) or state.metric.words


def _unknown(figures: Figures, starts: Sequence[date]) -> set[date]:
    """The periods of which there are no data at all: nothing is known of them, which is not zero."""
    granularity = figures.state.granularity
    known = {start_of(day, granularity) for day in figures.complete}
    known |= {row.period for row in figures.series.rows if row.period is not None}
    return set(starts) - known


def _line(
    state: State, amounts: dict[date, Amount], starts: Sequence[date], unknown: AbstractSet[date] = frozenset()
) -> Amounts:
    """A figure for each period; without usage a sum is zero and a ratio unknown."""
    without = Decimal(0) if state.metric.is_sum else None
    line = [
        None if start in unknown else state.metric.of(amounts[start]) if start in amounts else without
        for start in starts
    ]
    return _accumulated(line) if state.form is Form.CUMULATIVE and state.metric.is_sum else line


def _accumulated(line: Amounts) -> Amounts:
    """The sums so far; none where a period's own figure is unknown."""
    total = Decimal(0)
    sums: Amounts = []
    for value in line:
        total = WIDE.add(total, value or Decimal(0))
        sums.append(None if value is None else total)
    return sums


def _before(figures: Figures, starts: Sequence[date]) -> list[Series]:
    """The days before, each at the place of the day that it is compared with."""
    before = figures.before
    if before is None or before.by_day is None:
        return []
    state, compared = figures.state, before.compared
    moved = compared.current.first - compared.before.first
    amounts = {row.period + moved: row.amount for row in before.by_day.rows if row.period is not None}
    reached = DayRange(compared.current.first, compared.current.last)
    line = _line(state, amounts, starts)
    values = [
        value if reached.first <= start <= reached.last else None for value, start in zip(line, starts, strict=True)
    ]
    # Beside a line for each group, it has to say that it is of all of them.
    is_beside_groups = bool(state.by) and not _is_stacked(state)
    return [Series("all, before" if is_beside_groups else "before", values, Role.PREVIOUS)]


def _is_stacked(state: State) -> bool:
    return state.form is Form.BARS and state.metric.is_sum


def _ahead(figures: Figures, month_end: MonthEnd | None) -> list[tuple[date, Range]]:
    state = figures.state
    goes_on = state.granularity is Granularity.DAY and state.days.last == figures.groups.data_through
    if month_end is None or not goes_on or state.form is Form.CUMULATIVE:
        return []
    return [(day, forecast) for day, forecast in month_end.days if day > state.days.last]


def _extended(series: Series, blank: Amounts) -> Series:
    return Series(series.name, [*series.values, *blank], series.role, series.color, series.href)


def _marks(state: State, starts: Sequence[date], marks: Sequence[Noted]) -> list[Mark]:
    places = {start: index for index, start in enumerate(starts)}
    return [
        Mark(places[start_of(each.date, state.granularity)], each.text)
        for each in marks
        if state.days.first <= each.date <= state.days.last
    ]
