"""`report`: asks the published generation and shows the answer as a table, JSON or CSV."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.report_output import write_csv, write_report_json, write_table
from circleci_cost.cli.streams import say
from circleci_cost.cli.unusable_files import say_partial
from circleci_cost.clock import utc_yesterday
from circleci_cost.config.trigger_user_names import usable_user_names
from circleci_cost.config.unusable_files import tag_problems
from circleci_cost.database import spill_into
from circleci_cost.errors import PARTIAL_DATA
from circleci_cost.history.reports import answered, report_shortfalls
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.reporting.report import Granularity, Order, not_final_text
from circleci_cost.model.usage.dimensions import TRIGGER_USER
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost.warehouse.reporting.asked import MOST_GROUPS, Asked, asked_question
from circleci_cost.warehouse.reporting.former_centers import former_centers
from circleci_cost.warehouse.reporting.report import days_with_data, published_tags

_OVERVIEW = ("project",)
_OVERVIEW_ROWS = 10


@click.command()
@click.option("--by", multiple=True, metavar="DIM", help="Group by a dimension; several: again, or with commas.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day, YYYY-MM-DD; default: the first there is.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included; default: the last there is.")
@click.option(
    "--where",
    multiple=True,
    metavar="DIM=VALUE",
    help="Only this value; DIM!=VALUE: not this one; DIM~TEXT: only values that contain it. Of one dimension several "
    "are alternatives; of several dimensions all must hold.",
)
@click.option("--granularity", type=click.Choice([each.value for each in Granularity]), help="Split by period.")
@click.option(
    "--sort",
    type=click.Choice([order.value for order in Order]),
    default=Order.COST.value,
    show_default=True,
    help="Order of the rows within a period.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_GROUPS),
    metavar="N",
    help="Only the N largest groups; the others become one, (other), so that the sum stays.",
)
@click.option("--json", "form", flag_value="json", help="Write JSON: exact decimals as strings.")
@click.option("--csv", "form", flag_value="csv", help="Write CSV: exact decimals, names that no spreadsheet runs.")
@invocation
@click.pass_context
def report(
    context: click.Context,
    call: Invocation,
    *,
    by: tuple[str, ...],
    first: date | None,
    last: date | None,
    where: tuple[str, ...],
    granularity: str | None,
    sort: str,
    limit: int | None,
    form: str | None,
) -> None:
    """Show what CI cost: credits and US dollars by any dimension.

    Dimensions: cost_center, organization, project, workflow, job, branch, resource_class, executor,
    operating_system, parallelism, trigger_source, build_status, actor_kind, charge_type, and every virtual tag, such
    as team. Those that only single job runs tell: trigger_user, by the names that [actors] trigger_user_names has, and
    pipeline; they cannot be combined with virtual tags.

    Sums are exact. Credits on days without a price are shown as unpriced, never as $0. The last days are not final:
    CircleCI may still restate them. With unpriced credits, or days that are not imported or should be final by now
    and are not, the exit code is 5.
    """
    settings = call.settings()
    lake = open_lake(settings.data_dir)
    generation = current_generation(lake)
    with ExitStack() as ended_last, generation.connect() as connection:
        tags = published_tags(connection, generation)
        asked = Asked(by, first, last, where, Granularity(granularity) if granularity else None, Order(sort), limit)
        available = days_with_data(connection)
        question = asked_question(asked, settings, tags, available, utc_yesterday(call.clock), of_runs=True)
        if form is None and not question.by and granularity is None:
            question = replace(question, by=_OVERVIEW, limit=limit or _OVERVIEW_ROWS)
        if TRIGGER_USER in question.of_runs:
            # Names of users are never written into the data directory.
            spill = ended_last.enter_context(TemporaryDirectory(prefix="circleci-cost-report-"))
            spill_into(connection, Path(spill))
        costs = answered(connection, generation, question, settings, call.clock)
        named_centers = any(each.dimension == "cost_center" for each in question.filters)
        former = [] if named_centers else list(former_centers(connection, settings))
    for former_center in former:
        say(f"Warning: {former_center}")
    {"json": write_report_json, "csv": write_csv, None: write_table}[form](costs)
    say_edited(settings, generation)
    if form is None and costs.total.cost == 0 and costs.total.credits and not costs.total.unpriced_credits:
        say("The cost is $0 because the price of these days is 0; no credits lack a price.")
    if form == "csv" and (sentence := not_final_text(costs)):
        say(sentence)
    if question.tags:
        say_partial(tag_problems(settings))
    if TRIGGER_USER in question.of_runs:
        say_partial(usable_user_names(settings).problems)
    if shortfalls := report_shortfalls(costs, lake, call.clock):
        for sentence in shortfalls:
            say(sentence)
        context.exit(PARTIAL_DATA)
