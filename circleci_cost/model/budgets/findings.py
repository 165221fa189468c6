"""Findings about budgets that stop nothing: warnings, never errors.

Mistakes that make a budget meaningless are refused by the reader of the configuration.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.usage.conditions import Operator
from circleci_cost.text.suggestions import with_suggestion

Kind = Literal["unknown_value", "no_usage", "no_amount", "children_exceed_parent", "no_forecast"]


@dataclass(frozen=True)
class Finding:
    """One warning about one budget: its kind, and a sentence that says what to do."""

    budget: str
    kind: Kind
    message: str


def scope_findings(
    budgets: Sequence[Budget], unused: Iterable[str], known: Mapping[str, Sequence[str]]
) -> list[Finding]:
    """Find budgets that ask for values which no usage has, or whose scope matches no usage at all.

    In: `unused`, the names of the budgets without any usage; `known`, all values of each dimension or tag asked for.
    """
    without_usage = set(unused)
    findings = []
    for budget in budgets:
        unknown = list(_unknown_values(budget, known))
        findings += unknown
        if budget.name in without_usage and not unknown:
            findings.append(
                Finding(
                    budget.name,
                    "no_usage",
                    f"the budget {budget.name!r} fits no usage: nothing has {budget.where}; correct its where, or "
                    "leave it until there is such usage",
                )
            )
    return findings


def forecast_findings(budgets: Iterable[str]) -> list[Finding]:
    """Budgets whose running period has no forecast, by name: costs or budgets changed after the last forecast."""
    return [
        Finding(
            name,
            "no_forecast",
            f"the budget {name!r} has no forecast of the present data; materialize cost_forecast, then budget_status",
        )
        for name in budgets
    ]


def _unknown_values(budget: Budget, known: Mapping[str, Sequence[str]]) -> Iterable[Finding]:
    for condition in budget.where:
        if condition.operator is not Operator.IN or condition.dimension not in known:
            continue
        values = known[condition.dimension]
        for value in condition.values:
            if value not in values:
                yield Finding(
                    budget.name,
                    "unknown_value",
                    with_suggestion(
                        f"the budget {budget.name!r} asks for {condition.dimension} {value!r}, which no usage has",
                        value,
                        values,
                    ),
                )
