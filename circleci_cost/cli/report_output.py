"""Writes a report to stdout: as a table for people, as exact JSON, as exact CSV that is safe in spreadsheets."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from rich import box
from rich.table import Table
from rich.text import Text

from circleci_cost.cli.csv_text import csv_line
from circleci_cost.cli.streams import results, shown, write_exactly, write_json
from circleci_cost.model.report import Amount, Report, as_json, as_table, cost_text, credits_text, not_final_text

_CENT = Decimal("0.01")
# To the cent is as fine as dollars are read; the context only has to be wide enough for the largest sum.
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
_UNPRICED = "unpriced"


def write_report_json(report: Report) -> None:
    """Write the JSON contract."""
    write_json(as_json(report))


def write_csv(report: Report) -> None:
    """Write a header and the rows."""
    header, rows = as_table(report)
    lines = [csv_line(header)]
    lines += [csv_line(row, text_cells=range(len(header) - 3)) for row in rows]
    write_exactly("".join(lines))


def write_table(report: Report) -> None:
    """Draw a table: costs to the cent, shares of the total, and below it the exact sum."""
    console = results()
    console.print(Text(_title(report), style="bold"))
    if report.rows:
        console.print(_table(report))
    else:
        console.print("No usage on these days.")
    console.print(Text(exact_sum(report.total), style="bold"))
    if report.data_through:
        console.print(Text(f"Data through {report.data_through}.", style="dim"))
    if sentence := not_final_text(report):
        console.print(Text(shown(sentence), style="dim"))


def exact_sum(amount: Amount) -> str:
    """The amount in one line, to the last digit."""
    cost = cost_text(amount.cost)
    parts = [
        "" if amount.jobs is None else f"{amount.jobs:,} jobs",
        "" if amount.runs is None else f"{amount.runs:,} runs",
        f"{grouped(credits_text(amount.credits))} credits",
        _UNPRICED if cost is None else f"${grouped(cost)}",
    ]
    if amount.unpriced_credits and cost is not None:
        parts.append(f"{grouped(credits_text(amount.unpriced_credits))} credits unpriced")
    return " · ".join(part for part in parts if part)


def dollars(cost: Decimal | None) -> str:
    """A cost to the cent."""
    return _UNPRICED if cost is None else f"${_WIDE.quantize(cost, _CENT):,}"


def _title(report: Report) -> str:
    question = report.question
    by = f" by {', '.join(_words(name) for name in question.by)}" if question.by else ""
    per = f" per {question.granularity}" if question.granularity else ""
    where = "".join(f", {_words(name)} {' or '.join(values)}" for name, values in question.where)
    return shown(f"CircleCI cost{by}{per}, {question.first} to {question.last}{where}")


def _table(report: Report) -> Table:
    question = report.question
    counted = not question.splits_charge_types
    some_unpriced = report.total.unpriced_credits != 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    if question.granularity:
        table.add_column(str(question.granularity), no_wrap=True)
    for name in question.by:
        table.add_column(_words(name), overflow="fold")
    if counted:
        table.add_column("runs", justify="right", no_wrap=True)
    table.add_column("credits", justify="right", no_wrap=True)
    if some_unpriced:
        table.add_column("unpriced credits", justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    for row in report.rows:
        cells = [str(row.period)] if row.period else []
        cells += [shown(value) for value in row.values]
        cells += [f"{row.amount.runs:,}"] if counted else []
        cells.append(credits_shown(row.amount.credits))
        cells += [grouped(credits_text(row.amount.unpriced_credits))] if some_unpriced else []
        cells += [dollars(row.amount.cost), _share(row.amount, report.total)]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def credits_shown(credits: Decimal) -> str:
    """Credits for people: whole ones, as the parts of split costs have long tails. Exact sums stand below tables."""
    return f"{_WIDE.quantize(credits, Decimal(1)):,}"


def _share(part: Amount, whole: Amount) -> str:
    """The part of the dollars, or of the credits where no price says what they cost."""
    if whole.cost is None or part.cost is None or whole.cost == 0:
        return "–"
    share = part.cost / whole.cost * 100
    return f"{share:.1f} %"


def grouped(number: str) -> str:
    """An exact number with commas between thousands."""
    whole, point, decimals = number.partition(".")
    return f"{int(whole):,}{point}{decimals}" if whole not in {"-0", ""} else number


def _words(name: str) -> str:
    return name.replace("_", " ")
