"""The file of decisions that the configuration names: where it is, whether it can be changed, and what it says now.

Its content is the business of `model.incidents`, replacing it safely that of `lake.edited_files`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from circleci_cost.config.settings import CONFIG_FILE, Settings
from circleci_cost.errors import CircleciCostError, ConfigurationError
from circleci_cost.lake.edited_files import edit_file, why_read_only
from circleci_cost.model.incidents.decision import Decision
from circleci_cost.model.incidents.decision_edits import edited
from circleci_cost.model.incidents.decisions import (
    COLUMNS,
    DECISIONS,
    DECISIONS_STAY,
    NO_DECISIONS,
    read_decisions,
    redecided,
)
from circleci_cost.named_files.file_problem import FileProblem


@dataclass(frozen=True)
class DecisionsFile:
    """The file as the configuration names it, its path, and why it cannot be changed here; None for what is not so."""

    shown: str | None
    path: Path | None
    read_only: str | None


@dataclass(frozen=True)
class DecidedIncidents:
    """Incidents as they are decided about now, the decisions, and the problem of a file that cannot be read."""

    incidents: pl.DataFrame
    decisions: pl.DataFrame
    problem: FileProblem | None = None


def decisions_file(settings: Settings) -> DecisionsFile:
    """Where the decisions are, and whether this process can change them."""
    file = settings.anomalies.decisions
    if file is None:
        return DecisionsFile(None, None, _not_configured(settings))
    path = settings.resolve(file)
    try:
        return DecisionsFile(str(file), path, why_read_only(path))
    except CircleciCostError as error:
        return DecisionsFile(str(file), path, str(error))


def decide(settings: Settings, incident_id: str, decision: Decision | None, seen: str | None = None) -> bool:
    """Write what was decided about an incident, or remove it (None), and tell whether the file has changed.

    `seen` is the `version_of` the decision that the user saw, None not to check it. Raises `ConfigurationError` where
    no file is configured or it has a mistake, `StorageError` where it cannot be written, and what `edited` raises.
    Whatever is raised, the file is as it was.
    """
    file = settings.anomalies.decisions
    if file is None:
        raise ConfigurationError(_not_configured(settings))
    path = settings.resolve(file)
    return edit_file(path, partial(edited, path, incident_id=incident_id, decision=decision, seen=seen))


def decided_now(settings: Settings, published: pl.DataFrame) -> DecidedIncidents:
    """Rows of `anomaly_incidents` with the decisions that the file holds now, whenever they were published.

    Without a readable file they stay as they were published, as they do in the next run.
    """
    file = settings.anomalies.decisions
    if file is None:
        return DecidedIncidents(redecided(published, NO_DECISIONS), NO_DECISIONS)
    path = settings.resolve(file)
    try:
        decisions = read_decisions(path)
    except ConfigurationError as error:
        nothing_lost = not path.exists() and published.filter(pl.col("status").is_in(DECISIONS)).is_empty()
        problem = None if nothing_lost else FileProblem("anomalies", path, str(error), DECISIONS_STAY)
        return DecidedIncidents(published, NO_DECISIONS, problem)
    return DecidedIncidents(redecided(published, decisions), decisions)


def _not_configured(settings: Settings) -> str:
    how = (
        f'add decisions = "decisions.csv" to [anomalies] in {settings.source_file or CONFIG_FILE}, and make that file '
        f"with the line {','.join(COLUMNS)}."
    )
    if settings.is_demo:
        return f"The built-in demo has no file of decisions. In a configuration of your own, {how}"
    return f"No file of decisions is configured; {how}"
