"""`explain`: asks the published generation why the cost of a period differs from that of another one."""

from datetime import date

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say
from circleci_cost.clock import utc_today
from circleci_cost.errors import PARTIAL_DATA, UsageError


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
@click.option(
    "--what-if",
    "imagined",
    multiple=True,
    metavar="CHANGE",
    help='Instead: what the month and the budgets would come to; "job=NAME class=NAME" or "price=USD"; several: again.',
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
    imagined: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say why the cost of a period differs from that of another one.

    The change is divided among its drivers, to the last digit: runs, minutes per run, credits per minute (the resource
    class), the price, new and vanished jobs, and the charge types that take no minutes. Then where it happened: the
    root cause, if one stands out, and the largest changes.

    Days without data and days with unpriced credits are left out of both periods; with such days the exit code is 5.

    With --what-if nothing is compared with the past: the published forecasts of the month and the budgets stand beside
    what they would be if a job had another resource class ("job=reindex class=large", project=NAME where several have
    it) or a credit another price ("price=0.0005", cost_center=NAME for one).
    """
    from circleci_cost.cli.edited import say_edited
    from circleci_cost.cli.explain_output import write_explanation_json, write_text
    from circleci_cost.history.reports import comparison_shortfalls
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.warehouse.drivers.explanation import AskedChange, explained
    from circleci_cost.warehouse.publishing.generations import current_generation

    if imagined:
        if first or last or by or where:
            raise UsageError("--what-if looks ahead; leave out --from, --to, --by and --where.")
        _show_what_if(call, imagined, as_json=as_json)
        return
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


def _show_what_if(call: Invocation, imagined: tuple[str, ...], *, as_json: bool) -> None:
    from circleci_cost.cli.edited import say_edited
    from circleci_cost.cli.unusable_files import say_partial
    from circleci_cost.cli.what_if_output import write_what_if, write_what_if_json
    from circleci_cost.config.budget_definitions import usable_budgets
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.model.efficiency.what_if import parse_what_if
    from circleci_cost.warehouse.efficiency.what_if import imagine
    from circleci_cost.warehouse.publishing.generations import current_generation

    asked = [parse_what_if(text) for text in imagined]
    settings = call.settings()
    usable = usable_budgets(settings)
    generation = current_generation(open_lake(settings.data_dir))
    with generation.connect() as connection:
        answer = imagine(connection, generation, usable.budgets, asked)
    say_edited(settings, generation)
    through = generation.manifest.data_through
    if as_json:
        write_what_if_json(answer, imagined, through)
    else:
        write_what_if(answer, through)
    say_partial(usable.problems)
