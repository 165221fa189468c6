"""`export`: files for other tools. Here are the published tables, each whole or not at all; FOCUS is `export_focus`."""

import shutil
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from circleci_cost.cli.export_focus import export_focus
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.parameters import DAY
from circleci_cost.cli.streams import say, write_line
from circleci_cost.cli.table_files import write_table_files
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.lake.files import TEMPORARY_PREFIX, storage_errors
from circleci_cost.lake.layout import open_lake
from circleci_cost.text.units import counted
from circleci_cost.warehouse.publishing.generations import TABLES, Generation, current_generation
from circleci_cost.warehouse.reporting.report import days_with_data

_HELP = {
    "parquet": "Values are exact, and every name is as it is.",
    "csv": "Values are exact. A name that a spreadsheet would take for a formula is led by an apostrophe.",
}


class _TablesFirst(click.Group):
    """A group whose command may stand behind its options, as in `export --out DIR csv`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move the command's name to the front."""
        valued = {
            name
            for command in self.commands.values()
            for each in command.params
            if not _is_flag(each)
            for name in each.opts
        }
        place = 0
        while place < len(args) and args[place].startswith("-"):
            place += 2 if args[place] in valued else 1
        if 0 < place < len(args):
            args = [args[place], *args[:place], *args[place + 1 :]]
        return super().parse_args(ctx, args)


def _is_flag(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.is_flag


@click.group(cls=_TablesFirst)
def export() -> None:
    """Write files for other tools: the published tables, or usage and cost in FOCUS."""


def _tables_command(form: str, shown: str) -> click.Command:
    @click.command(
        name=form,
        help=f"""Write the published tables as {shown}: one folder a table, daily_costs one file a month.

    {_HELP[form]}
    """,
    )
    @click.option(
        "--out", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="The folder."
    )
    @click.option(
        "--table", "tables", multiple=True, type=click.Choice(TABLES), help="Only this table; may be repeated."
    )
    @click.option("--from", "first", type=DAY, metavar="DAY", help="First day of the tables that have days.")
    @click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, included.")
    @click.option("--force", is_flag=True, help="Replace the tables that are in the folder already.")
    @invocation
    def command(
        call: Invocation, *, out: Path, tables: tuple[str, ...], first: date | None, last: date | None, force: bool
    ) -> None:
        _export_tables(call, form, out, tables=tables, first=first, last=last, force=force)

    return command


def _export_tables(
    call: Invocation,
    form: str,
    out: Path,
    *,
    tables: tuple[str, ...],
    first: date | None,
    last: date | None,
    force: bool,
) -> None:
    if first and last and last < first:
        raise UsageError(f"--from {first} lies after --to {last}; exchange them.")
    settings = call.settings()
    generation = current_generation(open_lake(settings.data_dir))
    absent = [name for name in TABLES if name not in generation.manifest.rows]
    chosen = tuple(dict.fromkeys(tables)) or tuple(name for name in TABLES if name not in absent)
    if refused := [name for name in chosen if name in absent]:
        raise CircleciCostError(f"{_absent(refused)} Nothing was written.")
    existing = [out / name for name in chosen if (out / name).exists()]
    if existing and not force:
        raise UsageError(f"{existing[0]} is there already and was left as it is; add --force, or name another folder.")
    rows = _write(generation, form, out, chosen, (first, last))
    for name, count in rows.items():
        write_line(f"{out / name}\t{counted(count, 'row')}")
    if absent and not tables:
        say(_absent(absent))
    say(f"Exported generation {generation.manifest.generation}, {generation.manifest.through}.")


def _absent(tables: Sequence[str]) -> str:
    return (
        f"An earlier version of circleci_cost published this, without {', '.join(tables)}; run "
        "`circleci-cost reprice`, which fetches nothing, to have them."
    )


def _write(
    generation: Generation, form: str, out: Path, tables: tuple[str, ...], chosen_range: tuple[date | None, date | None]
) -> dict[str, int]:
    """Write all tables to a temporary folder beside them, then move each table in by one rename."""
    stage = out / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}"
    with storage_errors(out), generation.connect() as connection:
        available = days_with_data(connection)
        first, last = chosen_range
        days = DayRange(
            first or (available.first if available else date.min), last or (available.last if available else date.max)
        )
        try:
            stage.mkdir(parents=True)
            rows = {name: write_table_files(connection, name, stage / name, form, days) for name in tables}
            for name in tables:
                replaced = stage / f"old-{name}"
                if (out / name).exists():
                    (out / name).rename(replaced)
                (stage / name).rename(out / name)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return rows


for _form, _shown in (("parquet", "Parquet"), ("csv", "CSV")):
    export.add_command(_tables_command(_form, _shown))
export.add_command(export_focus)
