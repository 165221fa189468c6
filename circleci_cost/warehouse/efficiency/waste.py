"""Makes `waste` and `dlc_evidence` from the daily costs and the last job runs. Reading them is `waste_report`'s job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import duckdb

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.model.efficiency.waste import DLC_DAYS, DLC_RUNS
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import transaction

WASTE, DLC_EVIDENCE = "waste", "dlc_evidence"


@dataclass(frozen=True)
class CauseSum:
    """The sums of one cause over all days; the cost is None where nothing of it has a price."""

    cause: str
    runs: int
    credits: Decimal
    cost_usd: Decimal | None


@dataclass(frozen=True)
class WasteSummary:
    """What was written: the sums by cause, the cost of everything, and the days and jobs with more waste than cost."""

    rows: int
    causes: tuple[CauseSum, ...]
    cost_usd: Decimal
    beyond_cost: int
    jobs_with_caching: int
    jobs_judged: int

    @property
    def wasted_usd(self) -> Decimal:
        """The cost of all causes together."""
        return sum((each.cost_usd for each in self.causes if each.cost_usd is not None), start=Decimal(0))


def write_waste(connection: duckdb.DuckDBPyConnection, lake: Lake, cost_centers: Sequence[str]) -> WasteSummary:
    """Replace both tables, in one transaction. In: the cost centers whose job runs may be looked at."""
    with transaction(connection):
        connection.execute("DELETE FROM dlc_evidence")
        if files := _last_files(connection, lake, cost_centers):
            connection.execute(sql("efficiency/dlc_evidence"), {"files": files, "enough": DLC_RUNS})
        connection.execute("DELETE FROM waste")
        connection.execute(sql("efficiency/waste"))
        return _summary(connection)


def _last_files(connection: duckdb.DuckDBPyConnection, lake: Lake, cost_centers: Sequence[str]) -> list[str]:
    """The job runs of the last days that have costs."""
    (last,) = one_row(connection, "SELECT max(date) FROM daily_costs")
    if last is None:
        return []
    first: date = last - timedelta(days=DLC_DAYS - 1)
    return readable(
        lake.job_runs_file(name, day)
        for name in cost_centers
        for day in lake.job_runs_days(name)
        if first <= day <= last
    )


def _summary(connection: duckdb.DuckDBPyConnection) -> WasteSummary:
    causes = connection.execute(
        "SELECT cause, sum(runs), sum(credits), sum(cost_usd) FROM waste GROUP BY cause "
        "ORDER BY sum(credits) DESC, cause"
    ).fetchall()
    (rows,) = one_row(connection, "SELECT count(*) FROM waste")
    (cost_usd,) = one_row(connection, "SELECT coalesce(sum(cost_usd), 0) FROM daily_costs")
    (beyond,) = one_row(connection, sql("efficiency/waste_beyond_cost"))
    cached, judged = one_row(connection, "SELECT count(*), count(saves_time) FROM dlc_evidence")
    return WasteSummary(rows, tuple(CauseSum(*row) for row in causes), cost_usd, beyond, cached, judged)
