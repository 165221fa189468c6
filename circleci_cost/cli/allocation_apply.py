"""`allocation apply`: allocates again, compares with budgets and publishes; nothing is fetched or priced."""

import click

from circleci_cost.assets import FOLLOWING
from circleci_cost.cli.infrastructure_refusals import say_infrastructure
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.planned_runs import WholeRun
from circleci_cost.cli.runs import execute
from circleci_cost.cli.streams import write_line
from circleci_cost.cli.unusable_files import refuse_unusable
from circleci_cost.lake.layout import open_lake
from circleci_cost.warehouse.publishing.generations import current_generation


@click.command(name="apply")
@invocation
def apply_command(call: Invocation) -> None:
    """Apply the present rules, splits and budgets to the whole history, and publish.

    Nothing is fetched and nothing is priced. With `dagster dev` running, the sensor `automation` does the same.
    """
    settings = call.own_settings()
    lake = open_lake(settings.data_dir)
    # Before the first publication there is nothing to allocate: this error says what to run instead.
    current_generation(lake)
    refuse_unusable(settings)
    execute(settings, [WholeRun("allocate", "allocation", FOLLOWING)], "Allocating")
    manifest = current_generation(lake).manifest
    tags = ", ".join(tag.name for tag in settings.virtual_tags) or "no virtual tags"
    write_line(f"Applied {tags}, {manifest.days}.")
    say_infrastructure(settings)
