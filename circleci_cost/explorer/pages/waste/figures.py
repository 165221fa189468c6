"""The figures of the page of waste: causes, the largest jobs, and the chart, with where a click on each leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.chart_sentences import change_sentence
from circleci_cost.explorer.charts import Chart, Role, Series
from circleci_cost.explorer.pages.waste.asked import Asked
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.explorer.time_axis import fitting_granularity, periods_of, starts_of
from circleci_cost.model.drivers.baseline import previous
from circleci_cost.model.efficiency.waste import CAUSE, CAUSE_NAMES, CAUSES
from circleci_cost.model.reporting.report import Granularity
from circleci_cost.model.usage.dimensions import NO_VALUE
from circleci_cost.text.amounts import percent
from circleci_cost.text.units import counted, duration
from circleci_cost.warehouse.efficiency.waste_report import WasteReport, WasteRow, waste_report

# A cause keeps its colour on every address.
COLORS = {cause.name: place for place, cause in enumerate(CAUSES)}
_MEANINGS = {cause.name: cause.meaning for cause in CAUSES}
JOB = ("project", "workflow", "job")


@dataclass(frozen=True)
class Line:
    """A line of a table: its words, its exact figures, and where a click on it leads."""

    name: str
    note: str
    row: WasteRow
    href: Address
    slot: int | None = None

    @property
    def run_time(self) -> str:
        """The time of its runs in words."""
        return _run_time(self.row)


@dataclass(frozen=True)
class Figures:
    """What the page shows; `jobs` are the first of `all_jobs` lines, `total` is None where nothing was wasted."""

    total: WasteRow | None
    causes: Sequence[Line]
    jobs: Sequence[Line]
    all_jobs: int
    chart: Chart

    @property
    def run_time(self) -> str:
        """The time of all wasted runs in words."""
        return "–" if self.total is None else _run_time(self.total)


def _run_time(row: WasteRow) -> str:
    """A dash where there is none, as for a fee."""
    return duration(row.run_seconds) if row.runs else "–"


def figures_of(asked: Asked, snapshot: Snapshot, most: int) -> Figures:
    """The figures of the days asked for."""
    causes = _report(asked, snapshot, (CAUSE,))
    jobs = _report(asked, snapshot, JOB)
    return Figures(
        causes.total,
        [_cause(row, asked) for row in causes.rows],
        [_job(row, asked) for row in jobs.rows[:most]],
        len(jobs.rows),
        _chart(asked, snapshot, causes),
    )


def _report(asked: Asked, snapshot: Snapshot, by: Sequence[str]) -> WasteReport:
    return waste_report(snapshot.connection, asked.days, by, asked.filters)


def _cause(row: WasteRow, asked: Asked) -> Line:
    (name,) = row.names
    where = [text for text in asked.address.many("where") if not text.startswith(f"{CAUSE}=")]
    href = asked.address.changed(where=[*where, f"{CAUSE}={name}"])
    return Line(CAUSE_NAMES[name], _MEANINGS[name], row, href, COLORS[name])


def _job(row: WasteRow, asked: Asked) -> Line:
    project, workflow, job = row.names
    where = [f"{name}={value}" for name, value in zip(JOB, row.names, strict=True)]
    place = " / ".join(name for name in (project, workflow) if name != NO_VALUE)
    return Line(job, place, row, asked.address.at("/runs").changed(where=where))


def _chart(asked: Asked, snapshot: Snapshot, causes: WasteReport) -> Chart:
    granularity = fitting_granularity(asked.days)
    report = _report(asked, snapshot, (CAUSE, granularity.value))
    costs: dict[str, dict[str, Decimal | None]] = {}
    for row in report.rows:
        costs.setdefault(row.names[0], {})[row.names[1]] = row.cost
    starts = [_written(start, granularity) for start in starts_of(asked.days, granularity)]
    series = [
        Series(CAUSE_NAMES[name], [costs[name].get(start) for start in starts], Role.KEY, COLORS[name])
        for name in COLORS
        if name in costs
    ]
    through = snapshot.generation.manifest.data_through or date.min
    periods = periods_of(asked.days, granularity, lambda day: day <= through)
    return Chart("waste-chart", _sentence(asked, snapshot, causes.total), periods, series)


def _written(start: date, granularity: Granularity) -> str:
    return f"{start:%Y-%m}" if granularity is Granularity.MONTH else start.isoformat()


def _sentence(asked: Asked, snapshot: Snapshot, total: WasteRow | None) -> str:
    """How waste changed against the days before; their data may not reach back so far."""
    before = previous(asked.days)
    earlier = waste_report(snapshot.connection, before, (), asked.filters).total
    sentence = change_sentence(
        "Waste",
        Decimal(0) if total is None else total.cost,
        earlier.cost if earlier else None,
        unit="USD",
        against=f"the {counted(before.days, 'day')} before",
    )
    if total is None or total.share is None:
        return sentence
    return f"{sentence} That is {percent(total.share, 1)} of the cost."
