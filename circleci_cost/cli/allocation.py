"""`allocation`: explains a tag's figures, previews an edited configuration, and shows the cost without a value.

All three read a published generation; `allocation_output` writes their answers.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from circleci_cost.cli.allocation_apply import apply_command
from circleci_cost.cli.allocation_output import write_coverage, write_difference, write_origins
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say
from circleci_cost.cli.unusable_files import say_partial
from circleci_cost.clock import utc_yesterday
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.config.unusable_files import tag_problems
from circleci_cost.errors import PARTIAL_DATA, CircleciCostError, ConfigurationError, UsageError
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.allocation.planning import prepare
from circleci_cost.model.allocation.rule_conditions import configured_tag, rule_conditions
from circleci_cost.model.reporting.names import tag_named
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult, job_run_files
from circleci_cost.warehouse.allocation.coverage import coverage, shortfall, suggestions
from circleci_cost.warehouse.allocation.diff import difference
from circleci_cost.warehouse.allocation.explain import explain
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost.warehouse.reporting.asked import asked_days, asked_filters
from circleci_cost.warehouse.reporting.report import days_with_data, published_tags

_FIRST = click.option("--from", "first", type=DAY, metavar="DAY", help="First day; default: the first there is.")
_LAST = click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included; default: the last there is.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON: exact decimals as strings.")


@click.group()
def allocation() -> None:
    """Whose cost it is: virtual tags, such as team, explained, previewed, applied and completed."""


allocation.add_command(apply_command)


@allocation.command(name="explain")
@click.option("--tag", metavar="TAG", help="The virtual tag; needed where there are several.")
@click.option("--value", "values", multiple=True, metavar="VALUE", help="Only this value of it; may be repeated.")
@_FIRST
@_LAST
@click.option("--where", multiple=True, metavar="DIM=VALUE", help="Only this value of a dimension, as in `report`.")
@_JSON
@invocation
def explain_command(
    call: Invocation,
    *,
    tag: str | None,
    values: tuple[str, ...],
    first: date | None,
    last: date | None,
    where: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show why a cost is where it is: rule, value before the split, split, share, credits and cost.

    The rows of a value add up to the report's figure for it, to the last digit. Conditions are those of the present
    configuration.
    """
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    with generation.connect() as connection:
        tag_name = _only_or_named(_require_published(settings, published_tags(connection, generation)), tag)
        days = asked_days(first, last, days_with_data(connection), utc_yesterday(call.clock))
        origins = explain(connection, tag_name, days, values, asked_filters(where, (), settings))
    conditions = rule_conditions(configured_tag(settings.virtual_tags, tag_name))
    write_origins(tag_name, days, origins, conditions, as_json=as_json)
    say_partial(tag_problems(settings))


@allocation.command(name="diff")
@click.option(
    "--with",
    "other_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Another configuration file; default: the present one, as it is now.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only this virtual tag; may be repeated.")
@_FIRST
@_LAST
@_JSON
@invocation
def diff_command(
    call: Invocation,
    *,
    other_file: Path | None,
    tags: tuple[str, ...],
    first: date | None,
    last: date | None,
    as_json: bool,
) -> None:
    """Show what an edited configuration would move, in dollars, against what is published. Nothing is written.

    Prices and daily costs are the published ones: only virtual tags and their files are compared.
    """
    settings = call.settings()
    edited = read_settings(other_file, call.clock) if other_file else settings
    lake = open_lake(settings.data_dir)
    generation = current_generation(lake)
    with generation.connect() as connection:
        published = published_tags(connection, generation)
        days = asked_days(first, last, days_with_data(connection), utc_yesterday(call.clock))
    if not edited.virtual_tags and not published:
        raise ConfigurationError(_how_to_add(edited))
    tag_names = sorted({*published, *(tag.name for tag in edited.virtual_tags)})
    chosen = [tag_named(tag, tag_names) for tag in tags]
    centers = [center.name for center in settings.cost_centers]
    changes = difference(
        generation, prepare(edited.virtual_tags, edited.resolve), lambda: job_run_files(lake, centers), days, chosen
    )
    write_difference(days, changes, as_json=as_json)
    _say_remarks(changes.result, chosen)


@allocation.command(name="coverage")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only this virtual tag; may be repeated.")
@click.option("--months", type=click.IntRange(1), metavar="N", help="Only the last N months; default: all.")
@click.option(
    "--suggestions",
    "limit",
    type=click.IntRange(0, 1000),
    default=5,
    show_default=True,
    metavar="N",
    help="How many rules to suggest for each tag.",
)
@_JSON
@invocation
@click.pass_context
def coverage_command(
    context: click.Context, call: Invocation, *, tags: tuple[str, ...], months: int | None, limit: int, as_json: bool
) -> None:
    """Show how much of the cost has a value, by month, and rules for the largest groups without one.

    With `min_coverage` in the configuration the exit code is 5 where these months together lie below it.
    """
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    with generation.connect() as connection:
        published = _require_published(settings, published_tags(connection, generation))
        chosen = [tag_named(tag, published) for tag in tags] or published
        answers = []
        for name in chosen:
            tag = configured_tag(settings.virtual_tags, name)
            rows = coverage(connection, name, tag.default, months)
            answers.append((tag, rows, suggestions(connection, name, tag.default, limit) if limit else []))
    write_coverage(answers, as_json=as_json)
    say_partial(tag_problems(settings))
    below = [sentence for tag, rows, _ in answers if (sentence := shortfall(tag, rows[-1]))]
    for sentence in below:
        say(f"Partial: {sentence}; add rules for the largest groups.")
    if below:
        context.exit(PARTIAL_DATA)


def _require_published(settings: Settings, published: list[str]) -> list[str]:
    """The published tags; where there are none, raise an error that says how to get some."""
    if published:
        return published
    if not settings.virtual_tags:
        raise ConfigurationError(_how_to_add(settings))
    raise CircleciCostError(
        "The virtual tags of the configuration are in no published costs yet; run `circleci-cost allocation apply`."
    )


def _how_to_add(settings: Settings) -> str:
    return (
        f"There is no virtual tag in {settings.described_source}; add a [[virtual_tags]] section with "
        'name = "team" and [[virtual_tags.rules]] with value and where = { project = "…" }.'
    )


def _only_or_named(published: Sequence[str], tag: str | None) -> str:
    if tag is not None:
        return tag_named(tag, published)
    if len(published) > 1:
        raise UsageError(f"There are several virtual tags: {', '.join(published)}; say which one with --tag.")
    return published[0]


def _say_remarks(result: AllocationResult, chosen: Sequence[str]) -> None:
    for sentence in result.warnings:
        say(f"Note: {sentence}")
    for tag in result.tags:
        if chosen and tag.tag not in chosen:
            continue
        for sentence in [*tag.warnings, *(str(fallback) for fallback in tag.fallbacks)]:
            say(f"Note: {sentence}")
