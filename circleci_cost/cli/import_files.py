"""`import`: imports usage exports from files, like a download; nothing lands before all files are read."""

from datetime import date, timedelta
from pathlib import Path

import click

from circleci_cost.assets import COSTED, JOB_RUNS
from circleci_cost.circleci import land_files
from circleci_cost.circleci.progress import Silent
from circleci_cost.cli.import_check import FilesRead, read_files
from circleci_cost.cli.infrastructure_refusals import saying_infrastructure
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.planned_runs import PlannedRun
from circleci_cost.cli.report_output import exact_sum
from circleci_cost.cli.runs import execute
from circleci_cost.cli.streams import say, write_line
from circleci_cost.cli.unknown_organizations import say_unknown_organizations
from circleci_cost.cli.unpriced import exit_partial_if_unpriced
from circleci_cost.clock import utc_today
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.errors import UsageError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import Manifest, landed_exports
from circleci_cost.lake.settling import unread_days
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.reporting.report import Question, Report
from circleci_cost.text.amounts import exact_number
from circleci_cost.text.units import counted
from circleci_cost.warehouse.publishing.generations import NothingPublishedError, current_generation
from circleci_cost.warehouse.reporting.report import answer, imported_days

# All assets but the fetched exports: the files replace these.
_ASSETS = (JOB_RUNS.name, *COSTED)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--cost-center", required=True, metavar="NAME", help="The cost center that the usage belongs to.")
@invocation
def import_files(call: Invocation, files: tuple[Path, ...], cost_center: str) -> None:
    """Import usage exports that you have as files: CSV, gzip-compressed or not, one or several parts.

    All files are read and checked before anything is stored. Their days are then priced and published as if they
    had been downloaded; this is also the way to keep history older than CircleCI's 13 months. An import adds jobs or
    replaces them, and removes none. The same files again change nothing. Where credits are left without a price the
    exit code is 5.
    """
    settings = call.own_settings()
    center = settings.cost_center(cost_center)
    files_read = read_files(files, center, settings.refused_organizations(center.name))
    _refuse_days(files_read.days, settings, utc_today(call.clock))
    lake = open_lake(settings.data_dir)
    imported = land_files(
        lake,
        center.name,
        files_read.files,
        files_read.days.first,
        files_read.days.last,
        organization_id=center.organization_id,
        shared_organization_ids=center.shared_organization_ids,
        clock=call.clock,
        progress=_WaitsSaid(),
    )
    manifest = imported.landed.manifest
    days = DayRange(manifest.first_day, manifest.last_day)
    if imported.already and _is_published(lake, manifest):
        write_line("Already imported: nothing changed.")
    else:
        run = PlannedRun("refresh", center.name, days.first, days.last, _ASSETS)
        execute(settings, [run], f"Reading and pricing {days}")
        write_line(f"Imported {_described(files_read)} into {center.name}.")
    _show(_costs(lake, center, days), center, days)
    say_unknown_organizations(settings, lake, center.name, days.first, days.last)
    with saying_infrastructure(settings):
        exit_partial_if_unpriced(lake, [center.name], days)


class _WaitsSaid(Silent):
    """Says what an import waits for; copying files needs no bar."""

    def message(self, text: str) -> None:
        """Say the message."""
        say(text)


def _refuse_days(days: DayRange, settings: Settings, today: date) -> None:
    if days.first < settings.history_start:
        raise UsageError(
            f"The files begin on {days.first}, and history_start is {settings.history_start} in "
            f"{settings.described_source}; nothing was imported. Set history_start = {days.first} there, then import "
            "them again."
        )
    if days.last >= today:
        raise UsageError(
            f"The files hold jobs up to {days.last}, a day that is not over in UTC (it is {today}); nothing was "
            f"imported. Import days up to {today - timedelta(days=1)}, and check JOB_RUN_DATE and this machine's clock."
        )


def _described(files_read: FilesRead) -> str:
    files = f"{len(files_read.files):,} files" if len(files_read.files) > 1 else files_read.files[0].name
    return f"{files} ({counted(files_read.jobs, 'job')}, {exact_number(files_read.credits)} credits, {files_read.days})"


def _is_published(lake: Lake, manifest: Manifest) -> bool:
    """Whether every day was published from this import or a later export, and its job runs are there.

    An earlier run may have been cut off, or a file been damaged and set aside.
    """
    days = DayRange(manifest.first_day, manifest.last_day)
    landed = landed_exports(lake, manifest.cost_center)
    if unread_days(lake, manifest.cost_center, days_between(days.first, days.last), landed):
        return False
    try:
        generation = current_generation(lake)
    except NothingPublishedError:
        return False
    with generation.connect() as connection:
        return imported_days(connection, manifest.cost_center, days, manifest.exported_at) == days.days


def _costs(lake: Lake, center: CostCenter, days: DayRange) -> Report:
    generation = current_generation(lake)
    question = Question(days.first, days.last, filters=(Filter("cost_center", FilterOperator.IS, (center.name,)),))
    with generation.connect() as connection:
        return answer(connection, generation, question, [center.name], days)


def _show(costs: Report, center: CostCenter, days: DayRange) -> None:
    write_line(f"{center.name}, {days}: {exact_sum(costs.total)}")
