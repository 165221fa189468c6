"""A folder of files of infrastructure costs and a warehouse in memory, as tests of several readings need them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from circleci_cost.lake.infrastructure import read_sources
from circleci_cost.lake.infrastructure_state import InfrastructureState
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost.warehouse.infrastructure.infrastructure_costs import (
    InfrastructureSummary,
    known_files,
    next_state,
    write_infrastructure,
)
from circleci_cost_tests.model.infrastructure.builders import below, source

AT = datetime(2026, 2, 1, 11, tzinfo=UTC)


class Warehouse:
    """A folder of files and a warehouse in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.state = InfrastructureState()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, *sources: Infrastructure) -> InfrastructureSummary:
        """Read what has changed; no source can have a problem."""
        summary = self.try_to_read(sources)
        assert [str(problem.error) for problem in summary.problems] == []
        return summary

    def refused(self, *sources: Infrastructure) -> str:
        """Read what has changed; return the one problem there is."""
        (problem,) = self.try_to_read(sources).problems
        return str(problem.error).replace(f"{self.folder}/", "")

    def try_to_read(self, sources: Sequence[Infrastructure]) -> InfrastructureSummary:
        chosen = sources or (source(),)
        known = known_files(self.connection)
        results = read_sources(chosen, known, below(self.folder), self.folder / "spill", self.state)
        summary = write_infrastructure(self.connection, results, AT)
        self.state = next_state(self.state, results, summary)
        return summary

    def days(self, where: str = "true") -> dict[str, str]:
        """The cost of each day of January 2026 in USD."""
        rows = self.connection.execute(
            f"SELECT date, sum(cost_usd) FROM infrastructure_costs WHERE {where} GROUP BY date ORDER BY date"
        ).fetchall()
        return {f"{day:%d}": f"{cost.normalize():f}" for day, cost in rows}
