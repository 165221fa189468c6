"""One budget in one period: where it stands, how it got there, what belongs to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.charts import Chart
from circleci_cost.explorer.pages.budgets.budget_chart import budget_chart
from circleci_cost.explorer.pages.budgets.days import Day, days_of
from circleci_cost.explorer.pages.budgets.lines import PATH, Line, href, line
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.scope import as_filters
from circleci_cost.model.budgets.text import Row, tree
from circleci_cost.text.amounts import in_unit
from circleci_cost.text.plain import quoted
from circleci_cost.text.sentences import sentence_case
from circleci_cost.warehouse.budgets.budget_course import budget_course
from circleci_cost.warehouse.budgets.budget_status import Periods
from circleci_cost.warehouse.budgets.published_budgets import not_published, published_states, refuse_unknown


@dataclass(frozen=True)
class AskedPeriod:
    """A budget in one of its periods. `states` are those of all budgets; `budget` is None for a former one."""

    row: Row
    states: pl.DataFrame
    budget: Budget | None

    def course(self, snapshot: Snapshot) -> pl.DataFrame:
        """Its days; none for a budget whose definition is gone."""
        if self.budget is None:
            raise UsageError(
                f"The budget {self.row['budget']!r} is no longer in {snapshot.settings.described_source}, so that its "
                "days cannot be added up."
            )
        return budget_course(snapshot.connection, self.budget, self._of(self.row["period_start"]))

    def _of(self, period_start: date) -> pl.DataFrame:
        return self.states.filter(budget=self.row["budget"], period_start=period_start)


@dataclass(frozen=True)
class OneBudget:
    """What the page shows. `explore` leads to the costs of the scope, None where no filters can say it."""

    line: Line
    run_rate: str
    parent: str | None
    parent_name: str | None
    scope: str
    explore: str | None
    chart: Chart | None
    days: Sequence[Day]
    children: Sequence[Line]
    periods: Sequence[Line]
    notes: Sequence[str]
    back: str
    csv: str


def asked_period(address: Address, snapshot: Snapshot) -> AskedPeriod:
    """The period of the budget that an address asks for, the newest by default. Raises `UsageError`."""
    name = address.one("budget") or ""
    definitions = {budget.name: budget for budget in usable_budgets(snapshot.settings).budgets}
    states = published_states(snapshot.connection, snapshot.generation, Periods.ALL)
    refuse_unknown([name], [*definitions, *states.get_column("budget").unique().sort()])
    own = states.filter(budget=name).sort("period_start", descending=True).to_dicts()
    if not own:
        raise UsageError(not_published([name], snapshot.generation))
    given = address.one("period_start")
    starts = [row["period_start"].isoformat() for row in own]
    if given is not None and given not in starts:
        raise UsageError(
            f"The budget {name!r} has no period that begins on {quoted(given)}; the newest begins on {starts[0]}."
        )
    return AskedPeriod(own[starts.index(given) if given else 0], states, definitions.get(name))


def one_budget(address: Address, snapshot: Snapshot) -> OneBudget:
    """The budget and period that an address asks for. Raises `UsageError`."""
    asked = asked_period(address, snapshot)
    row, budget = asked.row, asked.budget
    course = asked.course(snapshot) if budget else None
    own = asked.states.filter(budget=row["budget"]).sort("period_start", descending=True)
    below = asked.states.filter(parent=row["budget"], period_start=row["period_start"])
    return OneBudget(
        line=line(row),
        run_rate="–" if row["run_rate"] is None else in_unit(row["run_rate"], row["unit"]),
        parent=href(row["parent"], row["period_start"]) if row["parent"] else None,
        parent_name=row["parent"],
        scope=_scope(budget),
        explore=_explore(row, budget),
        chart=None if course is None else budget_chart(row, course),
        days=() if course is None else days_of(row, course),
        children=[line(child) for _, child in tree(below)],
        periods=[line(former) for former in own.to_dicts()],
        notes=list(_notes(asked, course, snapshot)),
        back=str(address.only("period")),
        csv=str(Address(f"{PATH}.csv").changed(budget=row["budget"], period_start=row["period_start"].isoformat())),
    )


def _scope(budget: Budget | None) -> str:
    if budget is None:
        return ""
    return str(budget.where) if budget.seats else f"{budget.where}, without seats"


def _explore(row: Row, budget: Budget | None) -> str | None:
    filters = as_filters(budget) if budget else None
    last = min(row["period_end"], row["data_through"])
    if filters is None or last < row["period_start"]:
        return None
    address = Address("/").changed(from_=row["period_start"].isoformat(), to=last.isoformat(), where=filters)
    return str(address if row["unit"] == "USD" else address.changed(metric="credits"))


def _notes(asked: AskedPeriod, course: pl.DataFrame | None, snapshot: Snapshot) -> Iterator[str]:
    row = asked.row
    if row["note"]:
        yield f"{sentence_case(row['note'])}."
    if course is None:
        yield (
            f"This budget is no longer in {snapshot.settings.described_source}: its states are kept until the next "
            "publication, its days cannot be added up any more."
        )
        return
    known = course.get_column("cumulated").drop_nulls()
    if known.len() and known[-1] != row["actual"]:
        yield (
            "The scope of this budget was edited after its state was published: the days below follow the new scope; "
            "run `circleci-cost allocation apply`, which fetches nothing, to judge it anew."
        )
