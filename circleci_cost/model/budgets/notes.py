"""Why a budget's state is unsure, in words: the column `note` of `budget_status`.

The state itself is computed in `status`.
"""

from collections import Counter

import polars as pl

from circleci_cost.model.budgets.periods import PERIODS, period_of
from circleci_cost.model.budgets.series import History
from circleci_cost.text.units import counted

NO_FORECAST = "no forecast for these data yet"


def notes(history: History) -> pl.Expr:
    """All reasons of a row, separated by semicolons; null if there are none.

    For frames that have the columns of `budget_status`, `is_current`, `remaining_median` and `forecast_note`.
    """
    reasons = [
        _when(pl.col("period_start") < history.first, f"the history begins on {history.first}"),
        _incomplete(history),
        _when(pl.lit(bool(history.without_data)), f"no data yet of {', '.join(history.without_data)}"),
        _unpriced(),
        pl.when("is_current").then("forecast_note"),
        _when(pl.col("is_current") & pl.col("remaining_median").is_null(), NO_FORECAST),
    ]
    joined = pl.concat_str(reasons, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def _when(condition: pl.Expr, text: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(text))


def _incomplete(history: History) -> pl.Expr:
    counts = Counter((kind, period_of(kind, day).first) for day in history.incomplete for kind in PERIODS)
    keys = [f"{kind} {first}" for kind, first in counts]
    texts = [counted(count, "incomplete day") for count in counts.values()]
    key = pl.concat_str("period_kind", pl.lit(" "), "period_start")
    return key.replace_strict(keys, texts, default=None, return_dtype=pl.String)


def _unpriced() -> pl.Expr:
    """Credits without a price are missing in dollars, so that a budget in USD may be more used than it looks."""
    number = pl.col("unpriced_credits").cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    unpriced = (pl.col("unit") == "USD") & (pl.col("unpriced_credits") != 0)
    return pl.when(unpriced).then(pl.concat_str(number, pl.lit(" credits have no price")))
