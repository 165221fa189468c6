"""`check`: configuration, data directory, prices, tokens and access; nothing is fetched and nothing is changed."""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import click
from rich.text import Text

from circleci_cost.circleci import DELIVERED_BY, DELIVERY, awaited_sentence
from circleci_cost.cli.check_access import access_findings, token_ends
from circleci_cost.cli.check_engine import engine_findings
from circleci_cost.cli.check_prices import price_findings
from circleci_cost.cli.check_sections import section_findings
from circleci_cost.cli.findings import Finding
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.permissions import too_open
from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.published_state import published
from circleci_cost.cli.streams import results, shown, write_json
from circleci_cost.cli.timeline import as_json, gaps_of, print_timelines, ranges_json
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.dagster_home import dagster_home
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.errors import AuthorizationError, CircleciCostError
from circleci_cost.history.coverage import IMPORT_THEM, missing_days, overdue_days
from circleci_cost.lake.files import storage_errors, write_atomic
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.text.units import counted, to_the_minute, verb
from circleci_cost.warehouse.publishing.edited import edited
from circleci_cost.warehouse.publishing.nothing_published import PRICE_THEM
from circleci_cost.warehouse.reporting.former_centers import former_centers
from circleci_cost.warehouse.reporting.outdated_days import (
    days_at_former_prices,
    days_of_earlier_versions,
    of_earlier_version,
)

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


@click.command()
@click.option("--offline", is_flag=True, help="Leave out what asks CircleCI, an object store or an engine.")
@click.option("--json", "as_data", is_flag=True, help="Write the findings as JSON.")
@invocation
@click.pass_context
def check(context: click.Context, call: Invocation, offline: bool, as_data: bool) -> None:
    """Look over configuration, token, access and prices before anything is fetched.

    Shows the price timeline that costs will rest on. Exit code 3 where the configuration is wrong or days lack a
    price, 4 where a token is.
    """
    settings = call.own_settings()
    today = utc_today(call.clock)
    findings = [
        *_configuration(settings, call),
        *_storage(settings, call.clock, offline=offline),
        *price_findings(settings, today),
        *token_ends(settings, today),
        *section_findings(settings, os.environ, offline=offline),
        *([] if offline else engine_findings(settings)),
        *([] if offline else access_findings(settings, call.clock)),
    ]
    if as_data:
        _write_json(settings, findings, today)
    else:
        _print(results(), settings, findings, today)
    codes = [finding.exit_code for finding in findings]
    # Without a token nothing works at all; a gap only leaves some days unpriced.
    context.exit(AuthorizationError.exit_code if AuthorizationError.exit_code in codes else max(codes))


def _configuration(settings: Settings, call: Invocation) -> Iterator[Finding]:
    centers = ", ".join(center.name for center in settings.cost_centers)
    yield Finding(
        "configuration",
        "ok",
        f"{settings.described_source}: cost centers {centers}, history since {settings.history_start}",
    )
    if settings.daily_at < DELIVERED_BY:
        yield Finding(
            "configuration",
            "warning",
            f"daily_at = {settings.daily_at} is too early, so the daily run may leave the day before to the next one: "
            f"{DELIVERY}; set {DELIVERED_BY} or later",
        )
    if settings.source_file:
        folder = settings.source_file.parent
        data = () if isinstance(settings.data_dir, StorePath) else (settings.data_dir,)
        looked_at = (settings.source_file, folder / ".env", folder, *data, dagster_home(settings))
        for sentence in too_open(looked_at):
            yield Finding("permissions", "warning", sentence)


def _storage(settings: Settings, clock: Clock, *, offline: bool) -> Iterator[Finding]:
    if offline and isinstance(settings.data_dir, StorePath):
        yield Finding("data directory", "ok", f"{settings.data_dir} is in an object store, which was not asked")
        return
    try:
        found = _probed(settings.data_dir)
        lake = open_lake(settings.data_dir)
        generation = published(lake)
    except CircleciCostError as error:
        yield Finding("data directory", "error", str(error), error.exit_code)
        return
    yield Finding("data directory", "ok", f"{settings.data_dir} {found}")
    if generation is None:
        step = "run `circleci-cost sync`, then `circleci-cost backfill`"
        yield Finding("published", "ok", f"nothing yet; {PRICE_THEM if lake.has_job_runs() else step}")
        return
    manifest = generation.manifest
    yield Finding(
        "published",
        "ok",
        f"{manifest.days}, at {to_the_minute(manifest.published_at)}",
    )
    if sentence := edited(settings, generation):
        yield Finding("published", "warning", sentence)
    yield from _missing(settings, lake, clock)
    with generation.connect() as connection:
        for sentence in former_centers(connection, settings):
            yield Finding("cost centers", "warning", sentence)
    yield from _unsettled(settings, lake, clock)
    with generation.connect() as connection:
        unfilled = days_of_earlier_versions(connection, lake)
        stale = days_at_former_prices(connection, settings)
    if unfilled or generation.is_of_earlier_version:
        yield Finding("published", "warning", of_earlier_version(unfilled))
    for name, ranges in stale.items():
        days = sum(day_range.days for day_range in ranges)
        yield Finding(
            "published prices",
            "warning",
            f"{name}: {_days(days, 'rests', 'rest')} on a former price ({say_ranges(ranges)}); "
            "run `circleci-cost reprice`",
        )


