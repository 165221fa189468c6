"""The scope of a budget as filters of a report, such as `project=web-app`, where filters can say the same.

What the filters mean is `model.reporting`' matter.
"""

from collections import Counter

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.usage.conditions import Condition, Operator
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, IDS

_SEATS = "user"


def as_filters(budget: Budget) -> list[str] | None:
    """The filters that choose the same costs; None where there are none.

    Filters have no alternatives over several dimensions, no patterns, no ids, and take two conditions on the same
    dimension as alternatives.
    """
    if len(budget.where.any_of) > 1:
        return None
    conditions = list(budget.where)
    wanted = Counter(condition.dimension for condition in conditions if not condition.negated)
    if max(wanted.values(), default=0) > 1 or not all(map(_can_be_filter, conditions)):
        return None
    filters = [
        f"{condition.dimension}{'!=' if condition.negated else '='}{value}"
        for condition in conditions
        for value in condition.values
    ]
    return filters if budget.seats else [*filters, f"{CHARGE_TYPE}!={_SEATS}"]


def _can_be_filter(condition: Condition) -> bool:
    return condition.operator is Operator.IN and condition.dimension not in IDS
