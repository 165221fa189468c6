"""The digest of an owner: a key and a message from plain values.

Pure: `digest_occasions` finds out what it says, `digest_sections` words what stands beside costs and budgets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import JsonValue

from circleci_cost.notify.messages import Key, Message, Notice, Table
from circleci_cost.text.amounts import WIDE, change_text, dollars, exact, in_unit

_STATUS_WORDS = {"on_track": "on track", "at_risk": "at risk", "over_budget": "over budget"}


@dataclass(frozen=True)
class DigestRow:
    """A cost in USD in the digest's period, and in the one before it."""

    name: str
    cost: Decimal
    before: Decimal

    @property
    def change(self) -> str:
        """The change against the period before, in words."""
        return change_text(self.before, WIDE.subtract(self.cost, self.before))


@dataclass(frozen=True)
class BudgetState:
    """A budget in a digest. `status` is `on_track`, `at_risk` or `over_budget`; amounts are in `unit`."""

    budget: str
    period: str
    status: str
    unit: str
    amount: Decimal
    actual: Decimal
    forecast: Decimal | None = None


@dataclass(frozen=True)
class DigestSection:
    """What a digest says beside costs and budgets: sentences, rows below the total, exact values for machines."""

    lines: tuple[str, ...]
    data: Mapping[str, JsonValue]
    rows: tuple[DigestRow, ...] = field(default=())


def digest(
    owner: str,
    period: str,
    rows: Sequence[DigestRow],
    total: DigestRow,
    *,
    budgets: Sequence[BudgetState] = (),
    changes: Sequence[str] = (),
    sections: Mapping[str, DigestSection] | None = None,
) -> Notice:
    """An owner's digest of a period, such as `2026-W10`: costs now, before and their change, budgets, what changed.

    Once per owner and period. `total` is handed over, since `rows` may hold only the largest costs. `sections` are in
    `data` under their names.
    """
    further = sections or {}
    below = [row for section in further.values() for row in section.rows]
    message = Message(
        title=f"{owner}: {dollars(total.cost)} in {period}, {total.change}",
        severity="warning" if any(state.status != "on_track" for state in budgets) else "info",
        lines=(
            *changes,
            *(_budget_line(state) for state in budgets),
            *(line for section in further.values() for line in section.lines),
        ),
        table=Table(
            header=("Cost of", "Now", "Before", "Change"),
            rows=tuple(
                (row.name, dollars(row.cost), dollars(row.before), row.change) for row in (*rows, total, *below)
            ),
        ),
        data={
            "owner": owner,
            "period": period,
            "cost_usd": exact(total.cost),
            "cost_usd_before": exact(total.before),
            "rows": [row_json(row) for row in rows],
            "budgets": [
                {
                    "budget": state.budget,
                    "period": state.period,
                    "status": state.status,
                    "unit": state.unit,
                    "amount": exact(state.amount),
                    "actual": exact(state.actual),
                    "forecast": exact(state.forecast),
                }
                for state in budgets
            ],
            "changes": list(changes),
            **{name: dict(section.data) for name, section in further.items()},
        },
    )
    return Notice(Key("digest", owner, period), message, owner)


def row_json(row: DigestRow) -> dict[str, JsonValue]:
    """A row for machines."""
    return {"name": row.name, "cost_usd": exact(row.cost), "cost_usd_before": exact(row.before)}


def _budget_line(state: BudgetState) -> str:
    text = (
        f"Budget {state.budget} ({state.period}) is {_STATUS_WORDS.get(state.status, state.status)}: "
        f"{in_unit(state.actual, state.unit)} of {in_unit(state.amount, state.unit)}"
    )
    return f"{text}, forecast {in_unit(state.forecast, state.unit)}." if state.forecast is not None else f"{text}."
