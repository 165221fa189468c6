"""Writes a report to stdout: as a table for people, as exact JSON, as exact CSV that is safe in spreadsheets."""

from rich.table import Table
from rich.text import Text

from circleci_cost.cli.streams import results, shown, write_exactly, write_json
from circleci_cost.cli.tables import Column, fitted
from circleci_cost.model.reporting.filters import in_words
from circleci_cost.model.reporting.report import (
    Amount,
    Report,
    as_json,
    not_final_text,
    period_text,
)
from circleci_cost.model.reporting.report_csv import csv_lines
from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.model.usage.display_names import charge_type_with_key, dimension_name
from circleci_cost.text.amounts import WIDE, dollars, exact_dollars, exact_number, percent, whole_number
from circleci_cost.text.units import counted


def write_report_json(report: Report) -> None:
    """Write the JSON contract."""
    write_json(as_json(report))


def write_csv(report: Report) -> None:
    """Write a header and the rows."""
    write_exactly("".join(csv_lines(report)))


def write_table(report: Report) -> None:
    """Draw a table: costs to the cent, shares of the total, and below it the exact sum."""
    console = results()
    console.paragraph(_title(report), "bold")
    if report.rows:
        console.print(_table(report, console.width))
    else:
        console.print("No usage on these days.")
    console.print(Text(exact_sum(report.total), style="bold"))
    if report.data_through:
        console.print(Text(f"Data through {report.data_through}.", style="dim"))
    if sentence := not_final_text(report):
        console.paragraph(shown(sentence), "dim")


def exact_sum(amount: Amount) -> str:
    """The amount in one line, to the last digit."""
    parts = [
        "" if amount.jobs is None else counted(amount.jobs, "job"),
        "" if amount.runs is None else counted(amount.runs, "run"),
        f"{exact_number(amount.credits)} credits",
        exact_dollars(amount.cost),
    ]
    if amount.unpriced_credits and amount.cost is not None:
        parts.append(f"{exact_number(amount.unpriced_credits)} credits unpriced")
    return " · ".join(part for part in parts if part)


def _title(report: Report) -> str:
    question = report.question
    by = f" by {', '.join(dimension_name(name) for name in question.by)}" if question.by else ""
    per = f" per {question.granularity}" if question.granularity else ""
    where = "".join(f", {words}" for words in in_words(question.filters))
    return shown(f"CircleCI cost{by}{per}, {question.first} to {question.last}{where}")


def _table(report: Report, width: int) -> Table:
    question = report.question
    with_runs = not question.splits_charge_types
    some_unpriced = report.total.unpriced_credits != 0
    columns = [
        *([Column(str(question.granularity))] if question.granularity else []),
        *(Column(dimension_name(name), name=True) for name in question.by),
        *([Column("runs", right=True, lesser=1)] if with_runs else []),
        Column("credits", right=True, lesser=3),
        *([Column("unpriced credits", right=True)] if some_unpriced else []),
        Column("cost", right=True),
        Column("share", right=True, lesser=2),
    ]
    rows = []
    for row in report.rows:
        cells = [period_text(row.period, question.granularity)] if row.period else []
        cells += [_value(name, value) for name, value in zip(question.by, row.values, strict=True)]
        cells += [f"{row.amount.runs:,}"] if with_runs else []
        cells.append(whole_number(row.amount.credits))
        cells += [exact_number(row.amount.unpriced_credits)] if some_unpriced else []
        cells += [dollars(row.amount.cost), _share(row.amount, report.total)]
        rows.append([Text(cell) for cell in cells])
    return fitted(columns, rows, width)


def _share(part: Amount, total: Amount) -> str:
    """The share of the dollars; a dash where a cost is unknown or the total is 0."""
    if total.cost is None or part.cost is None or total.cost == 0:
        return "–"
    return percent(WIDE.divide(part.cost, total.cost), 1)


def _value(name: str, value: str) -> str:
    return charge_type_with_key(value) if name == CHARGE_TYPE else shown(value)
