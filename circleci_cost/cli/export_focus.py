"""`export focus`: the usage and its cost in FOCUS, or as a receiver of cost files takes it.

The rows are `warehouse.focus`' subject; here are the options, where files go, and what is said about them.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import click
import duckdb

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say, write_line
from circleci_cost.cli.whole_folder import folder_beside, require_replaceable, whole_folder
from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, say_ranges
from circleci_cost.days import months_later
from circleci_cost.errors import PARTIAL_DATA, CircleciCostError, UsageError
from circleci_cost.history.reports import answered, report_shortfalls
from circleci_cost.lake.files import TEMPORARY_PREFIX, atomic_path
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.focus.columns import Grain, Style, Version
from circleci_cost.model.focus.receivers import CLOUDZERO, RECEIVERS, Receiver
from circleci_cost.model.reporting.report import Question, Report, not_final_text
from circleci_cost.text.amounts import dollars
from circleci_cost.text.units import counted
from circleci_cost.warehouse.focus.deliveries import CSV, PARQUET, join, write_metadata, write_months, write_received
from circleci_cost.warehouse.focus.export import Source, bound_memory, months_between, months_of_rows
from circleci_cost.warehouse.focus.files import WrittenFile
from circleci_cost.warehouse.publishing.generations import Generation, current_generation
from circleci_cost.warehouse.reporting.former_centers import former_centers
from circleci_cost.warehouse.reporting.report import days_with_data, published_tags

_FORMS = (CSV, PARQUET)
# Whoever names one of these means a file, and is not given a folder of that name.
_OTHER_FILES = ("gz", "zip", "json", "tsv", "xlsx")
_OURS = re.compile(
    rf"(focus|{'|'.join(RECEIVERS)})-\d{{4}}-\d{{2}}(-\d+)?\.(csv|parquet)|focus_metadata\.json|\d{{8}}-\d{{8}}"
    rf"|{re.escape(TEMPORARY_PREFIX)}.*"
)


@dataclass(frozen=True)
class _Shape:
    """What the options ask for; `is_file`: one file instead of a folder."""

    out: Path
    form: str
    version: Version
    receiver: Receiver | None

    @property
    def is_file(self) -> bool:
        return self.out.suffix.removeprefix(".") in _FORMS


@click.command(name="focus")
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day, YYYY-MM-DD; default: the first there is.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included; default: the last there is.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="One file, ending in .csv or .parquet, or else a folder with a file a month.",
)
@click.option("--format", "form", type=click.Choice(_FORMS), help="Default: as --out ends, else csv.")
@click.option(
    "--version",
    type=click.Choice([each.value for each in Version]),
    help=f"The version of FOCUS; default: {Version.V1_2.value}, which most tools read.",
)
@click.option(
    "--style",
    type=click.Choice([each.value for each in Style]),
    help="PricingCurrency: dollars per credit, or credits; default: usd. Costs are in dollars in both.",
)
@click.option(
    "--grain",
    type=click.Choice([each.value for each in Grain]),
    help="A row a day and job of a workflow (default), or one for each job run.",
)
@click.option(
    "--profile",
    type=click.Choice(list(RECEIVERS)),
    help="The columns and sizes of files that a receiver accepts; always a folder of CSV files.",
)
@click.option("--force", is_flag=True, help="Replace the file, or the folder of an earlier export.")
@invocation
@click.pass_context
def export_focus(
    context: click.Context,
    call: Invocation,
    *,
    first: date | None,
    last: date | None,
    out: Path,
    form: str | None,
    version: str | None,
    style: str | None,
    grain: str | None,
    profile: str | None,
    force: bool,
) -> None:
    """Write the usage and its cost in FOCUS, for any tool that reads the FinOps cost format.

    EffectiveCost is the cost that `report` shows, to the last digit. Virtual tags are in Tags; the parts of a shared
    cost are rows of their own. Credits without a price are in no row, as FOCUS has no unknown cost; with such credits,
    or days that are missing or should be final by now, the exit code is 5.
    """
    receiver = RECEIVERS[profile] if profile else None
    if receiver:
        _refuse_choices(receiver, {"--version": version, "--style": style, "--grain": grain})
    shape = _Shape(out, _form(out, form, receiver), Version(version or Version.V1_2), receiver)
    if version == Version.V1_4 and style == Style.CREDITS:
        raise UsageError(
            "FOCUS 1.4 allows only national currencies in PricingCurrency; use --style usd, or --version 1.3."
        )
    if shape.is_file and out.exists() and not force:
        raise UsageError(f"{out} is there already and was left as it is; add --force, or name another file.")
    if not shape.is_file:
        require_replaceable(out, _OURS, replace=force)
    settings = call.settings()
    lake = open_lake(settings.data_dir)
    if os.path.realpath(out) == os.path.realpath(lake.focus):
        raise UsageError(f"{out} is kept up to date by the asset focus_export; name another folder.")
    generation = current_generation(lake)
    with generation.connect() as connection:
        days = _days(connection, first, last)
        source = Source(
            connection,
            lake,
            published_tags(connection, generation),
            {center.name: center.organization_id for center in settings.cost_centers},
            Grain(grain or Grain.DAY),
            Style(style or Style.USD),
        )
        report = _report(connection, generation, days, settings, call.clock)
        files = _write_file(source, days, shape) if shape.is_file else _write_folder(source, days, shape)
        former = list(former_centers(connection, settings))
        cut_off = _cut_off(days, days_with_data(connection)) if shape.receiver is CLOUDZERO else []
    for file in files:
        write_line(f"{file.path}\t{counted(file.rows, 'row')}")
    cost = report.total.cost
    usage = "usage without a price" if cost is None else f"usage of {dollars(cost)}"
    say(f"Exported {days}, {usage}; {generation.manifest.through}.")
    for former_center in former:
        say(f"Warning: {former_center}")
    say_edited(settings, generation)
    if cut_off:
        say(f"CloudZero replaces a whole month by its drop, and of {say_ranges(cut_off)} only a part is in it.")
    if sentence := not_final_text(report):
        say(sentence)
    shortfalls = report_shortfalls(report, lake, call.clock)
    if report.total.unpriced_credits:
        say("FOCUS has no row for a cost that is unknown: usage without a price was left out.")
    for sentence in shortfalls:
        say(sentence)
    if shortfalls:
        context.exit(PARTIAL_DATA)


def _refuse_choices(receiver: Receiver, choices: dict[str, str | None]) -> None:
    """Raise `UsageError` for a choice of columns, which are the receiver's own."""
    given = [name for name, value in choices.items() if value]
    if given:
        raise UsageError(f"--profile {receiver.name} decides all columns; leave out {' and '.join(given)}.")


