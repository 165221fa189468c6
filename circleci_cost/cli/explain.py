"""`explain`: asks the published generation why the cost of a period differs from that of another one."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say
from circleci_cost.clock import Clock, utc_today
from circleci_cost.days import EARLIEST_USAGE
from circleci_cost.errors import PARTIAL_DATA, CircleciCostError, UsageError

if TYPE_CHECKING:
    from circleci_cost.cli.explain_output import Explanation
    from circleci_cost.config.settings import Settings
    from circleci_cost.day_ranges import DayRange
    from circleci_cost.warehouse.drivers.compared_costs import Costs

_WEEK = timedelta(days=6)
_YEAR = timedelta(days=366)


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
    from circleci_cost.cli.explain_output import write_explanation_json, write_text

    settings = call.settings()
    explanation = _explained(settings, call.clock, first, last, against, by=by, where=where, limit=limit)
    (write_explanation_json if as_json else write_text)(explanation)
    if explanation.costs.is_partial:
        for sentence in _shortfalls(explanation.costs, settings, call.clock):
            say(sentence)
        context.exit(PARTIAL_DATA)


def _explained(
    settings: "Settings",
    clock: Clock,
    first: date | None,
    last: date | None,
    against: str,
    *,
    by: tuple[str, ...],
    where: tuple[str, ...],
    limit: int,
) -> "Explanation":
    from circleci_cost.cli.edited import say_edited
    from circleci_cost.cli.explain_output import Explanation
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.model.calendar.special_days import special_days
    from circleci_cost.model.drivers.baseline import four_weeks_before
    from circleci_cost.warehouse.drivers.compared_costs import Periods, read_costs
    from circleci_cost.warehouse.drivers.examples import with_examples
    from circleci_cost.warehouse.publishing.generations import current_generation
    from circleci_cost.warehouse.reporting.asked import asked_dimensions, asked_filters
    from circleci_cost.warehouse.reporting.report import published_tags

    lake = open_lake(settings.data_dir)
    generation = current_generation(lake)
    today = utc_today(clock)
    period = _days(first, last, generation.manifest.data_through, today)
    special = special_days(four_weeks_before(period.first)[-1], period.last, settings.calendar)
    with generation.connect() as connection:
        tags = published_tags(connection, generation)
        periods = Periods(
            period,
            _against(against, period, today),
            asked_dimensions(by, tags, settings),
            asked_filters(where, tags, settings),
            frozenset(special.get_column("date").to_list()),
        )
        costs = read_costs(connection, periods, [center.name for center in settings.cost_centers])
        explanation = Explanation.of(periods, costs, generation.manifest.data_through, limit)
        say_edited(settings, generation)
        return explanation.with_rows(
            causes=with_examples(connection, lake, explanation.causes, costs.last_days),
            changes=with_examples(connection, lake, explanation.changes, costs.last_days),
        )


def _days(first: date | None, last: date | None, through: date | None, today: date) -> "DayRange":
    from circleci_cost.day_ranges import DayRange

    if through is None and (first is None or last is None):
        raise CircleciCostError("No day is complete for every cost center yet; say --from and --to.")
    end = last or max(through or date.min, first or date.min)
    days = DayRange(first or end - _WEEK, end)
    if days.last < days.first:
        raise UsageError(f"--from {days.first} lies after --to {days.last}; exchange them.")
    if days.first > today:
        raise UsageError(f"--from {days.first} is yet to come; there can be no cost of it.")
    return _require_possible(days, today)


def _require_possible(days: "DayRange", today: date) -> "DayRange":
    """Return the days if usage is possible on them, else raise `UsageError`: a period also reads days around it."""
    latest = today + _YEAR
    if days.first < EARLIEST_USAGE or days.last > latest:
        raise UsageError(f"No cost is possible on all of {days}; name days from {EARLIEST_USAGE} to {latest}.")
    return days


def _against(text: str, period: "DayRange", today: date) -> "DayRange | None":
    """The period to compare with; None for the same weekdays."""
    from circleci_cost.day_ranges import DayRange
    from circleci_cost.model.drivers.baseline import previous

    if text == "weekdays":
        return None
    if text == "previous":
        return previous(period)
    first, colon, last = text.partition(":")
    try:
        days = DayRange(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        colon = ""
    if not colon:
        raise UsageError(
            f"--against {text!r} is no period; write weekdays, previous, or two days such as 2026-01-01:2026-01-31."
        )
    if days.last < days.first:
        raise UsageError(f"--against {text!r} begins after it ends; exchange the days.")
    return _require_possible(days, today)


def _shortfalls(costs: "Costs", settings: "Settings", clock: Clock) -> Sequence[str]:
    from circleci_cost.history.coverage import missing_sentences
    from circleci_cost.lake.layout import open_lake
    from circleci_cost.model.pricing.price_gaps import say_gaps

    lake = open_lake(settings.data_dir)
    words = "Partial: days without complete data are left out"
    sentences = missing_sentences(lake, costs.missing, words, clock.now())
    unpriced = "; ".join(f"{name}: {say_gaps(ranges)}" for name, ranges in costs.unpriced.items())
    if unpriced:
        sentences.append(
            f"Partial: days with credits that have no price are left out, {unpriced}; add a price period for "
            "them, then run `circleci-cost reprice`."
        )
    return sentences
