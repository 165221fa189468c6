"""Which incidents a list shows: by default those that lasted until lately and that nobody has decided about.

Reading them is `warehouse.incidents`' job, showing them the command line's and the explorer's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from circleci_cost.errors import UsageError
from circleci_cost.model.incidents.decisions import DECISIONS
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import did_you_mean

LISTED_DAYS = 92
"""How long ago an incident may have ended to be listed without being asked for."""

Row = TypeVar("Row", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Listing:
    """What is asked for; None is any. A `status` asks for all that have it, whenever they were."""

    since: date | None = None
    every: bool = False
    status: str | None = None
    direction: str | None = None
    cost_center: str | None = None
    organization: str | None = None

    def chosen(self, rows: Iterable[Row]) -> list[Row]:
        """The rows of `anomaly_incidents` that are listed, in their order."""
        return [row for row in rows if self._is_listed(row)]

    def _is_listed(self, row: Mapping[str, Any]) -> bool:
        wanted = (
            ("status", self.status),
            ("direction", self.direction),
            ("cost_center", self.cost_center),
            ("organization", self.organization),
        )
        if any(value is not None and row[name] != value for name, value in wanted):
            return False
        return self.every or self.status is not None or self._is_current(row)

    def _is_current(self, row: Mapping[str, Any]) -> bool:
        first = self.since or row["data_through"] - timedelta(days=LISTED_DAYS)
        return bool(row["last_day"] >= first and row["status"] not in DECISIONS)


def incident_named(rows: Sequence[Row], incident_id: str) -> Row:
    """The row of one incident. Raises `UsageError`, with the nearest id, where there is none."""
    for row in rows:
        if row["incident_id"] == incident_id:
            return row
    hint = did_you_mean(incident_id, [row["incident_id"] for row in rows])
    hint = hint or "`circleci-cost anomalies --all` shows those there are."
    raise UsageError(f"There is no incident {quoted(incident_id)}; {hint}")
