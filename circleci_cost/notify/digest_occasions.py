"""Which digests are due after a publication, and what they say; `digest_events` and `digest_sections` word it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import polars as pl

from circleci_cost.config.notifications import OWNED_SHARE, Cadence, NotificationOwner
from circleci_cost.day_ranges import DayRange
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.periods import Period, period_of
from circleci_cost.model.usage.condition_definition import EVERYTHING
from circleci_cost.model.usage.dimensions import NO_VALUE
from circleci_cost.notify.credit_occasions import credit_sentences
from circleci_cost.notify.digest_events import BudgetState, DigestRow, DigestSection, digest
from circleci_cost.notify.digest_sections import class_section, waste_section
from circleci_cost.notify.messages import Notice
from circleci_cost.text.amounts import WIDE, change_text, whole_number
from circleci_cost.text.lists import some_of
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost.warehouse.efficiency.class_advice import WINDOW_DAYS, published_advice
from circleci_cost.warehouse.efficiency.class_changes import published_changes
from circleci_cost.warehouse.efficiency.scope_waste import scope_waste
from circleci_cost.warehouse.efficiency.waste import WASTE
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.summaries import ProjectCost, make_scope_jobs, scope_costs

_ROWS = 10
_ZERO = Decimal(0)
# Advice is about so many days; a change that was kept is news as long.
_WINDOW = timedelta(days=WINDOW_DAYS - 1)


def digest_notices(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    owners: Sequence[NotificationOwner],
    budgets: Sequence[Budget],
) -> Iterator[Notice]:
    """The digests of the last whole day, week or month. In: a generation that has budgets.

    What a generation of an earlier version lacks is left out of them.
    """
    # A digest covers whole days, so it waits until every cost center has data; a budget need not wait.
    through = generation.manifest.data_through
    if through is None:
        return
    for owner in owners:
        if owner.digest is not None:
            yield _Digest(connection, generation, owner, owner.digest, through).notice(budgets)


@dataclass(frozen=True)
class _Digest:
    """What the digest of an owner is made from; `through` is the last day with complete data."""

    connection: duckdb.DuckDBPyConnection
    generation: Generation
    owner: NotificationOwner
    cadence: Cadence
    through: date

    def notice(self, budgets: Sequence[Budget]) -> Notice:
        label, now, before = digest_period(self.cadence, self.through)
        projects = scope_costs(self.connection, self.owner.where, now, before)
        total = DigestRow(
            "total",
            sum((project.cost for project in projects), start=_ZERO),
            sum((project.before for project in projects), start=_ZERO),
        )
        return digest(
            self.owner.name,
            label,
            [DigestRow(project.project, project.cost, project.before) for project in projects[:_ROWS]],
            total,
            budgets=self._budgets(budgets),
            changes=[f"{now} compared with {before}.", *_unpriced(projects), *_changes(projects), *self._credits()],
            sections=self._sections(now, before),
        )

    def _budgets(self, budgets: Sequence[Budget]) -> list[BudgetState]:
        names = {budget.name for budget in budgets if budget.owner == self.owner.name}
        return [
            BudgetState(
                row["budget"],
                row["period"],
                row["status"],
                row["unit"],
                row["amount"],
                row["actual"],
                row["forecast_median"],
            )
            for row in read_budget_status(self.connection, Periods.CURRENT).iter_rows(named=True)
            if row["budget"] in names
        ]

    def _credits(self) -> list[str]:
        """How long credits last. They are those of a whole cost center: an owner of a part has no use for them."""
        if "credits" not in self.owner.digest_parts or self.owner.where != EVERYTHING:
            return []
        return credit_sentences(self.connection, self.generation)

    def _sections(self, now: DayRange, before: DayRange) -> dict[str, DigestSection]:
        has_waste = "waste" in self.owner.digest_parts and WASTE in self.generation.manifest.rows
        has_classes = "classes" in self.owner.digest_parts
        if not (has_waste or has_classes):
            return {}
        days = DayRange(min(before.first, self.through - _WINDOW), self.through)
        make_scope_jobs(self.connection, self.owner.where, days, OWNED_SHARE)
        sections = {
            "waste": waste_section(scope_waste(self.connection, now, before)) if has_waste else None,
            "classes": class_section(
                self._of_scope(published_advice(self.connection, self.generation)),
                self._of_scope(published_changes(self.connection, self.generation)),
                min(now.first, now.last - _WINDOW),
            )
            if has_classes
            else None,
        }
        return {name: section for name, section in sections.items() if section is not None}

    def _of_scope(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of the jobs in `scope_jobs`; they are of a job in all its workflows."""
        jobs = self.connection.sql("SELECT DISTINCT cost_center, project_id, job FROM scope_jobs WHERE in_all").pl()
        shown = pl.col("job").fill_null(NO_VALUE)
        return rows.join(
            jobs,
            left_on=["cost_center", "project_id", shown],
            right_on=["cost_center", "project_id", "job"],
            how="semi",
            maintain_order="left",
        )


def digest_period(cadence: Cadence, through: date) -> tuple[str, DayRange, DayRange]:
    """The last period that is complete on `through`, with its label, and the one before it."""
    if cadence == "daily":
        before = through - timedelta(days=1)
        return f"{through}", DayRange(through, through), DayRange(before, before)
    kind: Period = "week" if cadence == "weekly" else "month"
    # The period of the day after is never complete; the one before it always is.
    running = period_of(kind, through + timedelta(days=1))
    last = period_of(kind, running.first - timedelta(days=1))
    earlier = period_of(kind, last.first - timedelta(days=1))
    return last.label, DayRange(last.first, last.last), DayRange(earlier.first, earlier.last)


def _unpriced(projects: list[ProjectCost]) -> list[str]:
    """A sentence about usage without a price, whose cost is unknown and not $0."""
    unpriced = [project for project in projects if project.unpriced_credits]
    if not unpriced:
        return []
    credits = sum((project.unpriced_credits for project in unpriced), start=_ZERO)
    names = some_of([project.project for project in unpriced], _ROWS)
    return [f"{whole_number(credits)} credits have no price and are in no cost here: {names}."]


def _changes(projects: list[ProjectCost]) -> list[str]:
    """Sentences about what stands out: the largest change, new projects, projects without cost now."""
    sentences = []
    largest = projects[0] if projects else None
    if largest is not None and largest.cost != largest.before and largest.before:
        change = change_text(largest.before, WIDE.subtract(largest.cost, largest.before))
        sentences.append(f"The largest change is {largest.project}: {change}.")
    for what, names in (
        ("New", [project.project for project in projects if project.cost and not project.before]),
        ("Without cost now", [project.project for project in projects if project.before and not project.cost]),
    ):
        if names:
            sentences.append(f"{what}: {some_of(names, _ROWS)}.")
    return sentences
