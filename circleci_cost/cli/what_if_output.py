"""Writes what the month and the budgets would come to: for people, rounded, or as JSON."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from rich.text import Text

from circleci_cost.cli.streams import results, shown, write_json
from circleci_cost.cli.tables import Column, fitted
from circleci_cost.text.amounts import exact, in_unit
from circleci_cost.warehouse.efficiency.what_if import Imagined, Outcome

# What a narrow terminal leaves out first.
_COLUMNS = (
    Column("", name=True),
    Column("amount", right=True, lesser=2),
    Column("ends at", right=True),
    Column("would end at", right=True),
    Column("range", lesser=3),
    Column("saves a month", right=True),
    Column("between", lesser=1),
)
_MILLIONTH = Decimal("0.000001")


def write_what_if(imagined: Imagined, through: date | None) -> None:
    """Write what happens to each job, and a table."""
    console = results()
    for sentence in imagined.sentences:
        console.paragraph(shown(f"{sentence}."))
    if not imagined.outcomes:
        console.print("Nothing is forecast yet, so nothing can be compared.")
        return
    rows = [[Text(shown(cell)) for cell in _cells(each)] for each in imagined.outcomes]
    console.print(fitted(_COLUMNS, rows, console.width))
    console.paragraph(
        f"From the day after {through} on, usage as in the 28 days before. Budgets may overlap: do not add them up.",
        "dim",
    )


def write_what_if_json(imagined: Imagined, asked: Sequence[str], through: date | None) -> None:
    """Write JSON: estimates rounded to six decimals, actuals exact."""
    write_json(
        {
            "what_if": list(asked),
            "data_through": through.isoformat() if through else None,
            "jobs": list(imagined.sentences),
            "outcomes": [
                {
                    "name": each.name,
                    "unit": each.unit,
                    "amount": exact(each.amount),
                    "actual": exact(each.actual),
                    "forecast": _range(each.forecast),
                    "imagined": _range(each.imagined),
                    "monthly": exact(round(each.monthly, 6)),
                    "monthly_imagined": _range(each.monthly_imagined),
                }
                for each in imagined.outcomes
            ],
        }
    )


def _range(values: tuple[Decimal, Decimal, Decimal]) -> dict[str, str | None]:
    return {
        name: exact(value.quantize(_MILLIONTH)) for name, value in zip(("median", "p10", "p90"), values, strict=True)
    }


def _cells(each: Outcome) -> tuple[str, ...]:
    likely, low, high = (each.monthly - value for value in each.monthly_imagined)
    return (
        each.name,
        "–" if each.amount is None else in_unit(each.amount, each.unit),
        in_unit(each.forecast[0], each.unit),
        in_unit(each.imagined[0], each.unit),
        f"{in_unit(each.imagined[1], each.unit)} to {in_unit(each.imagined[2], each.unit)}",
        in_unit(likely, each.unit),
        "–" if low == high else f"{in_unit(high, each.unit)} and {in_unit(low, each.unit)}",
    )
