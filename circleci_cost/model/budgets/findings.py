"""What is odd about budgets and hinders nobody: said as warnings, never as errors.

Mistakes that make a budget meaningless are refused where the configuration is read.
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
    """Budgets that ask for values which no usage has, or whose scope fits no usage at all.

    In: the names of the budgets without any usage, and of each dimension or tag that is asked for all its values.
    """
    without_usage = set(unused)
    found = []
    for budget in budgets:
        unknown = list(_unknown_values(budget, known))
        found += unknown
        if budget.name in without_usage and not unknown:
            found.append(
                Finding(
                    budget.name,
                    "no_usage",
                    f"the budget {budget.name!r} fits no usage: nothing has {budget.where}; correct its where, or "
                    "leave it until there is such usage",
                )
            )
    return found


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