def _probed(directory: Path) -> str:
    """Write something into a data directory and remove it; the rest of the sentence. Raises as writing does."""
    if isinstance(directory, StorePath):
        from circleci_cost.lake.stores.writes import probe

        probe(directory.location)
        return "can be written, and the store honours conditions on writes"
    trial = open_lake(directory).state / "check"
    with storage_errors(trial):
        write_atomic(trial, b"")
        trial.unlink()
    return "can be written"


def _missing(settings: Settings, lake: Lake, clock: Clock) -> Iterator[Finding]:
    for center in settings.cost_centers:
        try:
            missing = missing_days(settings, lake, center.name, clock.now())
        except CircleciCostError:
            # `_unsettled` reports this error.
            continue
        if missing.fetchable:
            ranges = say_ranges(as_ranges(missing.fetchable))
            count = _days(len(missing.fetchable), "is", "are")
            sentence = f"{center.name}: {count} not there yet ({ranges}); run `circleci-cost backfill`"
            yield Finding("history", "warning", sentence)
        if missing.out_of_reach:
            ranges = say_ranges(as_ranges(missing.out_of_reach))
            count = _days(len(missing.out_of_reach), "is", "are")
            sentence = f"{center.name}: {count} older than CircleCI serves ({ranges}); {IMPORT_THEM}"
            yield Finding("history", "ok", sentence)
    if awaited := awaited_sentence(clock.now(), settings.history_start):
        yield Finding("history", "ok", awaited.removesuffix("."))


def _unsettled(settings: Settings, lake: Lake, clock: Clock) -> Iterator[Finding]:
    for center in settings.cost_centers:
        try:
            unsettled = overdue_days(settings, lake, center.name, clock.now()).fetchable
        except CircleciCostError as error:
            yield Finding("history", "error", str(error), error.exit_code)
            continue
        if unsettled:
            yield Finding(
                "history",
                "warning",
                f"{center.name}: {_days(len(unsettled), 'was', 'were')} exported before CircleCI had finished "
                f"{verb(len(unsettled), 'it', 'them')} ({say_ranges(as_ranges(unsettled))}); run `circleci-cost sync`",
            )


def _days(number: int, singular: str, plural: str) -> str:
    return f"{counted(number, 'day')} {verb(number, singular, plural)}"


def _print(console: PlainConsole, settings: Settings, findings: Sequence[Finding], today: date) -> None:
    for finding in findings:
        line = Text(f"{finding.state:<8}", style=_STYLES[finding.state])
        line.append(f"{finding.subject}: ", style="bold")
        line.append(shown(finding.sentence), style="")
        console.print(line, soft_wrap=True)
    console.print()
    console.print(Text("Prices to review", style="bold"))
    print_timelines(console, settings, today)


def _write_json(settings: Settings, findings: Sequence[Finding], today: date) -> None:
    if isinstance(settings.data_dir, StorePath):
        # Asked again only where it has answered before.
        usable = any(finding.subject == "published" for finding in findings)
    else:
        usable = settings.data_dir.is_dir()
    generation = published(open_lake(settings.data_dir)) if usable else None
    stale: dict[str, list[DayRange]] = {}
    if generation:
        with generation.connect() as connection:
            stale = days_at_former_prices(connection, settings)
    content = {
        "findings": [
            {"subject": finding.subject, "state": finding.state, "sentence": finding.sentence} for finding in findings
        ],
        "prices": as_json(settings, today),
        "unpriced_days": ranges_json(gaps_of(settings, today)),
        "stale_prices": ranges_json(stale),
    }
    write_json(content)
