"""The state of credits as the cells of a table, for terminals and Dagster's UI; sentences are in `findings`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from circleci_cost.text.amounts import WIDE, dollars, mean_price, percent, signed, whole_number

TABLE_HEADER = ("cost center", "credits left", "worth", "USD per credit", "per day", "run out (80 %)", "expire unused")
LOT_HEADER = ("lot", "bought on", "expires", "credits", "paid", "used", "expired", "left", "invoice")
PART_HEADER = ("part", "USD", "why")
_NONE = "–"
# What a part is called; a name that speaks for itself is not here.
_PARTS = {
    "computed": "computed cost",
    "refill_instead_of_usage": "purchases instead of usage",
    "bonus_credits": "bonus credits",
    "price_period": "other price",
    "days_missing": "days missing",
    "restated_since": "restated since",
}


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A row of `credit_outlook` as text."""
    price, per_day = row["price_per_credit"], row["credits_per_day"]
    return (
        row["cost_center"],
        whole_number(row["balance_credits"]),
        dollars(row["balance_usd"]),
        _NONE if price is None else mean_price(float(price)),
        _NONE if per_day is None else whole_number(per_day),
        run_out(row),
        dollars(row["expiring_usd"]) if row["expiring_usd"] else _NONE,
    )


def run_out(row: Mapping[str, Any]) -> str:
    """The day and range of running out: `2027-03-14 (2027-02-20 – 2027-04-09)`; `–` where they last."""
    earliest: date | None = row["runs_out_earliest"]
    if earliest is None:
        return _NONE
    if earliest == row["runs_out_latest"]:
        return str(earliest)
    later = f"after {row['horizon']}"
    return f"{row['runs_out_on'] or later} ({earliest} – {row['runs_out_latest'] or later})"


def lot_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What has become of a lot, as text."""
    return (
        row["lot"],
        str(row["bought_on"]),
        str(row["expires"]),
        whole_number(row["bought_credits"]),
        dollars(row["bought_usd"]),
        whole_number(row["used_credits"]),
        whole_number(row["expired_credits"]),
        whole_number(row["left_credits"]),
        row["invoice"] or _NONE,
    )


def part_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A row of `reconciliation` as text; estimates begin with `about`."""
    amount = row["amount_usd"]
    shown = dollars(amount) if row["cause"] == "computed" else signed(amount)
    return (
        _PARTS.get(row["cause"], row["cause"]),
        f"about {shown}" if row["estimated"] else shown,
        row["note"] or "",
    )


def invoice_title(row: Mapping[str, Any]) -> str:
    """The cost center, the days and the invoices of a row of `reconciliation`."""
    numbers = f" ({row['invoices']})" if row["invoices"] else ""
    return f"{row['cost_center']}, {row['period_start']} to {row['period_end']}{numbers}"


def unexplained_hint(rows: pl.DataFrame) -> str:
    """What to do about what stays unexplained in rows of `reconciliation`; empty where nothing does."""
    if rows.filter((pl.col("cause") == "unexplained") & (pl.col("amount_usd") != 0)).is_empty():
        return ""
    return (
        "What stays unexplained may be a line of the invoice (seats, storage, network, tax) or a purchase that is not "
        "written down; otherwise ask CircleCI's billing support about it."
    )


def say_unexplained(row: Mapping[str, Any]) -> str:
    """The sentence about an invoice of which something stays unexplained, with its share."""
    rest, invoice = row["amount_usd"], row["invoice_usd"]
    share = f" ({percent(WIDE.divide(abs(rest), abs(invoice)), 1)})" if invoice else ""
    why = f", as {row['note']}" if row["note"] else ""
    return f"{invoice_title(row)}: {dollars(rest)} of {dollars(invoice)}{share} stay unexplained{why}"
