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
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.model.usage.display_names import dimension_name
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
    """What was asked, what was compared, and what came of it: rows of `drivers.contributors`."""

    asked: Periods
    costs: Costs
    data_through: date | None
    total: Row
    causes: pl.DataFrame
    changes: pl.DataFrame
    others: int

    @classmethod
    def of(cls, asked: Periods, costs: Costs, data_through: date | None, limit: int) -> "Explanation":
        """Take the change apart: as a whole, down the tree, and by what was asked for, seats apart."""
        before, after = seats_apart(costs.before), seats_apart(costs.after)
        jobs = decompose(before, after, list(HIERARCHY))
        groups = decompose(before, after, list(asked.by)) if asked.by else jobs
        changes = contributors(groups)
        total = decompose(costs.before, costs.after, []).to_dicts()[0]
        causes = root_causes(jobs, HIERARCHY, _CAUSES)
        return cls(asked, costs, data_through, total, causes, changes.head(limit), max(0, changes.height - limit))

    def with_rows(self, *, causes: pl.DataFrame, changes: pl.DataFrame) -> "Explanation":
        """The same with other rows, such as those with examples."""
        return replace(self, causes=causes, changes=changes)

    @property
    def levels(self) -> Sequence[str]:
        """What names a row of `changes`."""
        return self.asked.by or _LEVELS

    def told(self, levels: Sequence[str]) -> list[str]:
        """The levels that are worth telling: not the organization where there is one only."""
        one = self.costs.organizations == 1
        return [name for name in levels if not (one and name == "organization" and len(levels) > 1)]

    @property
    def against(self) -> str:
        """What is compared with, in words."""
        against = self.asked.against
        return f"{against.first} to {against.last}" if against else "the same weekdays of the four weeks before"


def write_explanation_json(found: Explanation) -> None:
    """Write the JSON contract, UTF-8 whatever the locale."""
    asked, costs = found.asked, found.costs
    listed = sum(found.changes.get_column("change_usd").to_list(), start=Decimal(0))
    answer = {
        "from": asked.period.first.isoformat(),
        "to": asked.period.last.isoformat(),
        "against": {
            "kind": "days" if asked.against else "weekdays",
            "from": asked.against.first.isoformat() if asked.against else None,
            "to": asked.against.last.isoformat() if asked.against else None,
        },
        "by": list(found.levels),
        "where": {name: list(values) for name, values in asked.where},
        "currency": CURRENCY,
        "data_through": found.data_through.isoformat() if found.data_through else None,
        **_json_row(found.total, ()),
        "causes": [_json_row(row, HIERARCHY) for row in found.causes.to_dicts()],
        "contributors": [_json_row(row, found.levels) for row in found.changes.to_dicts()],
        "other": {"groups": found.others, "change": cost_text(found.total["change_usd"] - listed)},
        "price_changes": [
            {
                "cost_center": each.cost_center,
                "date": each.date.isoformat(),
                "before": cost_text(each.price_before),
                "after": cost_text(each.price_after),
            }
            for each in costs.prices
        ],
        "missing_days": _json_days(costs.missing),
        "unpriced_days": _json_days(costs.unpriced),
    }
    write_json(answer)


def _json_row(row: Row, levels: Sequence[str]) -> dict[str, object]:
    made: dict[str, object] = {name: row[name] for name in levels}
    made |= {name: cost_text(row[f"{name}_usd"]) for name in ("before", "after", "change")}
    if "driver" in row:
        share = row["share"]
        made |= {"share": None if share is None else credits_text(share), "driver": row["driver"]}
        made |= {"effect": cost_text(row["effect_usd"])}
    made["drivers"] = {name: cost_text(row[name]) for name in DRIVERS}
    made["class_change"] = {"from": row["class_from"], "to": row["class_to"]} if row["class_to"] else None
    made["sentence"] = sentence(row)
    if "example_urls" in row:
        made["examples"] = row["example_urls"]
    return made


