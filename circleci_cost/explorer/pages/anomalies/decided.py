"""The incidents as they are decided about now, and what the form for a decision needs.

The file of decisions is `config.decisions_file`'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from circleci_cost.config.decisions_file import DecidedIncidents, DecisionsFile, decided_now, decisions_file
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.incidents.decision import Decision, decision_about, version_of
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.warehouse.incidents.incidents import read_incidents


@dataclass(frozen=True)
class Decided:
    """The published incidents with the decisions that the file holds now."""

    now: DecidedIncidents
    file: DecisionsFile

    @cached_property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows of `anomaly_incidents`, the newest first."""
        return self.now.incidents.to_dicts()

    @property
    def problem(self) -> FileProblem | None:
        """Why the file cannot be read, if so."""
        return self.now.problem

    def decision(self, incident_id: str) -> Decision | None:
        """What the file says about an incident."""
        return decision_about(self.now.decisions, incident_id)

    def version(self, incident_id: str) -> str:
        """What a form sends back, to tell which decision its user had seen."""
        return version_of(self.decision(incident_id))


def decided(snapshot: Snapshot) -> Decided:
    """The incidents of a snapshot, and the decisions of this moment."""
    published: pl.DataFrame = read_incidents(snapshot.connection)
    return Decided(decided_now(snapshot.settings, published), decisions_file(snapshot.settings))
