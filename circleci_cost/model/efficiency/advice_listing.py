"""Advice on resource classes for people and programs: rows of a table, exact JSON, which rows were asked for.

What is advised is `advice`'s job; colours and columns of a terminal are the command line's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from circleci_cost.model.efficiency.advice import ADVICE_SCHEMA
from circleci_cost.text.amounts import dollars, exact

TABLE_HEADER = ("job", "class", "to", "min a run", "pays below (min)", "saves a month", "range", "advice", "risk")
_NONE = "–"
_EXACT = [name for name, kind in ADVICE_SCHEMA.items() if kind.is_decimal()]
_MINUTES = [name for name in ADVICE_SCHEMA if "minutes" in name]


def chosen(advice: pl.DataFrame, jobs: Sequence[str], *, every: bool) -> pl.DataFrame:
    """The best candidate of each job that likely saves; all candidates of `jobs`, or of all jobs where `every`."""
    if jobs:
        return advice.filter(pl.col("job").is_in(jobs))
    return advice if every else advice.filter("best")


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row under `TABLE_HEADER`: minutes a run, today and below which the candidate pays; dollars to the cent."""
    low, high = row["saving_low_usd"], row["saving_high_usd"]
    return (
        f"{row['project']} / {row['job'] or _NONE}",
        row["resource_class"] or _NONE,
        row["candidate"] or _NONE,
        _minutes(row["minutes_per_run"]),
        _minutes(row["break_even_minutes"]),
        _NONE if row["saving_usd"] is None else dollars(row["saving_usd"]),
        _NONE if low is None or high is None else f"{dollars(low)} to {dollars(high)}",
        row["advice"],
        row["risk"] or _NONE,
    )


def sentence(row: Mapping[str, Any]) -> str:
    """One row with a likely saving in dollars, its evidence and its risk."""
    low, high = row["saving_low_usd"], row["saving_high_usd"]
    between = "" if low is None or high is None else f" ({dollars(low)} to {dollars(high)})"
    risk = f"; risk: {row['risk']}" if row["risk"] else ""
    return (
        f"{row['project']} / {row['job'] or _NONE}: {row['candidate']} instead of {row['resource_class']} likely saves "
        f"{dollars(row['saving_usd'])} a month{between}: {row['reason']}{risk}."
    )


def together(rows: pl.DataFrame) -> str:
    """What rows that have likely savings come to, as the end of a sentence."""
    likely, low, high = map(dollars, rows.select("saving_usd", "saving_low_usd", "saving_high_usd").sum().row(0))
    return f"likely save {likely} a month, between {low} and {high}."


def as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row for programs: exact decimals as text, minutes to four decimals."""
    values = dict(row)
    for name in _EXACT:
        values[name] = exact(values[name])
    for name in (*_MINUTES, "unsampled_share", "success_rate"):
        if not isinstance(values[name], str) and values[name] is not None:
            values[name] = round(values[name], 4)
    return values | {name: row[name].isoformat() for name in ("first_day", "last_day")}


def _minutes(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.1f}"
