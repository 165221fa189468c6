"""Changes of class for people and programs: rows of a table, exact JSON, the list of changes to revert.

What became of a change is `class_verdicts`' job; colours and columns of a terminal are the command line's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from circleci_cost.model.efficiency.class_verdicts import VERDICT_SCHEMA
from circleci_cost.text.amounts import dollars, exact

TABLE_HEADER = ("job", "from", "to", "since", "time", "cost a run", "range", "saves a month", "success", "verdict")
_NONE = "–"
_EXACT = [name for name, kind in VERDICT_SCHEMA.items() if kind.is_decimal()]
_ROUNDED = [name for name, kind in VERDICT_SCHEMA.items() if kind == pl.Float64]


def chosen(changes: pl.DataFrame, jobs: Sequence[str]) -> pl.DataFrame:
    """The changes of `jobs`, or all; first those to revert that still hold, the costliest at the top."""
    rows = changes.filter(pl.col("job").is_in(jobs)) if jobs else changes
    return rows.with_columns(to_revert=is_to_revert()).sort("to_revert", descending=True, maintain_order=True)


def is_to_revert() -> pl.Expr:
    """Whether a change should be taken back and has not been."""
    return (pl.col("verdict") == "revert") & pl.col("current")


def revert_sentence(row: Mapping[str, Any]) -> str:
    """What to take back, what that would save, and why."""
    saved = f", which would save {dollars(-row['saving_usd'])} a month" if (row["saving_usd"] or 0) < 0 else ""
    return f"Revert {row['project']} / {row['job']} to {row['resource_class_before']}{saved}: {row['sentence']}."


def keep_sentence(row: Mapping[str, Any]) -> str:
    """What proved itself, what it saves, and why."""
    saved = f", which saves {dollars(row['saving_usd'])} a month" if (row["saving_usd"] or 0) > 0 else ""
    return f"Keep {row['project']} / {row['job']} at {row['resource_class']}{saved}: {row['sentence']}."


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row under `TABLE_HEADER`: relative changes of time and cost a run, success rates in percent."""
    low, high = row["cost_ratio_low"], row["cost_ratio_high"]
    return (
        f"{row['project']} / {row['job']}",
        row["resource_class_before"],
        row["resource_class"],
        row["date"].isoformat(),
        _change(row["minutes_ratio"]),
        _change(row["cost_ratio"]),
        _NONE if low is None else f"{_change(low)} to {_change(high)}",
        _NONE if row["saving_usd"] is None else dollars(row["saving_usd"]),
        f"{_percent(row['success_rate_before'])} → {_percent(row['success_rate_after'])}",
        row["verdict"] if row["current"] else f"{row['verdict']} (over)",
    )


def as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row for programs: exact decimals as text, ratios and minutes to four decimals."""
    values = {name: row[name] for name in VERDICT_SCHEMA}
    values |= {name: exact(row[name]) for name in _EXACT}
    values |= {name: round(row[name], 4) for name in _ROUNDED if row[name] is not None}
    return values | {"date": row["date"].isoformat()}


def _change(ratio: float | None) -> str:
    return _NONE if ratio is None else f"{100 * (ratio - 1):+.0f} %"


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.0f} %"
