"""The pairs of series as rows of a table, and one pair with its chart: both series, each on an axis of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.charts import Axis, Chart, Kind, Role, Series
from circleci_cost.explorer.pages.infrastructure.asked import Asked
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.explorer.time_axis import periods_of, starts_of
from circleci_cost.model.correlation.text import finding_cells
from circleci_cost.model.reporting.report import Granularity
from circleci_cost.text.units import counted
from circleci_cost.warehouse.correlation.moving_together import PairDay, pair_days

_SHOWN = 200


@dataclass(frozen=True)
class PairRow:
    """A pair with its evidence, as texts; those of a pair that was not compared are empty."""

    ci: str
    infrastructure: str
    moved: str
    when: str
    r: str
    q: str
    days: str
    sentence: str
    is_finding: bool
    href: Address


@dataclass(frozen=True)
class Pairs:
    """The rows that are shown; how many pairs there are, were compared, and moved together."""

    rows: Sequence[PairRow]
    every: int
    compared: int
    findings: int


@dataclass(frozen=True)
class PairView:
    """One pair: its evidence, and the chart of its days; None where none of its days is asked for."""

    row: PairRow
    lag: str
    chart: Chart | None
    close: Address


def pairs_of(wanted: Asked, pairs: pl.DataFrame) -> Pairs:
    """The findings, or every pair where that is asked for. In: the published pairs in order."""
    chosen = pairs if wanted.shows_every_pair else pairs.filter("significant")
    return Pairs(
        _rows(wanted.address, chosen.head(_SHOWN)),
        pairs.height,
        int(pairs["p_value"].count()),
        int(pairs["significant"].sum()),
    )


def pair_view(wanted: Asked, pairs: pl.DataFrame, snapshot: Snapshot) -> PairView | None:
    """The pair that is asked for; None where none is."""
    if wanted.pair is None:
        return None
    ci, infrastructure = wanted.pair
    own = pairs.filter(pl.col("ci_series").eq(ci) & pl.col("infrastructure_series").eq(infrastructure))
    (row,) = _rows(wanted.address, own)
    days = pair_days(snapshot.connection, ci, infrastructure, wanted.days)
    return PairView(
        row,
        _lag(own.row(0, named=True)),
        _chart(wanted, row, days) if days else None,
        wanted.address.changed(pair=None),
    )


def _rows(address: Address, pairs: pl.DataFrame) -> list[PairRow]:
    return [
        PairRow(
            ci,
            infrastructure,
            moved,
            when,
            r,
            q,
            days,
            sentence,
            is_finding,
            address.changed(pair=[ci, infrastructure]),
        )
        for (infrastructure, ci, moved, when, r, q, days), (sentence, is_finding) in zip(
            _evidence(pairs), pairs.select("sentence", "significant").iter_rows(), strict=True
        )
    ]


def _evidence(pairs: pl.DataFrame) -> list[tuple[str, ...]]:
    """The cells of the finding's table; empty where a pair was not compared."""
    return [tuple(cell or "" for cell in cells) for cells in finding_cells(pairs)]


def _lag(pair: dict[str, Any]) -> str:
    """The lag as a sentence: which of both moved first; empty where there is none."""
    lag = pair["lag_days"]
    if lag is None:
        return ""
    if lag == 0:
        return "Both moved on the same day."
    later, earlier = ("infrastructure", "CI") if lag > 0 else ("CI", "infrastructure")
    return f"The {later} cost moved {counted(abs(lag), 'day')} after the {earlier} cost."


def _chart(wanted: Asked, row: PairRow, days: Sequence[PairDay]) -> Chart:
    by_day = {each.day: each for each in days}
    known = {each.day for each in days if each.ci is not None and each.infrastructure is not None}
    nothing = PairDay(wanted.days.first, None, None)
    found = [by_day.get(day, nothing) for day in starts_of(wanted.days, Granularity.DAY)]
    return Chart(
        "pair-chart",
        f"{row.sentence}.",
        periods_of(wanted.days, Granularity.DAY, known.__contains__),
        [
            Series(f"left: {row.ci}", [each.ci for each in found], Role.ACTUAL, 0, axis=0),
            Series(
                f"right: {row.infrastructure}",
                [each.infrastructure for each in found],
                Role.ACTUAL,
                1,
                axis=1,
            ),
        ],
        axes=(Axis("USD", 2), Axis("USD", 2)),
        kind=Kind.LINES,
        stacked=False,
    )
