"""`explain`: asks the published generation why the cost of a period differs from that of another one."""

from datetime import date

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say
from circleci_cost.clock import utc_today
from circleci_cost.errors import PARTIAL_DATA


@click.command()
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day, YYYY-MM-DD; default: seven days in all.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included; default: the last complete one.")
@click.option(
    "--against",
    default="weekdays",
    show_default=True,
    metavar="WHAT",
    help="What to compare with: weekdays (the same ones of the four weeks before, without holidays), previous (as many "
    "days right before), or FROM:TO. Other lengths are scaled.",
)
@click.option("--by", multiple=True, metavar="DIM", help="Rank groups of a dimension instead of jobs; several: again.")
@click.option(
    "--where",
    multiple=True,
    metavar="DIM=VALUE",
    help="Only this value; DIM!=VALUE, DIM~TEXT: as in `report`.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="N", help="The N largest changes."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
@click.pass_context
def explain(
    context: click.Context,
    call: Invocation,
    *,
    first: date | None,
    last: date | None,
    against: str,
    by: tuple[str, ...],
    where: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """Say why the cost of a period differs from that of another one.

    The change is divided among its drivers, to the last digit: runs, minutes per run, credits per minute (the resource
    class), the price, new and vanished jobs, and the charge types that take no minutes. Then where it happened: the
    root cause, if one stands out, and the largest changes.

    Days without data and days with unpriced credits are left out of both periods; with such days the exit code is 5.
    """
    from circleci_cost.cli.edited import say_edited
    from circleci_cost.cli.explain_output import write_explanation_json, write_text
    from circleci_cost.history.reports import comparison_shortfalls
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.warehouse.drivers.explanation import AskedChange, explained
    from circleci_cost.warehouse.publishing.generations import current_generation

    settings = call.settings()
    lake = open_lake(settings.data_dir)
    generation = current_generation(lake)
    asked = AskedChange(first, last, against, by, where, limit)
    with generation.connect() as connection:
        today = utc_today(call.clock)
        explanation = explained(connection, generation, asked, lake=lake, settings=settings, today=today)
    say_edited(settings, generation)
    (write_explanation_json if as_json else write_text)(explanation)
    if explanation.costs.is_partial:
        for sentence in comparison_shortfalls(explanation.costs, lake, call.clock):
            say(sentence)
        context.exit(PARTIAL_DATA)
