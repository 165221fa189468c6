"""The findings of `check` about the other sections of the configuration and their files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from pathlib import Path

from circleci_cost.cli.findings import Finding
from circleci_cost.cli.infrastructure_findings import infrastructure_findings
from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings
from circleci_cost.errors import CircleciCostError, ConfigurationError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.model.allocation.planning import prepare_usable
from circleci_cost.model.efficiency.trigger_users import WITHOUT_NAMES, read_user_names
from circleci_cost.model.incidents.decisions import DECISIONS_STAY, read_decisions
from circleci_cost.model.reporting.annotations import WITHOUT_ANNOTATIONS, read_annotations
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.notify.webhook_secret import unusable_secret
from circleci_cost.sections.section import shown_variable
from circleci_cost.text.units import counted


def section_findings(settings: Settings, environment: Mapping[str, str], *, offline: bool = False) -> Iterator[Finding]:
    """Read every file that the sections name, and look for the variables that channels need."""
    yield from _tags(settings)
    yield from _budgets(settings)
    yield from _credits(settings)
    yield from _decisions(settings)
    yield from _annotations(settings)
    yield from _rows(
        "actors", settings, settings.actors.trigger_user_names, read_user_names, noun="user", without=WITHOUT_NAMES
    )
    asked = not (offline and isinstance(settings.data_dir, StorePath))
    lake = Lake(settings.data_dir) if settings.infrastructure and asked else None
    yield from infrastructure_findings(settings.infrastructure, settings.resolve, offline=offline, lake=lake)
    yield from _channels(settings, environment)


def _tags(settings: Settings) -> Iterator[Finding]:
    plan = prepare_usable(settings.virtual_tags, settings.resolve)
    yield from _problems("virtual tags", plan.problems)
    for sentence in plan.warnings:
        yield Finding("virtual tags", "warning", sentence)
    for sentence in plan.readings:
        yield Finding("virtual tags", "ok", sentence)
    for tag in settings.virtual_tags:
        parts = (
            _count(tag.rules, "rule"),
            _count(tag.mappings, "mapping file"),
            _count(tag.codeowners, "CODEOWNERS file"),
            _count(tag.splits, "split"),
        )
        yield Finding("virtual tags", "ok", f"{tag.name}: {', '.join(part for part in parts if part) or 'no rules'}")


def _budgets(settings: Settings) -> Iterator[Finding]:
    try:
        usable = usable_budgets(settings)
    except CircleciCostError as error:
        yield Finding("budgets", "error", str(error), error.exit_code)
        return
    yield from _problems("budgets", usable.problems)
    if usable.budgets:
        yield Finding("budgets", "ok", _count(usable.budgets, "budget"))


def _credits(settings: Settings) -> Iterator[Finding]:
    usable = usable_credits(settings)
    yield from _problems("credits", usable.problems)
    for center in dict.fromkeys((*usable.centers, *usable.invoiced)):
        parts = (
            _count(center.purchases, "purchase"),
            _count(center.plan.allocations, "allocation schedule"),
            _count(center.plan.allowances, "monthly allowance"),
            _count(center.invoices, "invoice"),
        )
        yield Finding("credits", "ok", f"{center.cost_center}: {', '.join(part for part in parts if part)}")


def _problems(subject: str, problems: Iterable[FileProblem]) -> Iterator[Finding]:
    """A finding for each file that cannot be used: runs go on without it."""
    for problem in problems:
        sentence = f"{problem.sentence} {problem.consequence}"
        yield Finding(subject, "error", sentence, ConfigurationError.exit_code)


def _decisions(settings: Settings) -> Iterator[Finding]:
    file = settings.anomalies.decisions
    return _rows("anomalies", settings, file, read_decisions, noun="decision", without=DECISIONS_STAY)


def _annotations(settings: Settings) -> Iterator[Finding]:
    file = settings.explorer.annotations
    return _rows("explorer", settings, file, read_annotations, noun="annotation", without=WITHOUT_ANNOTATIONS)


def _rows(
    subject: str, settings: Settings, file: Path | None, read: Callable[[Path], Sized], *, noun: str, without: str
) -> Iterator[Finding]:
    """How many rows an optional file has, or why it cannot be read and what is done `without` it."""
    if file is None:
        return
    try:
        rows = read(settings.resolve(file))
    except CircleciCostError as error:
        yield Finding(subject, "error", f"{error} {without}", error.exit_code)
        return
    yield Finding(subject, "ok", f"{file}: {counted(len(rows), noun)}")


def _channels(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    for channel in settings.notifications.channels:
        names = ((key, getattr(channel, key, None)) for key in ("url_env", "password_env", "secret_env"))
        missing = [shown_variable(name, key) for key, name in names if name and not environment.get(name, "").strip()]
        if missing:
            yield Finding(
                "notifications",
                "warning",
                f"the channel {channel.name!r} needs the environment variable {', '.join(missing)}, which is not set",
            )
        if sentence := unusable_secret(channel, environment):
            yield Finding("notifications", "error", sentence, ConfigurationError.exit_code)
        elif not missing:
            yield Finding("notifications", "ok", f"{channel.name} ({channel.type}): `notify test` tries it")


def _count(entries: Sized, name: str) -> str:
    return counted(len(entries), name) if entries else ""
