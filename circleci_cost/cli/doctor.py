"""`doctor`: verifies the data directory and says how to mend it; with --repair, sets aside what is damaged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.streams import remarks, results, shown, write_json
from circleci_cost.errors import PARTIAL_DATA
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.text.amounts import credits_text, exact_dollars, exact_number
from circleci_cost.text.units import counted, size
from circleci_cost.warehouse.inspection.findings import Finding
from circleci_cost.warehouse.inspection.inspection import Inspection, inspect
from circleci_cost.warehouse.inspection.repair import SetAside, repair

_STYLES = {"remark": "cyan", "error": "bold red", "fetch": "yellow"}


@click.command()
@click.option("--repair", "mend", is_flag=True, help="Set aside what is damaged, so that a run makes it again.")
@click.option("--json", "as_data", is_flag=True, help="Write the findings as JSON.")
@invocation
@click.pass_context
def doctor(context: click.Context, call: Invocation, mend: bool, as_data: bool) -> None:
    """Verify the data directory: manifests, checksums, sums of every day, and say what mends what is wrong.

    Nothing is changed, fetched or computed. With --repair, damaged files and the manifests that list them move to
    state/damaged, nothing is deleted, and the command that makes them again is named. Exit code 1 where something is
    wrong, 5 where days have to be fetched again.
    """
    settings = call.own_settings()
    lake = Lake(settings.data_dir)
    if lake.format_marker.exists():
        # Refuses a newer format; without the marker it would make a data directory.
        open_lake(settings.data_dir)
    with _progress() as tell:
        found = inspect(settings, lake, call.clock.now(), tell)
    aside = repair(lake, found.damage, call.clock.now()) if mend and found.damage else None
    if as_data:
        write_json(_as_json(found, aside))
    else:
        _print(results(), found, aside)
    states = {finding.state for finding in found.findings}
    context.exit(PARTIAL_DATA if "fetch" in states else 1 if "error" in states else 0)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], object]]:
    """Draw the bytes that were read, on a terminal only."""
    console = remarks()
    if not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Verifying", total=None)

        def tell(done: int, total: int) -> None:
            # What follows, the sums of job runs, takes a while and has no bytes to count.
            progress.update(
                task, completed=done, total=total, description="Adding up" if done >= total else "Verifying"
            )

        yield tell


def _print(console: PlainConsole, found: Inspection, aside: SetAside | None) -> None:
    for finding in found.findings:
        line = Text(f"{finding.state:<7}", style=_STYLES[finding.state])
        line.append(f"{shown(finding.where)}: ", style="bold")
        line.append(shown(_sentence(found, finding, repaired=aside is not None)), style="")
        console.print(line, soft_wrap=True)
    if aside is not None:
        noun = counted(len(aside.paths), "file")
        console.paragraph(f"Set aside in {aside.folder}: {noun}. Nothing was deleted.")
    console.paragraph(_summary(found))
    steps = found.commands()
    if steps:
        first = [] if aside is not None or not found.damage else ["circleci-cost doctor --repair"]
        told = ", then ".join(f"`{step}`" for step in (*first, *steps))
        console.paragraph(f"To make everything again: {told}.")


def _sentence(found: Inspection, finding: Finding, *, repaired: bool) -> str:
    if finding.advice:
        return f"{finding.what}; {finding.advice}"
    steps = found.commands(finding.remedies)
    if not steps:
        return finding.what
    first = ["circleci-cost doctor --repair"] if finding.needs_repair and not repaired else []
    told = ", then ".join(f"`{step}`" for step in (*first, *steps))
    return f"{finding.what}; run {told}{_fetches(finding)}"


def _fetches(finding: Finding) -> str:
    return ", which fetches them again" if finding.state == "fetch" else ""


def _summary(found: Inspection) -> str:
    wrong = sum(finding.state != "remark" for finding in found.findings)
    verified = (
        f"Verified {counted(found.files, 'listed file')} ({size(found.bytes)}) and {counted(found.days, 'day')} of "
        f"{counted(found.jobs, 'job')}: {exact_number(found.sums.credits)} credits, "
        f"{exact_dollars(found.sums.cost_usd)}"
    )
    return f"{verified}. {counted(wrong, 'problem')}." if wrong else f"{verified}. Nothing is wrong."


def _as_json(found: Inspection, aside: SetAside | None) -> object:
    return {
        "findings": [
            {
                "subject": finding.subject,
                "state": finding.state,
                "where": finding.where,
                "what": finding.what,
                "advice": finding.advice or None,
                "commands": found.commands(finding.remedies),
                "needs_repair": finding.needs_repair,
            }
            for finding in found.findings
        ],
        "verified": {
            "files": found.files,
            "bytes": found.bytes,
            "days": found.days,
            "jobs": found.jobs,
            "credits": credits_text(found.sums.credits),
            "unpriced_credits": credits_text(found.sums.unpriced_credits),
            "cost": credits_text(found.sums.cost_usd),
        },
        "commands": found.commands(),
        "set_aside": None if aside is None else {"folder": str(aside.folder), "paths": aside.paths},
    }
