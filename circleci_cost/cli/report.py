"""`report`: asks the published generation and shows the answer as a table, JSON or CSV."""

from dataclasses import replace
from datetime import date

import click

from circleci_cost.circleci.windows import plan_windows
from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.former_centers import former_centers
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.report_output import write_csv, write_report_json, write_table
from circleci_cost.cli.streams import say
from circleci_cost.cli.unusable_files import say_partial, tag_problems
from circleci_cost.clock import Clock, utc_today, utc_yesterday
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.errors import PARTIAL_DATA
from circleci_cost.history.coverage import is_due, missing_sentences
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.reporting.report import Granularity, Order, Report, not_final_text
from circleci_cost.text.amounts import exact_number
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost.warehouse.reporting.asked import MOST_GROUPS, Asked, asked_question
from circleci_cost.warehouse.reporting.report import answer, days_with_data, published_tags

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
    operating_system, trigger_source, build_status, charge_type, and every virtual tag, such as team.

    Sums are exact. Credits on days without a price are shown as unpriced, never as $0. The last days are not final:
    CircleCI may still restate them. With unpriced credits, or days that are not imported or should be final by now
    and are not, the exit code is 5.
    """
    settings = call.settings()
    lake = open_lake(settings.data_dir)
    generation = current_generation(lake)
    with generation.connect() as connection:
        tags = published_tags(connection, generation)
        asked = Asked(by, first, last, where, Granularity(granularity) if granularity else None, Order(sort), limit)
        available = days_with_data(connection)
        question = asked_question(asked, settings, tags, available, utc_yesterday(call.clock))
        if form is None and not question.by and granularity is None:
            question = replace(question, by=_OVERVIEW, limit=limit or _OVERVIEW_ROWS)
        costs = answer(
            connection,
            generation,
            question,
            [center.name for center in settings.cost_centers],
            _expected(settings, call.clock),
        )
        named_centers = any(each.dimension == "cost_center" for each in question.filters)
        former = [] if named_centers else list(former_centers(connection, settings))
    costs = replace(costs, overdue=_overdue(costs, settings, call.clock))
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
    if shortfalls := [*_shortfalls(costs, lake, call.clock), *_unfinished(costs, call.clock)]:
        for sentence in shortfalls:
            say(sentence)
        context.exit(PARTIAL_DATA)


def _expected(settings: Settings, clock: Clock) -> DayRange | None:
    """The days that can have data by now: from the start of the history to yesterday, in UTC."""
    yesterday = utc_yesterday(clock)
    return DayRange(settings.history_start, yesterday) if settings.history_start <= yesterday else None


def _shortfalls(costs: Report, lake: Lake, clock: Clock) -> list[str]:
    sentences = []
    unpriced = costs.total.unpriced_credits
    if unpriced:
        sentences.append(
            f"Partial: {exact_number(unpriced)} credits have no price and are in no dollar amount; add a price period "
            "for their days (`circleci-cost check` names them), then run `circleci-cost reprice`."
        )
    return sentences + missing_sentences(lake, costs.missing, "Partial: days without data", clock.now())


def _overdue(costs: Report, settings: Settings, clock: Clock) -> dict[str, list[DayRange]]:
    """The days, by cost center, whose last export was made too early."""
    today = utc_today(clock)
    overdue: dict[str, list[DayRange]] = {}
    for name, ranges in costs.unsettled.items():
        days = [day for day_range in ranges for day in days_between(day_range.first, day_range.last)]
        if due := [day for day in days if is_due(day, today, settings.restatement_days)]:
            overdue[name] = as_ranges(due)
    return overdue


def _unfinished(costs: Report, clock: Clock) -> list[str]:
    """A sentence about the overdue days that CircleCI still serves."""
    now = clock.now()
    fetchable_ranges = []
    for name, ranges in costs.overdue.items():
        days = {day for day_range in ranges for day in days_between(day_range.first, day_range.last)}
        if fetchable := days - set(plan_windows(days, now).out_of_reach):
            fetchable_ranges.append(f"{name}: {say_ranges(as_ranges(fetchable))}")
    if not fetchable_ranges:
        return []
    return [
        f"Partial: days that were exported before CircleCI had finished them, {'; '.join(fetchable_ranges)}; run "
        "`circleci-cost sync` to fetch them again."
    ]
