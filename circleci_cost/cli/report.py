"""`report`: asks the published generation and shows the answer as a table, JSON or CSV."""

from collections.abc import Sequence
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
from circleci_cost.errors import PARTIAL_DATA, CircleciCostError, UsageError
from circleci_cost.history.coverage import is_due, missing_sentences
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.reporting.report import (
    Granularity,
    Order,
    Question,
    Report,
    arrange,
    dimension,
    not_final_text,
    with_rows,
)
from circleci_cost.text.amounts import exact_number
from circleci_cost.warehouse.publishing.generations import current_generation
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
    help="Only this value. Of one dimension several are alternatives; of several dimensions all must hold.",
)
@click.option("--granularity", type=click.Choice([each.value for each in Granularity]), help="Split by period.")
@click.option(
    "--sort",
    type=click.Choice([each.value for each in Order]),
    default=Order.COST.value,
    show_default=True,
    help="Order of the rows within a period.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
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
        dimensions = asked_dimensions(by, tags, settings)
        filters = parse_filters(where, tags, settings)
        if form is None and not dimensions and granularity is None:
            dimensions, limit = _OVERVIEW, limit or _OVERVIEW_ROWS
        there = days_with_data(connection)
        days = asked_days(first, last, there, utc_yesterday(call.clock))
        question = Question(
            days.first, days.last, dimensions, filters, Granularity(granularity) if granularity else None
        )
        found = answer(
            connection,
            generation,
            question,
            [center.name for center in settings.cost_centers],
            _expected(settings, call.clock),
        )
        former = [] if "cost_center" in dict(filters) else list(former_centers(connection, settings))
    found = with_rows(found, arrange(found.rows, question, Order(sort), limit))
    found = replace(found, overdue=_overdue(found, settings, call.clock))
    for left in former:
        say(f"Warning: {left}")
    {"json": write_report_json, "csv": write_csv, None: write_table}[form](found)
    say_edited(settings, generation)
    if form is None and found.total.cost == 0 and found.total.credits and not found.total.unpriced_credits:
        say("The cost is $0 because the price of these days is 0; no credits lack a price.")
    if form == "csv" and (sentence := not_final_text(found)):
        say(sentence)
    if {*dimensions, *(name for name, _ in filters)}.intersection(tags):
        say_partial(tag_problems(settings))
    if shortfalls := [*_shortfalls(found, lake, call.clock), *_unfinished(found, call.clock)]:
        for sentence in shortfalls:
            say(sentence)
        context.exit(PARTIAL_DATA)


def asked_dimensions(by: Sequence[str], tags: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The dimensions of `--by DIM`, each once. Raises `UsageError`, or says how a configured tag gets published."""
    named = [each for given in by for each in given.split(",") if each.strip()]
    for name in named:
        _refuse_unpublished(name, tags, settings)
    return tuple(dict.fromkeys(dimension(each, tags) for each in named))


def _refuse_unpublished(name: str, tags: Sequence[str], settings: Settings) -> None:
    """Raise for a virtual tag that is configured and in no published costs yet, and say how it gets there."""
    wanted = name.strip().lower().replace("-", "_")
    for tag in settings.virtual_tags:
        if tag.name == wanted and tag.name not in tags:
            raise CircleciCostError(
                f"The virtual tag {tag.name!r} is in no published costs yet; run `circleci-cost allocation apply`, "
                "which fetches nothing."
            )


def parse_filters(
    where: Sequence[str], tags: Sequence[str], settings: Settings | None = None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The filters of `--where DIM=VALUE`, by dimension or virtual tag. Raises `UsageError`."""
    values: dict[str, list[str]] = {}
    for each in where:
        name, equals, value = each.partition("=")
        if not equals:
            raise UsageError(f"--where {each!r} has no value; write it as DIM=VALUE, such as project=web-app.")
        if settings is not None:
            _refuse_unpublished(name, tags, settings)
        values.setdefault(dimension(name, tags), []).append(value)
    return tuple((name, tuple(dict.fromkeys(found))) for name, found in values.items())


def asked_days(first: date | None, last: date | None, there: DayRange | None, yesterday: date) -> DayRange:
    """The days asked for; what is not said is what there is, else yesterday. Raises `UsageError` for a wrong order."""
    days = DayRange(
        first or min(there.first if there else yesterday, last or yesterday),
        last or max(there.last if there else yesterday, first or date.min),
    )
    if days.last < days.first:
        raise UsageError(f"--from {days.first} lies after --to {days.last}; exchange them.")
    return days


def _expected(settings: Settings, clock: Clock) -> DayRange | None:
    """The days that could be there by now: from the start of the history to yesterday, in UTC."""
    yesterday = utc_yesterday(clock)
    return DayRange(settings.history_start, yesterday) if settings.history_start <= yesterday else None


def _shortfalls(found: Report, lake: Lake, clock: Clock) -> list[str]:
    sentences = []
    unpriced = found.total.unpriced_credits
    if unpriced:
        sentences.append(
            f"Partial: {exact_number(unpriced)} credits have no price and are in no dollar amount; add a price period "
            "for their days (`circleci-cost check` names them), then run `circleci-cost reprice`."
        )
    return sentences + missing_sentences(lake, found.missing, "Partial: days without data", clock.now())


def _overdue(found: Report, settings: Settings, clock: Clock) -> dict[str, list[DayRange]]:
    """The days, by cost center, whose last export was made too early."""
    today = utc_today(clock)
    overdue: dict[str, list[DayRange]] = {}
    for name, ranges in found.unsettled.items():
        days = [day for each in ranges for day in days_between(each.first, each.last)]
        if due := [day for day in days if is_due(day, today, settings.restatement_days)]:
            overdue[name] = as_ranges(due)
    return overdue


def _unfinished(found: Report, clock: Clock) -> list[str]:
    """A sentence on the overdue days that CircleCI still serves."""
    now = clock.now()
    named = []
    for name, ranges in found.overdue.items():
        days = {day for each in ranges for day in days_between(each.first, each.last)}
        if fetchable := days - set(plan_windows(days, now).out_of_reach):
            named.append(f"{name}: {say_ranges(as_ranges(fetchable))}")
    if not named:
        return []
    return [
        f"Partial: days that were exported before CircleCI had finished them, {'; '.join(named)}; run `circleci-cost "
        "sync` to fetch them again."
    ]
