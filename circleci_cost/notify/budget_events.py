"""The notices about budgets: a key and a message from plain values.

Pure: `model.budgets` computes the state of budgets; digests are in `digest_events`.
Amounts are exact; forecasts are estimates, already rounded.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from circleci_cost.notify.messages import Key, Message, Notice
from circleci_cost.text.amounts import WIDE, exact, in_unit, percent

Kind = Literal["actual", "forecast"]


@dataclass(frozen=True)
class BudgetCrossing:
    """A budget that has crossed a share of its amount, or will cross it by its forecast.

    Amounts are in `unit` (`USD` or `credits`); `threshold` and `probability` are shares, 0.8 for 80 %. `period` is
    its label, such as `2026-03`; `is_over` where the period has ended by `data_through`, the last known day.
    """

    budget: str
    owner: str | None
    period: str
    unit: str
    kind: Kind
    threshold: Decimal
    amount: Decimal
    actual: Decimal
    forecast_median: Decimal | None = None
    forecast_p10: Decimal | None = None
    forecast_p90: Decimal | None = None
    probability: Decimal | None = None
    expected_overrun: date | None = None
    data_through: date | None = None
    is_over: bool = False


def budget_threshold(crossing: BudgetCrossing) -> Notice:
    """The notice that a budget crossed a threshold, for its owner. Once per budget, period, kind and threshold."""
    share = percent(crossing.threshold, 1, trimmed=True)
    over = crossing.kind == "actual" and crossing.threshold >= 1
    verb = "has reached" if crossing.kind == "actual" else "is forecast to reach"
    message = Message(
        title=f"Budget {crossing.budget} {verb} {share} of {_amount(crossing, crossing.amount)} ({crossing.period})",
        severity="critical" if over else "warning",
        lines=tuple(_sentences(crossing)),
        facts=tuple(_facts(crossing)),
        data={
            "budget": crossing.budget,
            "owner": crossing.owner,
            "period": crossing.period,
            "unit": crossing.unit,
            "kind": crossing.kind,
            "threshold": exact(crossing.threshold),
            "amount": exact(crossing.amount),
            "actual": exact(crossing.actual),
            "forecast_median": exact(crossing.forecast_median),
            "forecast_p10": exact(crossing.forecast_p10),
            "forecast_p90": exact(crossing.forecast_p90),
            "overrun_probability": exact(crossing.probability),
            "expected_overrun": crossing.expected_overrun.isoformat() if crossing.expected_overrun else None,
        },
    )
    threshold = f"{crossing.kind} {exact(crossing.threshold)}"
    return Notice(Key("budget", crossing.budget, crossing.period, threshold), message, crossing.owner)


def _amount(crossing: BudgetCrossing, amount: Decimal) -> str:
    return in_unit(amount, crossing.unit)


def _sentences(crossing: BudgetCrossing) -> list[str]:
    used = percent(WIDE.divide(crossing.actual, crossing.amount), 1, trimmed=True)
    lines = [f"So far {_amount(crossing, crossing.actual)} of {_amount(crossing, crossing.amount)} are used, {used}."]
    if crossing.forecast_median is not None and not crossing.is_over:
        lines.append(f"The period is expected to end at {_amount(crossing, crossing.forecast_median)}.")
    if crossing.expected_overrun is not None:
        past = crossing.data_through is not None and crossing.expected_overrun <= crossing.data_through
        verb = "was" if past else "is expected to be"
        lines.append(f"The budget {verb} used up on {crossing.expected_overrun}.")
    return lines


def _facts(crossing: BudgetCrossing) -> list[tuple[str, str]]:
    facts = [("Budget", crossing.budget), ("Period", crossing.period)]
    if crossing.owner:
        facts.append(("Owner", crossing.owner))
    if crossing.is_over:
        return facts
    if crossing.forecast_p10 is not None and crossing.forecast_p90 is not None:
        low, high = _amount(crossing, crossing.forecast_p10), _amount(crossing, crossing.forecast_p90)
        facts.append(("Forecast, 10–90 %", f"{low} to {high}"))
    if crossing.probability is not None:
        facts.append(("Probability of an overrun", percent(crossing.probability, 1, trimmed=True)))
    return facts
