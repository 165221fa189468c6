"""Writes an explanation to stdout: for people, with amounts to the cent that add up, or as exact JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.streams import results, shown, write_json
from circleci_cost.cli.tables import Column, fitted
from circleci_cost.model.drivers.causes import root_causes
from circleci_cost.model.drivers.decomposition import contributors, decompose
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.seats import seats_apart
from circleci_cost.model.drivers.text import (
    driver_text,
    effects_of,
    place_text,
    reasons_text,
    sentence,
)
from circleci_cost.model.reporting.filters import Filter, FilterOperator, in_words, named
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.text.amounts import (
    WIDE,
    change_text,
    cost_text,
    credits_text,
    dollars,
    percent,
    price,
    signed,
    written,
)
from circleci_cost.warehouse.drivers.compared_costs import Costs, Periods

Row = Mapping[str, Any]

_LEVELS = HIERARCHY[1:]
_CAUSES = 3
# Terminals from this width on show place and reasons side by side.
_WIDE = 120


@dataclass(frozen=True)
class Explanation:
    """The compared periods and costs, and the result: rows of `drivers.contributors`."""

    periods: Periods
    costs: Costs
    data_through: date | None
    total: Row
    causes: pl.DataFrame
    changes: pl.DataFrame
    further_groups: int

    @classmethod
    def of(cls, periods: Periods, costs: Costs, data_through: date | None, limit: int) -> "Explanation":
        """Take the change apart: in total, down the hierarchy, and by the dimensions of `periods`, seats apart."""
        before, after = seats_apart(costs.before), seats_apart(costs.after)
        jobs = decompose(before, after, list(HIERARCHY))
        groups = decompose(before, after, list(periods.by)) if periods.by else jobs
        changes = contributors(groups)
        total = decompose(costs.before, costs.after, []).to_dicts()[0]
        causes = root_causes(jobs, HIERARCHY, _CAUSES)
        return cls(periods, costs, data_through, total, causes, changes.head(limit), max(0, changes.height - limit))

    def with_rows(self, *, causes: pl.DataFrame, changes: pl.DataFrame) -> "Explanation":
        """The same explanation with other rows, such as rows with examples."""
        return replace(self, causes=causes, changes=changes)

    @property
    def levels(self) -> Sequence[str]:
        """The dimensions that name a row of `changes`."""
        return self.periods.by or _LEVELS

    def shown_levels(self, levels: Sequence[str]) -> list[str]:
        """The levels worth showing: not the organization where there is only one."""
        is_single = self.costs.organizations == 1
        return [name for name in levels if not (is_single and name == "organization" and len(levels) > 1)]

    @property
    def against(self) -> str:
        """The period to compare with, in words."""
        against = self.periods.against
        return f"{against.first} to {against.last}" if against else "the same weekdays of the four weeks before"


def write_explanation_json(explanation: Explanation) -> None:
    """Write the JSON contract, UTF-8 whatever the locale."""
    periods, costs = explanation.periods, explanation.costs
    listed = sum(explanation.changes.get_column("change_usd").to_list(), start=Decimal(0))
    answer = {
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
        "missing_days": _json_days(costs.missing),
        "unpriced_days": _json_days(costs.unpriced),
    }
    write_json(answer)


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


def write_text(explanation: Explanation) -> None:
    """Write a total, the drivers, the root causes and the largest changes."""
    console = results()
    total = explanation.total
    console.paragraph(shown(_title(explanation)), "bold")
    words = "before {}, after {}: " if explanation.periods.against else "expected {}, was {}: "
    expected = words.format(dollars(total["before_usd"]), dollars(total["after_usd"]))
    console.print(Text.assemble(expected, (change_text(total["before_usd"], total["change_usd"]), "bold")))
    if total["change_usd"] == 0 and not explanation.changes.height:
        console.print("Nothing has changed.")
        return
    console.print()
    console.print(_drivers(total, console.width))
    for change in explanation.costs.prices:
        before, after = map(price, (change.price_before, change.price_after))
        console.print(
            Text(
                shown(f"The price of {change.cost_center} is {after} a credit from {change.date} on, {before} before.")
            )
        )
    _write_causes(console, explanation)
    if explanation.changes.height:
        console.print()
        console.print(_changes(explanation, console.width))
    if explanation.data_through:
        console.print(Text(f"Data through {explanation.data_through}.", style="dim"))


def _title(explanation: Explanation) -> str:
    period = explanation.periods.period
    where = "".join(f", {words}" for words in in_words(explanation.periods.filters))
    return f"CircleCI cost {period.first} to {period.last} against {explanation.against}{where}"


def _drivers(total: Row, width: int) -> Table:
    """The effects of the drivers; the rounded amounts add up to the rounded change."""
    columns = [Column("driver", name=True), Column("effect", right=True), Column("of the change", right=True)]
    rows = []
    for name, amount in effects_of(total):
        words, figures = driver_text(name, total, amount)
        cells = (shown(words + figures), written(amount), _share(amount, total["change_usd"]))
        rows.append([Text(cell) for cell in cells])
    return fitted(columns, rows, width)


def _share(part: Decimal, whole: Decimal) -> str:
    return "–" if whole == 0 else percent(WIDE.divide(part, whole))


def _write_causes(console: PlainConsole, explanation: Explanation) -> None:
    """Where the change happened; a change within the usual scatter has no cause to name."""
    console.print()
    if not explanation.causes.height:
        console.print(Text("No project, workflow or job stands out of the usual ups and downs.", style="dim"))
        return
    console.print(Text("Root cause" if explanation.causes.height == 1 else "Root causes", style="bold"))
    for row in explanation.causes.to_dicts():
        deep = explanation.shown_levels(_LEVELS) if row["project"] is not None else _LEVELS
        place = place_text(row, deep if row["organization"] is not None else HIERARCHY)
        console.paragraph(shown(f"{place}: {sentence(row)}"), indent=2)
        for url in row["example_urls"]:
            # A link stays one line, so that it can be opened or copied.
            console.print(Text(f"    {shown(url)}", style="dim"), soft_wrap=True)


def _changes(explanation: Explanation, width: int) -> Table:
    """The largest changes with their reasons: beside them on a wide terminal, else below them."""
    wide = width >= _WIDE
    columns = [Column("change", right=True), Column("where", name=True), *([Column("why", name=True)] if wide else [])]
    levels = explanation.shown_levels(explanation.levels)
    rows = []
    for row in explanation.changes.to_dicts():
        change = Text(change_text(row["before_usd"], row["change_usd"]))
        where, why = Text(shown(place_text(row, levels))), Text(shown(reasons_text(row)), style="dim")
        rows.append([change, where, why] if wide else [change, Text("\n").join([where, why])])
    listed = sum(explanation.changes.get_column("change_usd").to_list(), start=Decimal(0))
    if explanation.further_groups:
        remainder = [
            Text(signed(explanation.total["change_usd"] - listed)),
            Text(f"{explanation.further_groups:,} more together"),
        ]
        rows.append([*remainder, Text("")] if wide else remainder)
    return fitted(columns, rows, width)
