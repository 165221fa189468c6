"""An explanation as JSON: exact decimals as strings, days as ISO dates.

The sentences for people are in `model.drivers.text`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.text import sentence
from circleci_cost.model.reporting.filters import Filter, FilterOperator, named
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.warehouse.drivers.explanation import Explanation, Row


def as_json(explanation: Explanation) -> dict[str, object]:
    """The explanation in the form of `explain --json`."""
    periods, costs = explanation.periods, explanation.costs
    listed = sum(explanation.changes.get_column("change_usd").to_list(), start=Decimal(0))
    return {
        "from": periods.period.first.isoformat(),
        "to": periods.period.last.isoformat(),
        "against": {
            "kind": "days" if periods.against else "weekdays",
            "from": periods.against.first.isoformat() if periods.against else None,
            "to": periods.against.last.isoformat() if periods.against else None,
        },
        "by": list(explanation.levels),
        **_json_filters(periods.filters),
        "currency": CURRENCY,
        "data_through": explanation.data_through.isoformat() if explanation.data_through else None,
        **_json_row(explanation.total, ()),
        "causes": [_json_row(row, HIERARCHY) for row in explanation.causes.to_dicts()],
        "contributors": [_json_row(row, explanation.levels) for row in explanation.changes.to_dicts()],
        "other": {"groups": explanation.further_groups, "change": cost_text(explanation.total["change_usd"] - listed)},
        "price_changes": [
            {
                "cost_center": change.cost_center,
                "date": change.date.isoformat(),
                "before": cost_text(change.price_before),
                "after": cost_text(change.price_after),
            }
            for change in costs.prices
        ],
        "most_unusual": next((_json_row(row, HIERARCHY) for row in explanation.likeliest.to_dicts()), None),
        "unusual_days": _json_days(costs.unusual),
        "missing_days": _json_days(costs.missing),
        "unpriced_days": _json_days(costs.unpriced),
    }


def _json_filters(filters: Sequence[Filter]) -> dict[str, dict[str, list[str]]]:
    """The filters by operator, then dimension; other operators than `is` only where they are asked for."""
    keys = {"where": FilterOperator.IS, "where_not": FilterOperator.IS_NOT, "where_contains": FilterOperator.CONTAINS}
    by_key = {key: named(filters, operator) for key, operator in keys.items()}
    return {
        key: {name: list(values) for name, values in chosen.items()}
        for key, chosen in by_key.items()
        if chosen or key == "where"
    }


def _json_row(row: Row, levels: Sequence[str]) -> dict[str, object]:
    answer: dict[str, object] = {name: row[name] for name in levels}
    answer |= {name: cost_text(row[f"{name}_usd"]) for name in ("before", "after", "change")}
    if "driver" in row:
        share = row["share"]
        answer |= {"share": None if share is None else credits_text(share), "driver": row["driver"]}
        answer |= {"effect": cost_text(row["effect_usd"])}
    answer["drivers"] = {name: cost_text(row[name]) for name in DRIVERS}
    answer["class_change"] = {"from": row["class_from"], "to": row["class_to"]} if row["class_to"] else None
    answer["sentence"] = sentence(row)
    if "example_urls" in row:
        answer["examples"] = row["example_urls"]
    return answer


def _json_days(days: Mapping[str, Sequence[Any]]) -> dict[str, list[dict[str, str]]]:
    return {
        name: [{"from": day_range.first.isoformat(), "to": day_range.last.isoformat()} for day_range in ranges]
        for name, ranges in days.items()
    }
