"""What the month and the budgets would come to with another class or price, from a published generation.

What is imagined is read by `model.efficiency.what_if`; forecasts and states are those that were published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from circleci_cost.days import DAYS_A_MONTH
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.efficiency.what_if import ClassMove, Factors, NewPrice, Spending, WhatIf, relative_cost
from circleci_cost.model.usage.conditions import Conditions, among
from circleci_cost.text.lists import some_of
from circleci_cost.text.suggestions import suggestion_or_all
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.efficiency.class_advice import ADVICE, WINDOW_DAYS, read_advice
from circleci_cost.warehouse.forecast.month_end import TOTAL, remaining_days
from circleci_cost.warehouse.forecast.series import budget_series
from circleci_cost.warehouse.publishing.generations import Generation

MONTH = "this month"
_NAMED = 5


@dataclass(frozen=True)
class Outcome:
    """The end of a period as it is forecast and as it would be: median, and the range of 8 in 10 cases.

    The change begins after the last complete day. `amount` is a budget's. `monthly` is what a whole month costs at the
    pace of the last 28 days, before and after, likely and with its bounds.
    """

    name: str
    unit: str
    amount: Decimal | None
    actual: Decimal
    forecast: tuple[Decimal, Decimal, Decimal]
    imagined: tuple[Decimal, Decimal, Decimal]
    monthly: Decimal
    monthly_imagined: tuple[Decimal, Decimal, Decimal]


@dataclass(frozen=True)
class Imagined:
    """The outcomes, the month first, and a sentence about each job that moves."""

    outcomes: tuple[Outcome, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class _Move:
    job: str
    center: str
    scope: Conditions
    factors: Factors
    sentence: str


def imagine(
    connection: duckdb.DuckDBPyConnection, generation: Generation, budgets: Sequence[Budget], asked: Sequence[WhatIf]
) -> Imagined:
    """Answer. In: a generation's connection. Raises `UsageError` for what no usage has or nothing is estimated for."""
    through = generation.manifest.data_through
    if through is None:
        raise CircleciCostError(f"No day is complete yet, so nothing is forecast; {generation.how_to_publish}.")
    moves = [move for each in asked if isinstance(each, ClassMove) for move in _moves(connection, generation, each)]
    for index, move in enumerate(moves):
        if any(move.scope == other.scope for other in moves[:index]):
            raise UsageError(f"--what-if: {move.job} cannot move twice; give it one class.")
    prices = _prices(connection, [each for each in asked if isinstance(each, NewPrice)])
    states = read_budget_status(connection, Periods.CURRENT).to_dicts()
    by_name = {budget.name: budget for budget in budgets}
    known = [(state, by_name[state["budget"]]) for state in states if state["budget"] in by_name]
    whole = Budget(name=MONTH, amount=Decimal(1))
    spending = _spending(connection, [whole, *(budget for _, budget in known)], moves, list(prices), through)
    factors = [move.factors for move in moves]
    outcomes = []
    month = _month(connection, through)
    for state, spent in zip([month, *(state for state, _ in known)], spending, strict=True):
        # Credits do not become fewer by a price.
        changed = prices if state["unit"] == "USD" else {}
        if state["forecast_median"] is not None:
            outcomes.append(_outcome(state, spent.total, relative_cost(spent, changed, factors)))
    return Imagined(tuple(outcomes), tuple(move.sentence for move in moves))


def _moves(connection: duckdb.DuckDBPyConnection, generation: Generation, asked: ClassMove) -> list[_Move]:
    if ADVICE not in generation.manifest.rows:
        raise CircleciCostError(f"No advice on classes is published yet; {generation.how_to_publish}.")
    advice = read_advice(connection)
    rows = advice.filter(pl.col("job") == asked.job)
    if rows.is_empty():
        known = advice["job"].drop_nulls().unique().sort().to_list()
        raise UsageError(f"--what-if: there is no job {asked.job!r}; {suggestion_or_all(asked.job, known)}")
    projects = rows["project"].unique().sort().to_list()
    if asked.project is not None and asked.project not in projects:
        raise UsageError(
            f"--what-if: project {asked.project!r} has no job {asked.job!r}; "
            f"{suggestion_or_all(asked.project, projects)}"
        )
    if asked.project is None and len(projects) > 1:
        raise UsageError(
            f"--what-if: {some_of(projects, _NAMED)} have a job {asked.job!r}; add project=NAME to name one."
        )
    rows = rows.filter(pl.col("project") == (asked.project or projects[0]))
    chosen = rows.filter(pl.col("candidate") == asked.resource_class)
    if chosen.is_empty():
        if asked.resource_class in rows["resource_class"]:
            raise UsageError(
                f"--what-if: {rows['project'][0]} / {asked.job} has the class {asked.resource_class!r} already."
            )
        candidates = rows["candidate"].drop_nulls().unique().sort().to_list()
        raise UsageError(
            f"--what-if: {asked.job} is not compared with {asked.resource_class!r}; "
            f"{suggestion_or_all(asked.resource_class, candidates)}"
        )
    return [_move(row) for row in chosen.iter_rows(named=True)]