def _json_days(days: Mapping[str, Sequence[Any]]) -> dict[str, list[dict[str, str]]]:
    return {
        name: [{"from": each.first.isoformat(), "to": each.last.isoformat()} for each in ranges]
        for name, ranges in days.items()
    }


def write_text(found: Explanation) -> None:
    """Write a total, the drivers, the root causes and the largest changes."""
    console = results()
    total = found.total
    console.paragraph(shown(_title(found)), "bold")
    words = "before {}, after {}: " if found.asked.against else "expected {}, was {}: "
    expected = words.format(dollars(total["before_usd"]), dollars(total["after_usd"]))
    console.print(Text.assemble(expected, (change_text(total["before_usd"], total["change_usd"]), "bold")))
    if total["change_usd"] == 0 and not found.changes.height:
        console.print("Nothing has changed.")
        return
    console.print()
    console.print(_drivers(total, console.width))
    for each in found.costs.prices:
        before, after = map(price, (each.price_before, each.price_after))
        console.print(
            Text(shown(f"The price of {each.cost_center} is {after} a credit from {each.date} on, {before} before."))
        )
    _write_causes(console, found)
    if found.changes.height:
        console.print()
        console.print(_changes(found, console.width))
    if found.data_through:
        console.print(Text(f"Data through {found.data_through}.", style="dim"))


def _title(found: Explanation) -> str:
    period = found.asked.period
    where = "".join(f", {dimension_name(name)} {' or '.join(values)}" for name, values in found.asked.where)
    return f"CircleCI cost {period.first} to {period.last} against {found.against}{where}"


def _drivers(total: Row, width: int) -> Table:
    """The effects of the drivers; what is written adds up to the change as it is written."""
    columns = [Column("driver", name=True), Column("effect", right=True), Column("of the change", right=True)]
    rows = []
    for name, amount in effects_of(total):
        words, figures = driver_text(name, total, amount)
        cells = (shown(words + figures), written(amount), _share(amount, total["change_usd"]))
        rows.append([Text(cell) for cell in cells])
    return fitted(columns, rows, width)


def _share(part: Decimal, whole: Decimal) -> str:
    return "–" if whole == 0 else percent(WIDE.divide(part, whole))


def _write_causes(console: PlainConsole, found: Explanation) -> None:
    """Where it happened; within the usual scatter nothing is named."""
    console.print()
    if not found.causes.height:
        console.print(Text("No project, workflow or job stands out of the usual ups and downs.", style="dim"))
        return
    console.print(Text("Root cause" if found.causes.height == 1 else "Root causes", style="bold"))
    for row in found.causes.to_dicts():
        deep = found.told(_LEVELS) if row["project"] is not None else _LEVELS
        place = place_text(row, deep if row["organization"] is not None else HIERARCHY)
        console.paragraph(shown(f"{place}: {sentence(row)}"), indent=2)
        for url in row["example_urls"]:
            # A link stays one line, so that it can be opened or copied.
            console.print(Text(f"    {shown(url)}", style="dim"), soft_wrap=True)


def _changes(found: Explanation, width: int) -> Table:
    """The largest changes with their reasons: side by side on a wide terminal, else below each other."""
    wide = width >= _WIDE
    columns = [Column("change", right=True), Column("where", name=True), *([Column("why", name=True)] if wide else [])]
    levels = found.told(found.levels)
    rows = []
    for row in found.changes.to_dicts():
        change = Text(change_text(row["before_usd"], row["change_usd"]))
        where, why = Text(shown(place_text(row, levels))), Text(shown(reasons_text(row)), style="dim")
        rows.append([change, where, why] if wide else [change, Text("\n").join([where, why])])
    listed = sum(found.changes.get_column("change_usd").to_list(), start=Decimal(0))
    if found.others:
        rest = [Text(signed(found.total["change_usd"] - listed)), Text(f"{found.others:,} more together")]
        rows.append([*rest, Text("")] if wide else rest)
    return fitted(columns, rows, width)
