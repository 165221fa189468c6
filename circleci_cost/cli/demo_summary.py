"""The summary at the end of `demo`: what the simulated year cost, and what to look at next."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
from rich.table import Table
from rich.text import Text

from circleci_cost.cli.anomalies import incident_table
from circleci_cost.cli.budgets import budget_table
from circleci_cost.cli.demo_savings import show_savings
from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.report_output import exact_sum
from circleci_cost.cli.streams import results, shown
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.lake.layout import Lake
from circleci_cost.model.budgets.text import tree
from circleci_cost.model.reporting.report import Granularity, Question, Report, period_text
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.text.amounts import dollars, price
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost.warehouse.incidents.incidents import read_incidents
from circleci_cost.warehouse.publishing.generations import Generation, current_generation
from circleci_cost.warehouse.reporting.report import answer, days_with_data, published_tags

_BAR_WIDTH = 30
# From this width on, a command and its remark stand side by side.
_FOR_REMARKS = 116
_PROJECTS = 5
_INCIDENTS = 6
_CLASS_CHANGED_AGO, _FORTNIGHT = 74, timedelta(days=13)


def show_summary(settings: Settings, lake: Lake) -> None:
    """Read what is published and show it on stdout."""
    generation = current_generation(lake)
    console = results()
    with generation.connect() as connection:
        days = days_with_data(connection)
        if days is None:
            return
        months = _ask(connection, generation, settings, days, granularity=Granularity.MONTH)
        console.print(Text(f"{days.first} to {days.last}", style="bold"))
        console.print(Text(exact_sum(months.total), style="bold"))
        console.print()
        tags = [(tag, None) for tag in published_tags(connection, generation)]
        for by, limit in (("cost_center", None), ("project", _PROJECTS), *tags):
            _print_groups(console, _ask(connection, generation, settings, days, by=by, limit=limit), by)
        _print_months(console, months)
        _print_budgets(console, connection)
        _print_incidents(console, connection)
        show_savings(console, connection, generation, days)
    _print_prices(console, settings, days)
    _print_next(console, days.last)


def _ask(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    settings: Settings,
    days: DayRange,
    *,
    by: str | None = None,
    limit: int | None = None,
    granularity: Granularity | None = None,
) -> Report:
    question = Question(days.first, days.last, (by,) if by else (), granularity=granularity, limit=limit)
    return answer(connection, generation, question, [center.name for center in settings.cost_centers], None)


def _print_groups(console: PlainConsole, report: Report, by: str) -> None:
    table = _table(dimension_name(by))
    table.add_column("cost", justify="right")
    table.add_column("")
    for row in report.rows:
        table.add_row(Text(shown(row.values[0])), dollars(row.amount.cost), _bar(row.amount.cost, report.total.cost))
    console.print(table)
    console.print()


def _print_budgets(console: PlainConsole, connection: duckdb.DuckDBPyConnection) -> None:
    rows = list(tree(read_budget_status(connection, Periods.CURRENT)))
    if rows:
        console.print(budget_table(rows, console.width))
        console.print()


def _print_incidents(console: PlainConsole, connection: duckdb.DuckDBPyConnection) -> None:
    rows = read_incidents(connection).head(_INCIDENTS).to_dicts()
    if rows:
        console.print(incident_table(rows, console.width))
        console.print()


def _print_months(console: PlainConsole, report: Report) -> None:
    largest = max((row.amount.cost or Decimal(0) for row in report.rows), default=Decimal(0))
    table = _table("month")
    table.add_column("cost", justify="right")
    table.add_column("")
    for row in report.rows:
        table.add_row(
            period_text(row.period or date.min, Granularity.MONTH),
            dollars(row.amount.cost),
            _bar(row.amount.cost, largest),
        )
    console.print(table)
    console.print()


def _table(name: str) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column(name, min_width=16)
    return table


def _bar(part: Decimal | None, whole: Decimal | None) -> Text:
    length = round(part / whole * _BAR_WIDTH) if part and whole else 0
    return Text("█" * max(length, 1 if part else 0), style="cyan")


def _print_prices(console: PlainConsole, settings: Settings, days: DayRange) -> None:
    for center in settings.cost_centers:
        changes = sorted(period for period in center.price_periods if days.first < period.effective_from <= days.last)
        for period in changes:
            console.paragraph(
                f"The price of {center.name} is {price(period.price_per_credit)} per credit since "
                f"{period.effective_from}; earlier days keep theirs."
            )


def _print_next(console: PlainConsole, last: date) -> None:
    # In the fortnight from this day on, a job of the demo had another resource class than before.
    changed = last - timedelta(days=_CLASS_CHANGED_AGO)
    console.print()
    console.print(Text("Next", style="bold"))
    for command, remark in (
        ("circleci-cost serve", "the cost explorer on http://127.0.0.1:8321"),
        ("export DAGSTER_HOME=$PWD/.dagster_home", "where the runs of this demo are recorded"),
        ("dagster dev -m circleci_cost.definitions", "assets, runs and checks on http://127.0.0.1:3000"),
        ("circleci-cost report --by project --granularity month", "any dimension and period; also --json, --csv"),
        ("circleci-cost report --by job --where team=web", "the jobs of one team, shared cost included"),
        ("circleci-cost allocation explain --tag team", "why a cost is where it is"),
        ("circleci-cost budgets", "the budgets; --fail-over at_risk for CI jobs"),
        ("circleci-cost credits", "how long the prepaid credits last; --fail-over for CI jobs"),
        ("circleci-cost reconcile", "invoices, explained cause by cause"),
        ("circleci-cost anomalies --all", "what changed; --incident ID tells why"),
        (f"circleci-cost explain --from {changed} --to {changed + _FORTNIGHT}", "why a period cost more than before"),
        ("circleci-cost classes", "which resource class each job should have; --changes"),
        ("circleci-cost waste", "what bought nothing: re-runs, failures, bots"),
        ("circleci-cost correlate", "which infrastructure costs move with CI"),
        ("circleci-cost export focus --out focus", "files for other FinOps tools; `help mcp`: for assistants"),
        ("circleci-cost init", "your own organization"),
    ):
        # A command stays one line, so that it can be copied whole.
        beside = console.width >= _FOR_REMARKS
        line = Text(f"  {command:<57}" if beside else f"  {command}\n      ", style="cyan")
        line.append(remark, style="dim")
        console.print(line, soft_wrap=True)
