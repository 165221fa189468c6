"""Writes an explanation to stdout: for people, with amounts to the cent that add up, or as exact JSON."""

from decimal import Decimal

from rich.table import Table
from rich.text import Text

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.streams import results, shown, write_json
from circleci_cost.cli.tables import Column, fitted
from circleci_cost.model.drivers.text import (
    driver_text,
    effects_of,
    place_text,
    reasons_text,
    sentence,
)
from circleci_cost.model.reporting.filters import in_words
from circleci_cost.text.amounts import (
    WIDE,
    change_text,
    dollars,
    percent,
    price,
    signed,
    written,
)
from circleci_cost.warehouse.drivers.explanation import Explanation, Row
from circleci_cost.warehouse.drivers.explanation_json import as_json

# Terminals from this width on show place and reasons side by side.
_WIDE = 120


def write_explanation_json(explanation: Explanation) -> None:
    """Write the JSON contract, UTF-8 whatever the locale."""
    write_json(as_json(explanation))


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
    for words in explanation.left_out:
        console.paragraph(shown(words), "dim")
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
        console.paragraph(shown(explanation.without_cause), "dim")
        return
    console.print(Text("Root cause" if explanation.causes.height == 1 else "Root causes", style="bold"))
    for row in explanation.causes.to_dicts():
        console.paragraph(shown(f"{explanation.place(row)}: {sentence(row)}"), indent=2)
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