def _move(row: dict[str, Any]) -> _Move:
    where = f"{row['project']} / {row['job']}, {row['resource_class']} to {row['candidate']}"
    if row["minutes_likely"] is None:
        raise UsageError(f"--what-if: nothing is estimated for {where}: {row['reason']}.")
    rate = float(row["candidate_credits_per_minute"]) / float(row["credits_per_minute"])
    likely, best, worst = (row[f"minutes_{case}"] for case in ("likely", "best", "worst"))
    minutes = row["minutes_per_run"]
    factors = Factors(*(rate * each / minutes for each in (likely, best, worst)))
    names = ("cost_center", "project_id", "job", "executor", "resource_class")
    scope = among({**{name: [row[name]] for name in names}, "charge_type": ["compute"]})
    sentence = (
        f"{where}: {minutes:.1f} min a run become likely {likely:.1f} ({best:.1f} to {worst:.1f}), and cost "
        f"{100 * factors.likely:.0f} % of today's compute ({100 * factors.low:.0f} to {100 * factors.high:.0f} %)"
    )
    return _Move(row["job"], row["cost_center"], scope, factors, sentence)


def _prices(connection: duckdb.DuckDBPyConnection, asked: Sequence[NewPrice]) -> dict[str, float]:
    """Each cost center's new price relative to that of its last day."""
    query = "SELECT cost_center, arg_max(price_per_credit, date) FROM daily_costs GROUP BY cost_center ORDER BY ALL"
    today = dict(connection.execute(query).fetchall())
    relative = dict.fromkeys(today, 1.0)
    priced = [each.cost_center for each in asked]
    if len(set(priced)) < len(priced):
        raise UsageError("--what-if: there are two prices for the same cost centers; give one.")
    # That of a single cost center counts there, wherever it stands.
    for each in sorted(asked, key=lambda each: each.cost_center is not None):
        if each.cost_center is not None and each.cost_center not in today:
            raise UsageError(
                f"--what-if: there is no cost center {each.cost_center!r}; "
                f"{suggestion_or_all(each.cost_center, list(today))}"
            )
        for name in [each.cost_center] if each.cost_center else today:
            if not today[name]:
                raise UsageError(f"--what-if: credits of {name} have no price to compare with on its last day.")
            relative[name] = float(each.price / today[name])
    return relative


def _spending(
    connection: duckdb.DuckDBPyConnection,
    budgets: Sequence[Budget],
    moves: Sequence[_Move],
    centers: Sequence[str],
    through: date,
) -> list[Spending]:
    """What each budget's scope spent in the last 28 days, in its unit."""
    parts = [among({"cost_center": [name]}) for name in centers] + [move.scope for move in moves]
    scopes = [
        budget.model_copy(update={"name": f"{number} {place}", "where": _both(budget.where, part)})
        for number, budget in enumerate(budgets)
        for place, part in enumerate(parts)
    ]
    since = through - timedelta(days=WINDOW_DAYS - 1)
    sums = budget_series(connection, scopes).filter(pl.col("date").is_between(since, through))
    by_scope = sums.group_by("budget").agg(pl.col("cost_usd").sum(), pl.col("credits").sum())
    totals = {name: {"USD": cost, "credits": credits} for name, cost, credits in by_scope.iter_rows()}

    def amount(number: int, place: int) -> Decimal:
        return Decimal(totals.get(f"{number} {place}", {}).get(budgets[number].unit, 0))

    found = []
    for number in range(len(budgets)):
        by_center = {name: amount(number, place) for place, name in enumerate(centers)}
        jobs = [(move.center, amount(number, len(centers) + place)) for place, move in enumerate(moves)]
        found.append(Spending(sum(by_center.values(), start=Decimal(0)), by_center, jobs))
    return found


def _both(where: Conditions, part: Conditions) -> Conditions:
    (further,) = part.any_of
    return Conditions(tuple((*alternative, *further) for alternative in where.any_of) or (further,))


def _month(connection: duckdb.DuckDBPyConnection, through: date) -> dict[str, Any]:
    """The calendar month of the first day to come, in the form of a budget's state."""
    state: dict[str, Any] = {"budget": MONTH, "unit": "USD", "amount": None, "forecast_median": None}
    to_come = remaining_days(connection, TOTAL, TOTAL, "USD")
    if to_come is None:
        return state
    (actual,) = one_row(connection, sql("efficiency/month_to_date"), {"through": through, "until": to_come.until})
    together = to_come.together
    names = {"median": together.median, "p10": together.low, "p90": together.high}
    return state | {"actual": actual, **{f"forecast_{name}": actual + amount for name, amount in names.items()}}


def _outcome(state: dict[str, Any], spent: Decimal, factors: Factors) -> Outcome:
    actual = state["actual"]
    forecast = tuple(state[f"forecast_{name}"] for name in ("median", "p10", "p90"))
    imagined = tuple(
        actual + (amount - actual) * Decimal(factor) for amount, factor in zip(forecast, factors, strict=True)
    )
    monthly = spent * Decimal(DAYS_A_MONTH / WINDOW_DAYS)
    return Outcome(
        state["budget"],
        state["unit"],
        state["amount"],
        actual,
        (forecast[0], forecast[1], forecast[2]),
        (imagined[0], imagined[1], imagined[2]),
        monthly,
        (monthly * Decimal(factors.likely), monthly * Decimal(factors.low), monthly * Decimal(factors.high)),
    )