def _form(out: Path, form: str | None, receiver: Receiver | None) -> str:
    """The kind of the files, as the options and the end of --out say."""
    ending = out.suffix.removeprefix(".")
    if receiver and (form == PARQUET or ending in _FORMS):
        raise UsageError(f"{receiver.shown} takes CSV files of a limited size; name a folder, without --format.")
    if ending not in _FORMS and ending.lower() in (*_FORMS, *_OTHER_FILES):
        raise UsageError(f"--out ends in .{ending}; a file has to end in .csv or .parquet, a folder in neither.")
    if ending not in _FORMS:
        return form or CSV
    if form not in {None, ending}:
        raise UsageError(f"--out ends in .{ending} and --format is {form}; make them the same.")
    return ending


def _days(connection: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> DayRange:
    """The published days that are asked for. Raises `UsageError` where there are none."""
    if first and last and last < first:
        raise UsageError(f"--from {first} lies after --to {last}; exchange them.")
    available = days_with_data(connection)
    if available is None:
        raise CircleciCostError("No day is published yet; run `circleci-cost sync`. Nothing was written.")
    days = DayRange(
        first or min(available.first, last or available.first), last or max(available.last, first or available.last)
    )
    if not months_between(connection, days):
        raise UsageError(f"No day of {days} is published, only {available}. Nothing was written.")
    return days


def _report(
    connection: duckdb.DuckDBPyConnection, generation: Generation, days: DayRange, settings: Settings, clock: Clock
) -> Report:
    return answered(connection, generation, Question(days.first, days.last), settings, clock)


def _write_folder(source: Source, days: DayRange, shape: _Shape) -> Sequence[WrittenFile]:
    with folder_beside(shape.out) as spill, whole_folder(shape.out) as stage:
        bound_memory(source.connection, spill)
        months = months_of_rows(source, days)
        if shape.receiver:
            files = write_received(source, months, shape.receiver, stage)
        else:
            files = write_months(source, months, shape.version, shape.form, stage)
            write_metadata(source, shape.version, stage)
    return [WrittenFile(shape.out / file.path.relative_to(stage), file.rows) for file in files]


def _write_file(source: Source, days: DayRange, shape: _Shape) -> Sequence[WrittenFile]:
    with atomic_path(shape.out) as temporary, folder_beside(shape.out) as parts:
        bound_memory(source.connection, parts)
        files = write_months(source, months_of_rows(source, days), shape.version, shape.form, parts)
        written = join(source, files, temporary)
    return [WrittenFile(shape.out, written.rows)]


def _cut_off(days: DayRange, available: DayRange | None) -> list[DayRange]:
    """The months of which only some of the available days are asked for."""
    if available is None:
        return []
    starts = [days.first] if max(days.first.replace(day=1), available.first) < days.first else []
    ends = [days.last] if days.last < available.last and days.last < _month_of(days.last).last else []
    return list(dict.fromkeys(map(_month_of, [*starts, *ends])))


def _month_of(day: date) -> DayRange:
    first = day.replace(day=1)
    return DayRange(first, months_later(first, 1) - timedelta(days=1))
