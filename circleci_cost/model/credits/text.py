"""The state of credits as the cells of a table, for terminals and Dagster's UI; sentences are in `findings`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from circleci_cost.text.amounts import dollars, mean_price, whole_number

TABLE_HEADER = ("cost center", "credits left", "worth", "USD per credit", "per day", "run out (80 %)", "expire unused")
LOT_HEADER = ("lot", "bought on", "expires", "credits", "paid", "used", "expired", "left", "invoice")
_NONE = "–"


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
